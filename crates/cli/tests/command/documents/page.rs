//! What a page says is typed, and what it says comes of it.
//!
//! | in the page | is |
//! |---|---|
//! | a fence `console` | run, in order, in one shell for the whole page |
//! | `$ …` in it | a command; it goes on behind a `\` at the end of its line, and on lines that begin with `> ` |
//! | `# exit code N` at the end of a command | what it ends with, if not with 0 |
//! | the lines below a command | all that it writes; a line `…` stands for any number of lines. None: whatever it writes |
//! | a fence `console,not-run` | not run; `<!-- not run: REASON -->` stands on the line above |
//! | a comment that begins with `<!-- first:` | commands that are run there, and not shown: what the reader has already |
//! | a fence below `<!-- file: NAME -->` | a file, which is there before the first command |
//!
//! A `$ ` in any other place of a page would be a command that nobody runs: refused.

use std::ops::Range;

/// What stands for any number of lines of output.
pub(crate) const ANY_LINES: &str = "…";

/// A command of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Typed {
    /// From 1.
    pub(crate) line: usize,
    /// As the shell gets it.
    pub(crate) text: String,
    /// The exit code that it must end with.
    pub(crate) code: i32,
    /// The lines of the page with its output, from 0; none if it is not shown.
    pub(crate) output: Range<usize>,
}

/// A block that no test runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotRun {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) reason: String,
    /// What stands in it.
    pub(crate) text: String,
}

/// A page, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) lines: Vec<String>,
    pub(crate) typed: Vec<Typed>,
    pub(crate) not_run: Vec<NotRun>,
    /// Files by name, with what is in them.
    pub(crate) files: Vec<(String, String)>,
}

const FIRST: &str = "<!-- first:";
const NOT_RUN: &str = "<!-- not run: ";
const FILE: &str = "<!-- file: ";
const END: &str = "-->";

impl Page {
    /// Takes a page apart.
    ///
    /// # Errors
    /// A sentence about what no test could run, or count.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut page = Self { lines, ..Self::default() };
        let mut at = 0;
        while let Some(line) = page.lines.get(at).cloned() {
            at = if let Some(info) = line.strip_prefix("```") {
                page.fence(at, info)?
            } else if line.starts_with(FIRST) {
                page.hidden(at)?
            } else {
                page.is_no_command(at)?;
                at + 1
            };
        }
        Ok(page)
    }

    /// The lines of a command's output as they are shown.
    pub(crate) fn shown(&self, typed: &Typed) -> &[String] {
        &self.lines[typed.output.clone()]
    }

    fn end_of_fence(&self, start: usize) -> Result<usize, String> {
        let rest = self.lines.iter().skip(start + 1);
        let length = rest.take_while(|line| !line.starts_with("```")).count();
        let end = start + 1 + length;
        if end < self.lines.len() { Ok(end) } else { Err(self.at(start, "the fence has no end")) }
    }

    fn at(&self, line: usize, what: &str) -> String {
        format!("line {}: {what}: {:?}", line + 1, self.lines[line])
    }

    fn is_no_command(&self, at: usize) -> Result<(), String> {
        let line = self.lines[at].trim_start();
        let names = ["$ ", "femtoclaw-upgrade ", "femtoclaw-runtime ", "cargo xtask "];
        let is_indented = self.lines[at].starts_with("    ");
        if is_indented && names.iter().any(|name| line.starts_with(name)) {
            return Err(self.at(at, "a command belongs into a fence `console`"));
        }
        Ok(())
    }

    /// Returns where the page goes on.
    fn fence(&mut self, start: usize, info: &str) -> Result<usize, String> {
        let end = self.end_of_fence(start)?;
        if let Some(name) = self.above(start, FILE) {
            let text = self.lines[start + 1..end].iter().map(|line| format!("{line}\n"));
            self.files.push((name, text.collect()));
        }
        match info {
            "console" => self.console(start + 1, end)?,
            "console,not-run" => {
                let reason = self.above(start, NOT_RUN);
                let reason = reason.ok_or(self.at(start, "above it must be said why not"))?;
                let text = self.lines[start + 1..end].join("\n");
                self.not_run.push(NotRun { line: start + 1, reason, text });
            }
            _ => {
                if let Some(at) = (start..end).find(|at| self.lines[*at].starts_with("$ ")) {
                    return Err(self.at(at, "a command belongs into a fence `console`"));
                }
            }
        }
        Ok(end + 1)
    }

    /// What a comment on the line above says.
    fn above(&self, line: usize, kind: &str) -> Option<String> {
        let above = self.lines.get(line.checked_sub(1)?)?;
        Some(above.strip_prefix(kind)?.strip_suffix(END)?.trim().to_owned())
    }

    fn hidden(&mut self, start: usize) -> Result<usize, String> {
        let mut at = start + 1;
        while self.lines.get(at).is_some_and(|line| line != END) {
            let text = self.lines[at].clone();
            self.typed.push(Typed { line: at + 1, text, code: 0, output: at..at });
            at += 1;
        }
        if at < self.lines.len() { Ok(at + 1) } else { Err(self.at(start, "it has no end")) }
    }

    fn console(&mut self, start: usize, end: usize) -> Result<(), String> {
        let mut at = start;
        while at < end {
            if self.lines[at].is_empty() {
                at += 1;
                continue;
            }
            let command = self.lines[at].strip_prefix("$ ");
            let mut text =
                command.ok_or(self.at(at, "this is the output of no command"))?.to_owned();
            let line = at + 1;
            at += 1;
            while at < end {
                if text.ends_with('\\') {
                    text = format!("{text}\n{}", self.lines[at]);
                } else if let Some(more) = self.lines[at].strip_prefix("> ") {
                    text = format!("{text}\n{more}");
                } else {
                    break;
                }
                at += 1;
            }
            let length = self.lines[at..end].iter().take_while(|line| !line.starts_with("$ "));
            let length = length.count();
            // The empty line before the next command is no output.
            let shown = self.lines[at..at + length].iter().rposition(|line| !line.is_empty());
            let output = at..at + shown.map_or(0, |last| last + 1);
            at += length;
            self.typed.push(Typed { line, code: promised(&text)?, text, output });
        }
        Ok(())
    }
}

