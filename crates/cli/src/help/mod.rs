//! What every `--help` ends with: examples, and what an exit code means where it is special to a command.

mod table;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{Command, StyledStr};
use clap::{ColorChoice, CommandFactory};

use crate::arguments::Arguments;

pub(crate) use table::{EXIT_CODES, TABLE};

/// The name that the command is called by.
pub(crate) const PROGRAM: &str = "femtoclaw-upgrade";

/// What the help of one command ends with.
pub(crate) struct Ending {
    /// The names of the subcommands that lead to it; none for the command itself.
    pub(crate) path: &'static [&'static str],
    /// What somebody wants, and what they type for it behind the name of the command.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    /// Exit codes that mean something special here.
    pub(crate) codes: &'static [(&'static str, &'static str)],
}

/// The whole command line, with the endings of all helps.
pub(crate) fn command() -> Command {
    let styles = Styles::styled()
        .header(AnsiColor::Green.on_default().bold())
        .usage(AnsiColor::Green.on_default().bold())
        .literal(AnsiColor::Cyan.on_default().bold())
        .placeholder(AnsiColor::Cyan.on_default());
    finished(Arguments::command().styles(styles.clone()), &mut Vec::new(), &styles)
}

/// As somebody may have asked for before the command line could be read.
pub(crate) fn color(arguments: impl Iterator<Item = std::ffi::OsString>) -> ColorChoice {
    let words: Vec<_> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    let named = pairs.filter(|(name, _)| *name == "--color").map(|(_, value)| value.as_str());
    let joined = words.iter().filter_map(|word| word.strip_prefix("--color="));
    match named.chain(joined).last() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// What belongs to the command that these names lead to.
pub(crate) fn ending(path: &[&str]) -> Option<&'static Ending> {
    TABLE.iter().find(|ending| ending.path == path)
}

fn finished(command: Command, path: &mut Vec<String>, styles: &Styles) -> Command {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let written = command.get_after_help().map(|text| text.ansi().to_string());
    let ending = ending(&names).map(|ending| rendered(ending, styles));
    let all: Vec<String> = written.into_iter().chain(ending).collect();
    let command = command.after_help(StyledStr::from(all.join("\n\n")));
    let names: Vec<String> =
        command.get_subcommands().map(|found| found.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        path.push(name.clone());
        let command = command.mut_subcommand(name, |found| finished(found, path, styles));
        path.pop();
        command
    })
}

fn rendered(ending: &Ending, styles: &Styles) -> String {
    let header = styles.get_header();
    let heading = |text: &str| format!("{header}{text}:{header:#}");
    let examples = ending.examples.iter().map(|(wanted, typed)| {
        let indented = typed.replace('\n', "\n      ");
        format!("  # {wanted}\n  {PROGRAM} {indented}")
    });
    let mut text =
        format!("{}\n{}", heading("Examples"), examples.collect::<Vec<_>>().join("\n\n"));
    if !ending.codes.is_empty() {
        let codes = ending.codes.iter().map(|(code, meaning)| format!("  {code:<9} {meaning}"));
        let codes = codes.collect::<Vec<_>>().join("\n");
        text.push_str(&format!("\n\n{}\n{codes}", heading("Exit codes")));
        if !ending.path.is_empty() {
            text.push_str(&format!("\n  others    see `{PROGRAM} --help`"));
        }
    }
    text
}

/// An example as the words that a shell makes of it.
#[cfg(test)]
fn words(typed: &str) -> Vec<String> {
    let digest = format!("blake3:{}", "0".repeat(64));
    let typed = typed.replace("\\\n", " ");
    // What comes behind is the shell's, or another command's.
    let typed = typed.split(['>', '|']).next().unwrap_or_default();
    let mut words = vec![PROGRAM.to_owned()];
    for (at, part) in typed.split('\'').enumerate() {
        let part = part
            .replace("\"$DIGEST\"", &digest)
            .replace("\"$HEAD\"", &format!("41:{digest}"))
            .replace("\"$KEY\"", &format!("SHA256:{}", "A".repeat(43)));
        if at % 2 == 0 {
            words.extend(part.split_whitespace().map(str::to_owned));
        } else {
            words.push(part);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// Every command that has a help, by the names that lead to it.
    fn paths(command: &Command, path: &[String], found: &mut Vec<Vec<String>>) {
        found.push(path.to_vec());
        for inner in command.get_subcommands() {
            paths(inner, &[path, &[inner.get_name().to_owned()]].concat(), found);
        }
    }

    #[test]
    fn every_help_ends_with_examples_and_no_ending_is_of_a_command_that_is_not_there() {
        let mut found = Vec::new();
        paths(&Arguments::command(), &[], &mut found);
        let named: Vec<Vec<String>> = TABLE
            .iter()
            .map(|ending| ending.path.iter().map(|name| (*name).to_owned()).collect())
            .collect();
        let missing: Vec<_> = found.iter().filter(|path| !named.contains(path)).collect();
        let unknown: Vec<_> = named.iter().filter(|path| !found.contains(path)).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{missing:?}, {unknown:?}");
        assert!(TABLE.iter().all(|ending| !ending.examples.is_empty()));
    }

    #[test]
    fn every_example_is_understood_and_is_one_of_the_command_whose_help_it_ends() {
        let mut understood = 0;
        for ending in TABLE {
            for (wanted, typed) in ending.examples {
                let words = words(typed);
                let parsed = Arguments::try_parse_from(&words);
                assert!(parsed.is_ok(), "{wanted}: {words:?}: {}", parsed.unwrap_err());
                assert_eq!(&words[1..=ending.path.len()], ending.path, "{wanted}");
                understood += 1;
            }
        }
        assert!(understood > 60, "{understood} examples");
    }

    #[test]
    fn every_ending_fits_eighty_columns_and_has_the_same_layout() {
        let plain = Styles::plain();
        for ending in TABLE {
            let text = rendered(ending, &plain);
            assert!(text.starts_with("Examples:\n  # "), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }

    #[test]
    fn colour_is_as_asked_for_also_where_the_command_line_makes_no_sense() {
        let color = |words: &[&str]| color(words.iter().map(Into::into));
        assert_eq!(color(&["x", "--color", "never", "--bogus"]), ColorChoice::Never);
        assert_eq!(color(&["x", "--color=always"]), ColorChoice::Always);
        assert_eq!(color(&["x", "--color", "green"]), ColorChoice::Auto);
        assert_eq!(color(&["x"]), ColorChoice::Auto);
    }
}
