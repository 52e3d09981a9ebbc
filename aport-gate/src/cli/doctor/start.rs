//! Starts the server of a client's configuration as the client would, and asks it for its tools.

use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ProtocolVersion, ServerPeerInfo};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, RunningService,
};
use tokio::io::DuplexStream;
use tokio::process::ChildStdin;
use tokio::time::timeout;

use super::Check;
use super::heard::{Beginning, End, shown};
use super::launch::Launch;
use super::processes::Started;
use crate::{ListedTool, PassportClient};

/// Nothing is called, so nobody is asked for the passport of this agent.
const AGENT: &str = "ap_doctor";
/// Bytes between a program and who reads its messages.
const PIPE: usize = 64 * 1024;
/// Tools whose names are shown.
const SHOWN: usize = 20;

/// What a program was heard to say, and its processes.
#[derive(Default)]
struct Heard {
    beginning: Beginning,
    log: End,
    started: Mutex<Vec<Started>>,
}

/// Starts it, asks it, ends it.
pub(super) async fn checks(launch: &Launch, within: Duration) -> Vec<Check> {
    let heard = Heard::default();
    let asking = async {
        let service = heard.spoken_with(launch).await?;
        // The one limit is that of this command.
        let client = PassportClient::builder(AGENT).timeout(None).wrap(service);
        let client = client.map_err(|error| error.to_string())?;
        let tools = client.list_tools().await;
        let tools = tools.map_err(|error| error.to_string())?;
        let server = client.peer().peer_info();
        client.close().await;
        Ok((server, tools))
    };
    let asking = timeout(within, asking);
    // It is in a group of its own, so what ends this program does not end it.
    let answer: Option<Result<_, String>> = match crate::stop::signal() {
        Ok(signal) => tokio::select! {
            answer = asking => answer.ok(),
            () = signal => {
                heard.end(true).await;
                return vec![
                    Check::bad("start", "this was asked to end before the server had told its tools; what was started is ended")
                        .next("run it again"),
                ];
            }
        },
        Err(_) => asking.await.ok(),
    };
    let ended = heard.end(answer.is_none()).await;
    let program = launch.program.display();
    // Once more when colours are gone that may have been in the middle of one.
    let hidden = |line: &str| {
        let plain = shown(&launch.secrets.hidden_in(line));
        launch.secrets.hidden_in(&plain)
    };
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
            None => hidden(&error),
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
    /// Starts it and speaks the newer protocol, or the older one where it does not know that; in a second start
    /// where its answer to the newer one's question is none of it.
    async fn spoken_with(&self, launch: &Launch) -> Result<RunningService<RoleClient, ()>, String> {
        let either = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: None,
        };
        let start = || self.start(launch).map_err(|error| error.to_string());
        let mut spoken = ().serve_with_lifecycle(start()?, either).await;
        if let Err(ClientInitializeError::ExpectedInitResult(Some(_))) = spoken {
            let older = ClientLifecycleMode::Initialize;
            spoken = ().serve_with_lifecycle(start()?, older).await;
        }
        spoken.map_err(|error| match error {
            ClientInitializeError::ExpectedInitResponse(_)
            | ClientInitializeError::ExpectedInitResult(_) => {
                "its answer to the handshake is no message of MCP".to_owned()
            }
            ClientInitializeError::ConnectionClosed(_) => {
                "it does not speak MCP: the connection ended during the handshake".to_owned()
            }
            other => other.to_string(),
        })
    }

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
        let started = &self.started;
        let mut started = started.lock().unwrap_or_else(PoisonError::into_inner);
        started.push(Started::new(child, reading));
        Ok((said, stdin))
    }

    /// Ends what still runs, and gives the last one's status where it ended by itself. `at_once` is for one that
    /// had time enough.
    async fn end(&self, at_once: bool) -> Option<ExitStatus> {
        let started = {
            let started = &self.started;
            let mut started = started.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *started)
        };
        let mut status = None;
        for program in started {
            status = program.end(at_once).await;
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