/// The exit code that a command promises.
fn promised(text: &str) -> Result<i32, String> {
    let Some((_, rest)) = text.split_once("# exit code ") else { return Ok(0) };
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().map_err(|_| format!("{text:?} promises no exit code"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
text
<!-- first:
cargo xtask sample a
-->
```console
$ one \\
    --long        # exit code 3: why
it says

this

$ cat > x <<'E'
> text
> E
$ two
```
<!-- not run: it needs a cluster -->
```console,not-run
$ kubectl
```
<!-- file: x/y -->
```sh
a
b
```
";

    #[test]
    fn a_page_is_taken_apart() {
        let page = Page::parse(PAGE).unwrap();
        let found: Vec<(usize, &str, i32, Vec<&str>)> = page
            .typed
            .iter()
            .map(|typed| {
                let shown = page.shown(typed).iter().map(String::as_str).collect();
                (typed.line, typed.text.as_str(), typed.code, shown)
            })
            .collect();
        assert_eq!(
            found,
            [
                (3, "cargo xtask sample a", 0, vec![]),
                (6, "one \\\n    --long        # exit code 3: why", 3, vec!["it says", "", "this"]),
                (12, "cat > x <<'E'\ntext\nE", 0, vec![]),
                (15, "two", 0, vec![]),
            ]
        );
        assert_eq!(page.files, [("x/y".to_owned(), "a\nb\n".to_owned())]);
        assert_eq!(
            page.not_run,
            [NotRun {
                line: 18,
                reason: "it needs a cluster".to_owned(),
                text: "$ kubectl".to_owned(),
            }]
        );
    }

    #[test]
    fn what_nobody_would_run_is_refused() {
        for wrong in [
            "```console\noutput of nothing\n```\n",
            "```console\n$ never ends\n",
            "```console,not-run\n$ kubectl\n```\n",
            "```sh\n$ a command\n```\n",
            "    femtoclaw-upgrade status\n",
            "    $ a command\n",
            "<!-- first:\nnever ends\n",
            "```console\n$ x # exit code what\n```\n",
        ] {
            assert!(Page::parse(wrong).is_err(), "{wrong}");
        }
    }
}
