//! Whatever is nested in whatever: all that is kept was paid for, and there is only so much to pay with.

use super::{MAX_WORK, WORD, Work};
use crate::validator::shell::{self, Command, MAX_COMMANDS, Word};
use crate::validator::wrapper::{WRAPPERS, unwrapped};
use proptest::prelude::*;

/// Words that make programs run programs, or look as if they did.
const WORDS: [&str; 40] = [
    "find",
    "-exec",
    "-ok",
    "-execdir",
    "-okdir",
    "{}",
    "\\;",
    "+",
    "sh",
    "bash",
    "-c",
    "-co",
    "eval",
    "fish",
    "--command=x",
    "cmd",
    "/c",
    "powershell",
    "-Command",
    "git",
    "-c",
    "alias.x=!git",
    "rebase",
    "--exec",
    "bisect",
    "run",
    "grep",
    "-Ox",
    "npm",
    "exec",
    "--a",
    "x",
    "tar",
    "--to-command=tar",
    "-I",
    "ssh",
    "-oProxyCommand=ssh",
    "rsync",
    "-e",
    "docker",
];

fn read(work: &Work, words: &[String], apart: bool) -> Result<Vec<Command>, String> {
    let commands = if apart {
        let words = words.iter().map(|word| Word {
            text: word.clone(),
            ..Word::default()
        });
        vec![Command {
            words: words.collect(),
            ..Command::default()
        }]
    } else {
        shell::commands(work, &words.join(" "))?
    };
    unwrapped(work, commands)
}

fn bytes(commands: &[Command]) -> usize {
    let words = commands.iter().flat_map(|command| &command.words);
    words.map(|word| WORD + word.text.len()).sum()
}

/// Reads the words both ways and holds what comes of it against what was paid.
fn assert_paid(words: &[String]) {
    for apart in [false, true] {
        let work = Work::new();
        let given: usize = words.iter().map(|word| WORD + word.len()).sum();
        if let Ok(commands) = read(&work, words, apart) {
            let spent = MAX_WORK - work.left.get();
            assert!(
                commands.len() <= MAX_COMMANDS,
                "{} commands",
                commands.len()
            );
            let kept = bytes(&commands);
            assert!(
                kept <= spent + given,
                "{kept} bytes kept, {spent} paid: {words:?}"
            );
        }
    }
}

#[test]
fn every_wrapper_around_itself_is_paid_for() {
    let wrappers = WRAPPERS.iter().map(|(name, ..)| *name);
    let units = wrappers.map(|name| vec![name]).chain([
        vec![".", "-exec", "find"],
        vec![".", "-ok", "find"],
        vec!["-c", "sh"],
        vec!["-c", "alias.x=!git"],
        vec!["-S", "env"],
        vec!["--a", "exec"],
        vec!["--to-command=tar"],
        vec!["--call", "npx"],
        vec!["-I", "x"],
        vec!["-oProxyCommand=ssh"],
        vec!["bisect", "run", "git"],
    ]);
    for unit in units {
        for program in ["find", "sh", "git", "env", "npm", "tar"] {
            for times in [7, 1000] {
                let nested = unit.iter().cycle().take(unit.len() * times);
                let words: Vec<String> = std::iter::once(&program)
                    .chain(nested)
                    .map(ToString::to_string)
                    .collect();
                assert_paid(&words);
            }
        }
    }
}

#[test]
fn find_in_find_is_refused_before_it_is_copied() {
    for option in ["-exec", "-ok"] {
        for times in [300, 4000] {
            let unit = [".", option, "find"].map(str::to_owned);
            let words: Vec<String> = std::iter::once("find".to_owned())
                .chain(unit.iter().cycle().take(3 * times).cloned())
                .collect();
            for apart in [false, true] {
                let refused = read(&Work::new(), &words, apart).unwrap_err();
                assert!(refused.contains("more than"), "{refused}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_words_in_any_order_are_paid_for(
        picked in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..60),
        times in prop::sample::select(vec![1_usize, 2, 100]),
    ) {
        let words: Vec<String> = picked
            .iter()
            .cycle()
            .take(picked.len() * times)
            .map(ToString::to_string)
            .collect();
        assert_paid(&words);
    }
}
