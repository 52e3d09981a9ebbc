//! Commands: blocked patterns however they are written, and no program in a chain that the passport does not
//! allow.

use super::allowed::is_allowed;
use super::computed::computed;
use super::foreign;
use super::harmful::{HARMFUL, harm};
use super::respelled::respelled;
use super::script::Speech;
use super::shell::{self, Command, Word};
use super::work::Work;
use super::wrapper::{is_assignment, program, unwrapped, without_assignments};
use super::{Call, Failure, computing, environment, fed, git, pattern, written};
use crate::reason::shown;
use serde_json::Value;

/// Nothing that is blocked, in any of the commands of a line.
pub(super) fn blocked(call: &Call<'_>) -> Result<(), Failure> {
    let patterns = call
        .limit_list(&["blocked_patterns", "blocked_commands"])?
        .unwrap_or_default();
    let allowed = call.limit_list(&["allowed_commands"])?;
    let Some((field, line)) = call.text(&["command", "cmd"])? else {
        return Err(Failure::missing_field("command"));
    };
    let arguments = arguments(call)?;
    let shell = call.text(&["shell"])?.map(|(_, shell)| shell);
    let refuse = |why: String| {
        let text = format!("`{field}` {} {why}", shown(&line.into()));
        Failure::of(field, line, text)
    };
    let all: String = std::iter::once(line)
        .chain(arguments.iter().copied())
        .collect::<Vec<_>>()
        .join(" ");
    if all
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
    {
        return Err(refuse("holds control characters".to_owned()));
    }
    call.spend(16 * all.len())?;
    let work = Work::new();
    let parsed = match shell.map_or(Speech::OF_NONE, Speech::of) {
        Speech::Foreign => foreign::commands(&work, shell.unwrap_or_default(), &all),
        Speech::Family(dialect) if shell.is_some() || arguments.is_empty() => {
            shell::read(&work, &all, dialect)
        }
        // Arguments given apart reach the program as they are; no shell reads them.
        Speech::Family(dialect) => shell::read(&work, line, dialect).map(|mut commands| {
            let words = arguments.iter().map(|argument| Word {
                text: (*argument).to_owned(),
                ..Word::default()
            });
            if let Some(last) = commands.last_mut() {
                last.words.extend(words);
            }
            commands
        }),
    };
    // What such shells drop from within a word.
    let all = match shell {
        Some("cmd") => all.replace('^', ""),
        Some("powershell" | "pwsh") => all.replace('`', ""),
        _ => all,
    };
    let commands = parsed
        .and_then(|commands| unwrapped(&work, commands))
        .map_err(refuse)?;

    for command in &commands {
        work.computing(&command.words);
    }
    if computing::environment_gives(call) {
        work.gives();
    }

    let mut texts = vec![squeezed(&all)];
    texts.extend(commands.iter().map(Command::text));
    for text in &texts {
        let lower = text.to_lowercase();
        for entry in &patterns {
            if holds(call, entry, text, &lower)? {
                return Err(refuse(format!("matches the blocked `{entry}`")).with_limit(*entry));
            }
        }
        for harmful in HARMFUL {
            if lower.contains(harmful) {
                return Err(refuse(format!("matches the blocked `{harmful}`")).with_limit(harmful));
            }
        }
    }
    let any = |allowed: &Vec<&str>| allowed.iter().any(|entry| entry.trim() == "*");
    let restricted = !patterns.is_empty() || allowed.as_ref().is_some_and(|allowed| !any(allowed));
    if let Some(why) = work.runs_text(false) {
        return Err(refuse(why.to_owned()));
    }
    for (at, command) in commands.iter().enumerate() {
        if let Some(why) = command.unknown.as_ref().filter(|_| restricted) {
            return Err(refuse(why.clone()));
        }
        if let Some(why) = written::harm(command)? {
            return Err(refuse(why));
        }
        for entry in &patterns {
            if renames(call, entry, command)? {
                return Err(refuse(format!(
                    "defines an alias of `git`, which the blocked `{entry}` would not be found under; write the \
                     subcommand itself"
                ))
                .with_limit(*entry));
            }
            if respelled(call, entry, command)? {
                return Err(refuse(format!("matches the blocked `{entry}`")).with_limit(*entry));
            }
            if let Some(word) = computed(call, entry, command)? {
                let word = match word {
                    "$" => "a word that is read or substituted".to_owned(),
                    word => format!("`{}`", shown(&word.into())),
                };
                return Err(refuse(format!(
                    "may match the blocked `{entry}`: what {word} stands for is not known; write it out, or put \
                     `--` in front of it if it is no option"
                ))
                .with_limit(*entry));
            }
        }
        // A pattern cannot see the name of a program that only a variable knows, or the files.
        let first = without_assignments(&command.words).first();
        if let Some(first) = first.filter(|first| hides_program(first))
            && !patterns.is_empty()
        {
            let name = shown(&first.text.as_str().into());
            return Err(refuse(format!("does not say which program `{name}` is")));
        }
        let before = at.checked_sub(1).and_then(|at| commands.get(at));
        if let Some(why) = harm(command, before, allowed.as_deref().unwrap_or_default()) {
            return Err(refuse(why));
        }
        for word in assignments(command, restricted) {
            let name = word.text.split('=').next().unwrap_or_default();
            if !environment::is_safe(call, name)? {
                return Err(refuse(format!(
                    "sets `{name}`, which can make another program run"
                )));
            }
        }
        if let Some(allowed) = &allowed {
            is_allowed(command, allowed).map_err(|why| {
                let list = Value::from(allowed.clone());
                refuse(why)
                    .with_limit(list)
                    .with_code("oap.command_not_allowed")
            })?;
        }
        // A shell that no list allows has been refused for that by now.
        if let Some(why) = fed::runs_input(command).filter(|_| restricted) {
            return Err(refuse(why));
        }
    }
    match work.runs_text(restricted) {
        Some(why) => Err(refuse(why.to_owned())),
        None => Ok(()),
    }
}

