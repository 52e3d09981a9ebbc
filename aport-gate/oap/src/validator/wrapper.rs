//! Programs that run another program: what they run has to pass as well.

use super::launch;
use super::options::values;
use super::script;
use super::shell::{self, Command, MAX_COMMANDS, MAX_NESTING, Word};
use super::work::{MAX_OPTIONS, Work};

/// Name, options that take a value, and how many plain words come before the program.
pub(super) const WRAPPERS: [(&str, &[&str], usize); 51] = [
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    (
        "sudo",
        &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D"],
        0,
    ),
    ("doas", &["-u", "-C"], 0),
    ("nohup", &[], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("ionice", &["-c", "-n", "-p"], 0),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    ("time", &["-o", "-f"], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("setsid", &[], 0),
    ("command", &[], 0),
    ("builtin", &[], 0),
    ("exec", &["-a"], 0),
    (
        "xargs",
        &["-I", "-n", "-P", "-L", "-d", "-E", "-s", "-a"],
        0,
    ),
    ("busybox", &[], 0),
    ("toybox", &[], 0),
    ("chroot", &[], 1),
    ("unshare", &[], 0),
    ("watch", &["-n", "--interval"], 0),
    ("strace", &["-o", "-e", "-p"], 0),
    ("caffeinate", &["-t"], 0),
    ("parallel", &["-j"], 0),
    ("flock", &["-w", "--timeout", "-E"], 1),
    ("setpriv", &["--reuid", "--regid", "--groups"], 0),
    ("taskset", &[], 1),
    ("chrt", &[], 1),
    ("runuser", &["-u", "-g", "-G"], 0),
    ("fakeroot", &[], 0),
    (
        "systemd-run",
        &["-p", "-u", "-E", "-M", "-t", "--unit", "--property"],
        0,
    ),
    ("ltrace", &["-o", "-e", "-p"], 0),
    ("valgrind", &[], 0),
    ("nsenter", &["-t", "--target"], 0),
    ("dbus-run-session", &[], 0),
    ("proxychains", &["-f"], 0),
    ("proxychains4", &["-f"], 0),
    ("torsocks", &[], 0),
    ("unbuffer", &[], 0),
    ("gosu", &[], 1),
    ("su-exec", &[], 1),
    ("coproc", &[], 0),
    ("setarch", &[], 1),
    ("linux32", &[], 0),
    ("linux64", &[], 0),
    ("i386", &[], 0),
    ("x86_64", &[], 0),
    ("prlimit", &["-p", "--pid", "-o", "--output"], 0),
    ("choom", &["-n", "--adjust", "-p", "--pid"], 0),
    ("numactl", &["-N", "-m", "-i", "-p", "-C"], 0),
    ("rlwrap", &[], 0),
    ("xvfb-run", &["-n", "-e", "-f", "-s", "-p", "-w"], 0),
    ("sg", &[], 1),
];

/// The program's own name: without its directory and, as on Windows, without `.exe`.
pub(super) fn program(word: &str) -> String {
    let name = word
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(word)
        .to_lowercase();
    match name
        .strip_suffix(".exe")
        .or_else(|| name.strip_suffix(".cmd"))
    {
        Some(bare) => bare.to_owned(),
        None => name,
    }
}

/// The commands with all that they wrap, outer ones first.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn unwrapped(work: &Work, commands: Vec<Command>) -> Result<Vec<Command>, String> {
    let mut all = Vec::new();
    let mut queue: Vec<(Command, usize)> = commands
        .into_iter()
        .map(|command| (command, 0))
        .rev()
        .collect();
    while let Some((command, depth)) = queue.pop() {
        if all.len() + queue.len() >= MAX_COMMANDS {
            return Err(format!("has more than {MAX_COMMANDS} commands"));
        }
        if depth > MAX_NESTING {
            return Err("is nested too deeply".to_owned());
        }
        let inner = inside(work, &command)?;
        // What stands in front of a program's input stands in front of those that it runs.
        let fed = command.fed;
        all.push(command);
        queue.extend(inner.into_iter().rev().map(|mut command| {
            command.fed |= fed;
            (command, depth + 1)
        }));
    }
    Ok(all)
}

/// What a command runs besides itself: what it wraps, and what its options name.
fn inside(work: &Work, command: &Command) -> Result<Vec<Command>, String> {
    let words = without_assignments(&command.words);
    let Some((first, rest)) = words.split_first() else {
        return Ok(Vec::new());
    };
    let is_option = |word: &&Word| word.text.starts_with(['-', '+']);
    if rest.iter().filter(is_option).count() > MAX_OPTIONS {
        return Err(format!(
            "gives `{}` more than {MAX_OPTIONS} options",
            program(&first.text)
        ));
    }
    let mut all = wrapped(work, command)?;
    let launched = launch::launched(work, &program(&first.text), rest)?;
    if let Some(word) = expanded(work, rest, &launched)? {
        all.push(launch::unknown(&format!(
            "runs what `{}` becomes, and nobody knows what an expansion in it brings; write it out",
            word.text
        )));
    }
    all.extend(launched);
    Ok(all)
}

/// The word that holds a script in which something was expanded: more than an argument of what it runs.
fn expanded<'w>(
    work: &Work,
    words: &'w [Word],
    launched: &[Command],
) -> Result<Option<&'w Word>, String> {
    let inner: Vec<&str> = launched
        .iter()
        .flat_map(|command| &command.words)
        .map(|word| word.text.as_str())
        .filter(|text| text.contains('$'))
        .collect();
    for word in words.iter().filter(|word| word.dynamic) {
        work.spend(inner.len() * word.text.len())?;
        let text = word.text.as_str();
        if !inner.contains(&text) && inner.iter().any(|inner| text.contains(inner)) {
            return Ok(Some(word));
        }
    }
    Ok(None)
}

