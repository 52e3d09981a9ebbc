//! Starts the server of a client's configuration as the client would, and asks it for its tools.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::model::ServerPeerInfo;
use tokio::io::DuplexStream;
use tokio::process::{Child, ChildStdin};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Check;
use super::heard::{Beginning, End, shown};
use super::launch::Launch;
use crate::{ClientError, ListedTool, PassportClient};

/// Nothing is called, so nobody is asked for the passport of this agent.
const AGENT: &str = "ap_doctor";
/// How long a program has to end by itself when nobody talks to it any more.
const LAST_WAIT: Duration = Duration::from_secs(2);
/// Bytes between a program and who reads its messages.
const PIPE: usize = 64 * 1024;
/// Tools whose names are shown.
const SHOWN: usize = 20;

/// What a program was heard to say, and its process.
#[derive(Default)]
struct Heard {
    beginning: Beginning,
    log: End,
    children: Mutex<Vec<(Child, JoinHandle<()>)>>,
}

/// Starts it, asks it, ends it.
pub(super) async fn checks(launch: &Launch, within: Duration) -> Vec<Check> {
    let heard = Arc::new(Heard::default());
    let (start, by) = (launch.clone(), Arc::clone(&heard));
    // Once more only where the answer to the question of the newer protocol is none of it.
    let start = move || std::future::ready(by.start(&start));
    let asking = async {
        let client = PassportClient::with_connector(start, AGENT).await?;
        let tools = client.list_tools().await?;
        let server = client.peer().peer_info();
        client.close().await;
        Ok((server, tools))
    };
    let answer: Option<Result<_, ClientError>> = timeout(within, asking).await.ok();
    let ended = heard.end(answer.is_none()).await;
    let program = launch.program.display();
    let hidden = |line: &str| shown(&launch.secrets.hidden_in(line));
    let stray = heard.beginning.stray_line().map(|line| hidden(&line));
    let why = match answer {
        Some(Ok((server, tools))) => {
            let mut checks = vec![Check::good(
                "start",
                format!(
                    "started `{program}`, and ended it again: {}",
                    named(server.as_deref())
                ),
            )];
            checks.push(told(&tools));
            if let Some(stray) = stray {
                let found = format!(
                    "it writes `{stray}` to standard output, where only messages of MCP belong: some clients hang up"
                );
                checks.push(
                    Check::doubtful("start", found).next("let it log to standard error instead"),
                );
            }
            return checks
                .into_iter()
                .map(|mut check| {
                    check.found = launch.secrets.hidden_in(&check.found);
                    check
                })
                .collect();
        }
        Some(Err(error)) => match ended {
            Some(status) => format!("it ended ({status}) before it had told its tools"),
            None => hidden(&error.to_string()),
        },
        None => format!("it did not tell its tools within {} s", within.as_secs()),
    };
    let mut found = format!("started `{program}` as the client would, but {why}");
    if let Some(stray) = stray {
        found.push_str(&format!("; to standard output it wrote `{stray}`"));
    }
    let log: Vec<String> = heard.log.lines().iter().map(|line| hidden(line)).collect();
    let next = if log.is_empty() {
        "correct `command` and `args`: they have to start a server that speaks MCP on standard input and output"
    } else {
        found.push_str(&format!("; its log ends with: {}", log.join(" | ")));
        "correct what its log names; `command` and `args` have to start a server that speaks MCP on standard input and output"
    };
    vec![Check::bad("start", found).next(next)]
}

impl Heard {
    fn start(&self, launch: &Launch) -> Result<(DuplexStream, ChildStdin), std::io::Error> {
        let mut child = launch.command().spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(std::io::Error::other("it has no standard streams"));
        };
        let (onward, said) = tokio::io::duplex(PIPE);
        let (beginning, log) = (self.beginning.clone(), self.log.clone());
        let reading = tokio::spawn(async move {
            tokio::join!(beginning.read(stdout, onward), log.read(stderr));
        });
        let children = &self.children;
        let mut children = children.lock().unwrap_or_else(PoisonError::into_inner);
        children.push((child, reading));
        Ok((said, stdin))
    }

    /// Ends what still runs, and gives the last one's status where it ended by itself. `hangs` is for one that
    /// had time enough.
    async fn end(&self, hangs: bool) -> Option<ExitStatus> {
        let children = {
            let children = &self.children;
            let mut children = children.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *children)
        };
        let mut status = None;
        for (mut child, reading) in children {
            let by_itself = if hangs {
                child.try_wait().ok().flatten()
            } else {
                let ended = timeout(LAST_WAIT, child.wait()).await;
                ended.ok().and_then(Result::ok)
            };
            if by_itself.is_none() {
                // By its own id, and nobody else.
                let _ = child.start_kill();
                let _ = timeout(LAST_WAIT, child.wait()).await;
            }
            // What it started itself may keep the streams open.
            let abort = reading.abort_handle();
            if timeout(LAST_WAIT / 4, reading).await.is_err() {
                abort.abort();
            }
            status = by_itself;
        }
        status
    }
}

fn named(server: Option<&ServerPeerInfo>) -> String {
    match server.and_then(|server| server.server_info.as_ref()) {
        Some(server) => format!("it is `{}` {}", server.name, server.version),
        None => "it speaks MCP, and does not say what it is".to_owned(),
    }
}

/// Its tools, and what guards them.
fn told(tools: &[ListedTool]) -> Check {
    if tools.is_empty() {
        return Check::doubtful("tools", "it has none").next("register the server's tools");
    }
    let list = |gated: bool| {
        let tools: Vec<&ListedTool> = tools
            .iter()
            .filter(|tool| tool.policy.is_some() == gated)
            .collect();
        let names = tools.iter().take(SHOWN).map(|tool| match &tool.policy {
            Some(policy) => format!("`{}` by {}", shown(&tool.name), shown(&policy.pack)),
            None => format!("`{}`", shown(&tool.name)),
        });
        let mut names: Vec<String> = names.collect();
        if let more @ 1.. = tools.len().saturating_sub(SHOWN) {
            names.push(format!("{more} more"));
        }
        names.join(", ")
    };
    match (list(true), list(false)) {
        (gated, open) if open.is_empty() => Check::good("tools", format!("gated: {gated}")),
        (gated, open) if gated.is_empty() => Check::doubtful(
            "tools",
            format!("it names a policy for none of them: {open}"),
        )
        .next("put `#[policy_gated(…)]` above what has to be decided"),
        (gated, open) => Check::good("tools", format!("gated: {gated}; without a policy: {open}")),
    }
}