/// Variables that the command sets: in front of a program, and by the shell's own commands. Where nothing is
/// restricted, the latter are left alone.
fn assignments(command: &Command, restricted: bool) -> impl Iterator<Item = &Word> {
    let words = &command.words;
    let sets = |word: &&Word| is_assignment(&word.text);
    let from = words.iter().position(|word| !sets(&word));
    let (front, rest) = words.split_at(from.unwrap_or(words.len()));
    let name = rest.first().map_or("", |word| word.text.as_str());
    let exports = restricted
        && matches!(
            name,
            "export" | "declare" | "typeset" | "readonly" | "local"
        );
    let rest = if exports { rest } else { &[] };
    front.iter().chain(rest.iter().filter(sets))
}

fn arguments<'a>(call: &Call<'a>) -> Result<Vec<&'a str>, Failure> {
    let wrong = || Failure::Fault("`context.args` must be a list of strings".to_owned());
    match call.field("args") {
        None => Ok(Vec::new()),
        Some(value) => value
            .as_array()
            .and_then(|items| items.iter().map(Value::as_str).collect())
            .ok_or_else(wrong),
    }
}

/// Whether the command gives another name to what a pattern about `git` forbids.
fn renames(call: &Call<'_>, entry: &str, command: &Command) -> Result<bool, Failure> {
    let about = entry.split_whitespace().next().unwrap_or_default();
    let words = without_assignments(&command.words);
    let Some((first, rest)) = words.split_first() else {
        return Ok(false);
    };
    if program(about) != "git" || program(&first.text) != "git" {
        return Ok(false);
    }
    call.spend(rest.iter().map(|word| 4 * word.text.len()).sum())?;
    Ok(git::names_alias(rest))
}

/// One space for any white space.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the text holds a blocked pattern. One that is a single word is not found inside another word: `rm`
/// is not in `npm run format`.
fn holds(call: &Call<'_>, entry: &str, text: &str, lower: &str) -> Result<bool, Failure> {
    let plain = squeezed(entry).to_lowercase();
    if plain.is_empty() {
        return Ok(false);
    }
    call.spend(lower.len() + plain.len())?;
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let single = plain.chars().all(word);
    let begins = plain.starts_with(word);
    for (at, _) in lower.match_indices(&plain) {
        let before = lower
            .get(..at)
            .and_then(|before| before.chars().next_back());
        let after = lower
            .get(at + plain.len()..)
            .and_then(|after| after.chars().next());
        let inside = (begins && before.is_some_and(word)) || (single && after.is_some_and(word));
        if !inside {
            return Ok(true);
        }
    }
    if pattern::is_wild(&plain) && pattern::wild(call, &format!("*{plain}*"), lower)? {
        return Ok(true);
    }
    if single
        || plain
            .chars()
            .all(|c| word(c) || matches!(c, ' ' | '-' | '/' | '.' | '~'))
    {
        return Ok(false);
    }
    pattern::found(call, entry, text, lower)
}

/// Whether what runs depends on variables, on other commands, or on the files there are. A list in Markdown has `*`
/// in front of its lines.
fn hides_program(first: &Word) -> bool {
    first.dynamic
        && !matches!(first.text.as_str(), "[" | "[[")
        && !first.text.chars().all(|c| c == '*')
}
