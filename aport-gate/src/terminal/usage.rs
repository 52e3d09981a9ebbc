//! Reading the command line, and telling what is wrong with it.

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::tell_error;

/// Reads the command line of this process: what was asked for, and the command as its user wrote it, without
/// arguments, such as `aport-gate policy check`.
///
/// With `--json` a mistake in it is told as any other error is.
///
/// # Errors
/// There is nothing left to do but to end with this code: help was asked for (0), or the command line is
/// wrong (2).
pub fn parse<C: CommandFactory + FromArgMatches>() -> Result<(C, String), ExitCode> {
    let program = C::command();
    let mut name = program.get_name().to_owned();
    program
        .try_get_matches()
        .and_then(|matches| {
            name = whole(&name, &matches);
            C::from_arg_matches(&matches)
        })
        .map(|parsed| (parsed, name))
        .map_err(|error| {
            let json = std::env::args_os().any(|argument| argument == "--json");
            if json && error.use_stderr() {
                let (message, next) = parts(&error.to_string());
                tell_error(true, &message, &next);
            } else {
                // Nobody reads it where it cannot be printed.
                let _ = error.print();
            }
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        })
}

fn whole(program: &str, matches: &ArgMatches) -> String {
    let mut name = program.to_owned();
    let mut matches = matches;
    while let Some((command, inner)) = matches.subcommand() {
        name = format!("{name} {command}");
        matches = inner;
    }
    name
}

/// clap's words as a message and what to do: tips, usage and help stand below the first paragraph.
fn parts(text: &str) -> (String, String) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim();
    let text = text.strip_prefix("error:").unwrap_or(text).trim_start();
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, "see `--help`"));
    (words(message), words(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_one_line_and_what_to_do_another() {
        let told = "error: unexpected argument '--nope' found\n\n  tip: to pass it\n\nUsage: x [OPTIONS]\n";
        let (message, next) = parts(told);
        assert_eq!(message, "unexpected argument '--nope' found");
        assert_eq!(next, "tip: to pass it Usage: x [OPTIONS]");
    }
}