fn wrapped(work: &Work, command: &Command) -> Result<Vec<Command>, String> {
    let words = without_assignments(&command.words);
    let Some((first, rest)) = words.split_first() else {
        return Ok(Vec::new());
    };
    let name = program(&first.text);
    let one = |words: &[Word]| {
        launch::of(work, words).map(|inner| Command {
            piped: command.piped,
            ..inner
        })
    };
    if let Some(found) = script::handed(work, &name, rest)? {
        return Ok(found);
    }
    if name == "find" {
        let runs =
            |word: &Word| matches!(word.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir");
        let mut found = Vec::new();
        // Where a variable holds `-exec`, what ends its command stands in the line, or in the same variable.
        let hidden = |word: &&Word| word.dynamic && word.text.starts_with(['$', '-']);
        let ends = rest.iter().filter(|word| word.text == ";").count();
        let more = ends > rest.iter().filter(|word| runs(word)).count()
            || rest.iter().any(|word| word.text == "+");
        if rest.iter().filter(hidden).any(|word| word.several || more) {
            found.push(launch::unknown(
                "gives `find` what may be `-exec`; put it in quotes, and in front of it `./`",
            ));
        }
        for (at, _) in rest.iter().enumerate().filter(|(_, word)| runs(word)) {
            let words = rest.get(at + 1..).unwrap_or_default();
            let end = end_of_exec(words);
            work.spend(end)?;
            let mut inner = one(words.get(..end).unwrap_or_default())?;
            // The name of a file stands in its place, in a script as well.
            for word in &mut inner.words {
                word.dynamic |= word.text.contains("{}");
            }
            found.push(inner);
        }
        return Ok(found);
    }
    let Some((_, options, plain)) = WRAPPERS.iter().find(|(known, ..)| *known == name) else {
        return Ok(Vec::new());
    };
    let mut rest = rest;
    let mut plain = *plain;
    while let Some((word, tail)) = rest.split_first() {
        let text = word.text.as_str();
        if name == "env" && matches!(text, "-S" | "--split-string") {
            return script::script(work, "sh", tail);
        }
        if let Some(inner) = text
            .strip_prefix("--split-string=")
            .filter(|_| name == "env")
        {
            return shell::commands(work, inner);
        }
        if name == "env" && text.starts_with("-S") {
            return shell::commands(work, text.get(2..).unwrap_or_default());
        }
        if options.contains(&text) {
            rest = tail.get(1..).unwrap_or_default();
        } else if text.starts_with('-') || is_assignment(text) {
            rest = tail;
        } else if plain > 0 {
            plain -= 1;
            rest = tail;
        } else {
            let mut inner = work.copied(rest)?;
            if name == "xargs" {
                fill(work, &mut inner, words)?;
            }
            let opened = inner.iter().position(|word| !is_opener(word));
            let inner = inner.get(opened.unwrap_or(0)..).unwrap_or_default();
            let mut found = vec![one(inner)?];
            // These join their words and hand them to a shell.
            let joins = name == "parallel"
                || (name == "watch"
                    && !words
                        .iter()
                        .any(|word| matches!(word.text.as_str(), "-x" | "--exec")));
            if joins {
                let end = inner.iter().position(|word| word.text.starts_with(":::"));
                let script = inner.get(..end.unwrap_or(inner.len()));
                found.extend(script::script(work, "sh", script.unwrap_or_default())?);
            }
            // `watch 'a b'`, `sg group 'a b'`: a program with blanks in its name is a script.
            if let Some(text) = inner.first().filter(|word| word.text.contains(' ')) {
                found.extend(script::script(work, "sh", std::slice::from_ref(text))?);
            }
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Where the command of `-exec` ends. A `+` ends it behind `{}` only, and is a word like others elsewhere.
fn end_of_exec(words: &[Word]) -> usize {
    let mut before = "";
    for (at, word) in words.iter().enumerate() {
        let text = word.text.as_str();
        if text == ";" || (text == "+" && before == "{}") {
            return at;
        }
        before = text;
    }
    words.len()
}

/// Puts what `xargs` reads, which the line does not hold, where it will stand.
fn fill(work: &Work, inner: &mut Vec<Word>, words: &[Word]) -> Result<(), String> {
    let mut places: Vec<&str> = values(words, "-I")
        .chain(values(words, "--replace"))
        .collect();
    if words.iter().any(|word| word.text == "-i") {
        places.push("{}");
    }
    for word in inner.iter_mut() {
        work.spend(places.len().saturating_mul(word.text.len()))?;
        if let Some(place) = places
            .iter()
            .find(|place| !place.is_empty() && word.text.contains(**place))
        {
            word.text = word.text.replace(place, "$");
            (word.dynamic, word.output) = (true, true);
        }
    }
    if places.is_empty() {
        inner.push(Word {
            text: "$".to_owned(),
            dynamic: true,
            output: true,
            several: true,
            ..Word::default()
        });
    }
    Ok(())
}

fn is_opener(word: &Word) -> bool {
    matches!(word.text.as_str(), "{" | "!" | "if" | "while" | "until")
}

/// The words from the program on: `A=b program`.
pub(super) fn without_assignments(words: &[Word]) -> &[Word] {
    let at = words.iter().position(|word| !is_assignment(&word.text));
    words.get(at.unwrap_or(words.len())..).unwrap_or_default()
}

pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim_end_matches('+');
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
