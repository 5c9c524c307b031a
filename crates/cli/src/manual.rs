//! `completions` and `man`: what shells and readers of manuals want. Neither needs a home.

use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use crate::failure::Failure;
use crate::help::{self, EXIT_CODES, Ending, PROGRAM};
use crate::output::Output;

/// Variables of the environment that the command looks at.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("FEMTOCLAW_HOME", "The home, where --home names none."),
    ("NO_COLOR", "Set to anything: no colour, unless --color asks for it."),
    ("CLICOLOR_FORCE", "Set to anything but 0: colour also off a terminal."),
    ("USER, LOGNAME", "Who does it, where --operator does not say."),
];

/// Prints the completions for a shell.
pub(crate) fn completions(shell: Shell, output: &mut Output) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut help::command(), PROGRAM, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let script = if shell == Shell::Bash { with_one_name(&script) } else { script };
    let value = json!({"shell": shell.to_string(), "script": script});
    output.result("completions", &value, |_| script)?;
    Ok(0)
}

/// In a script for bash, clap_complete (4.6) calls a command with a hyphen in its name one thing where it finds out which
/// subcommand is typed, and another where it completes that one: nothing below it would be completed.
fn with_one_name(script: &str) -> String {
    let (found, completed) = (PROGRAM.replace('-', "__"), PROGRAM.replace('-', "__subcmd__"));
    script.replace(&format!("{completed}__subcmd__"), &format!("{found}__subcmd__"))
}

/// Prints the manual page of the command, or writes one for it and for each of its subcommands.
pub(crate) fn man(directory: Option<&Path>, output: &mut Output) -> Result<u8, Failure> {
    let mut command = help::command().disable_help_subcommand(true);
    command.build();
    let Some(directory) = directory else {
        let page = page(&command, &[])?;
        let value = json!({"files": [], "page": page});
        output.result("manual", &value, |_| page)?;
        return Ok(0);
    };
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |error| Failure::File { path, error }
    };
    std::fs::create_dir_all(directory).map_err(failed(directory))?;
    let mut pages = Vec::new();
    all(&command, &[], &mut pages)?;
    let mut files: Vec<PathBuf> = Vec::new();
    for (name, page) in pages {
        let path = directory.join(name);
        std::fs::write(&path, page).map_err(failed(&path))?;
        files.push(path);
    }
    let value = json!({"files": files, "page": null});
    output.result("manual", &value, |_| {
        format!("Wrote {} manual pages into {}.\n", files.len(), directory.display())
    })?;
    Ok(0)
}

/// The page of a command and of all below it, each with the name of its file.
fn all(command: &Command, path: &[&str], pages: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let name = [&[PROGRAM], path].concat().join("-");
    pages.push((format!("{name}.1"), page(command, path)?));
    for inner in command.get_subcommands() {
        all(inner, &[path, &[inner.get_name()]].concat(), pages)?;
    }
    Ok(())
}

fn page(command: &Command, path: &[&str]) -> Result<String, Failure> {
    let title = [&[PROGRAM], path].concat().join("-");
    // What the help ends with has sections of its own here.
    let man = Man::new(command.clone())
        .title(title)
        .source(format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")))
        .manual("FemtoClaw Upgrade");
    let mut bytes = Vec::new();
    let mut write = || -> io::Result<()> {
        man.render_title(&mut bytes)?;
        man.render_name_section(&mut bytes)?;
        man.render_synopsis_section(&mut bytes)?;
        man.render_description_section(&mut bytes)?;
        man.render_options_section(&mut bytes)?;
        if command.has_subcommands() {
            man.render_subcommands_section(&mut bytes)?;
        }
        Ok(())
    };
    write()?;
    let mut page = String::from_utf8_lossy(&bytes).into_owned();
    if let Some(ending) = help::ending(path) {
        exit_status(&mut page, ending);
        section(&mut page, "ENVIRONMENT", ENVIRONMENT);
        examples(&mut page, ending);
    }
    if !path.is_empty() {
        page.push_str(&format!(".SH \"SEE ALSO\"\n\\fB{}\\fR(1)\n", escaped(PROGRAM)));
    }
    Ok(page)
}

fn exit_status(page: &mut String, ending: &Ending) {
    section(page, "EXIT STATUS", EXIT_CODES);
    if !ending.path.is_empty() && !ending.codes.is_empty() {
        page.push_str(".PP\nOf this command in particular:\n");
        entries(page, ending.codes);
    }
}

fn section(page: &mut String, heading: &str, found: &[(&str, &str)]) {
    page.push_str(&format!(".SH \"{heading}\"\n"));
    entries(page, found);
}

fn entries(page: &mut String, found: &[(&str, &str)]) {
    for (name, meaning) in found {
        page.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", escaped(name), escaped(meaning)));
    }
}

fn examples(page: &mut String, ending: &Ending) {
    page.push_str(".SH EXAMPLES\n");
    for (wanted, typed) in ending.examples {
        let typed = escaped(&format!("{PROGRAM} {typed}"));
        page.push_str(&format!(".PP\n{}:\n.PP\n.RS 4\n.nf\n{typed}\n.fi\n.RE\n", escaped(wanted)));
    }
}

/// Text as roff takes it: no line is a request, and what is typed can be copied.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    let lines = text
        .lines()
        .map(|line| if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_request_of_roff() {
        assert_eq!(escaped(".SH x\n'y"), "\\&.SH x\n\\(aqy");
        assert_eq!(escaped("--home \\\nDIR"), "\\-\\-home \\e\nDIR");
    }
}
