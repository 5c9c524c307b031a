//! The documents, held to the command: what they tell people to type is typed, in order, in a fresh directory, and what they
//! show comes of it.
//!
//! `FEMTOCLAW_ACCEPT=documents cargo test -p femtoclaw-upgrade-cli documents` writes what came into the pages; what the pages leave
//! out with `…` stays left out, if the rest is as it was.

mod bounds;
mod desk;
mod names;
mod page;
mod quotes;
mod varies;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use desk::Desk;
use page::{Page, Typed};
use varies::By;

use crate::support::{PROGRAM, alone};

/// Names what is to be accepted, where it is.
const ACCEPT: &str = "FEMTOCLAW_ACCEPT";

/// The developer commands that CI runs, as they stand there.
const CI: &str = include_str!("../../../../xtask/src/ci.rs");

/// Blocks that no test runs, and how many commands there are that CI runs itself: nothing is added unseen.
const NOT_RUN: &[(&str, usize)] = &[
    ("README.md", 1),
    ("docs/deployment.md", 7),
    ("docs/fjall-findings.md", 1),
    ("docs/getting-started.md", 1),
    ("docs/linking-a-runtime.md", 1),
    ("docs/simulator.md", 4),
    ("docs/upgrading.md", 1),
];

/// Pages with commands that are run, and how many at least. Each has a test below.
const RUN: &[(&str, usize)] = &[
    ("README.md", 5),
    ("docs/audit.md", 8),
    ("docs/deployment.md", 5),
    ("docs/getting-started.md", 45),
    ("docs/key-ceremonies.md", 30),
    ("docs/linking-a-runtime.md", 8),
    ("docs/recovering.md", 8),
    ("docs/telemetry.md", 3),
    ("docs/trust.md", 9),
    ("docs/upgrading.md", 18),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn page(name: &str) -> Page {
    Page::parse(&text(name)).unwrap_or_else(|wrong| panic!("{name}: {wrong}"))
}

/// All pages that people read, by their path from the root.
fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    for directory in ["", "docs", "fuzz"] {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                pages.push(Path::new(directory).join(name).display().to_string());
            }
        }
    }
    pages.sort();
    pages
}

/// A developer command, which CI runs.
fn is_of_ci(typed: &Typed) -> bool {
    typed.text.starts_with("cargo xtask ") && !typed.text.starts_with("cargo xtask sample ")
}

/// Types all commands of a page, and compares what comes with what is shown.
fn follow(name: &str) {
    let page = page(name);
    let typed: Vec<Typed> = page.typed.iter().filter(|typed| !is_of_ci(typed)).cloned().collect();
    let (_, least) = RUN.iter().find(|(run, _)| *run == name).unwrap();
    assert!(typed.len() >= *least, "{name} has {} commands", typed.len());
    let desk = Desk::new();
    page.files.iter().for_each(|(name, text)| desk.file(name, text));
    let came = desk.run(&typed);
    let mut differs = Vec::new();
    for (typed, came) in typed.iter().zip(&came) {
        let output = varies::as_shown(&came.output, desk.root());
        assert_eq!(
            came.code, typed.code,
            "{name}:{}: {} ended otherwise than it promises:\n{}",
            typed.line, typed.text, came.output
        );
        let shown = page.shown(typed);
        // Where lines are broken depends on what is as long as it is in this run.
        let varies = came.output.contains(desk.root())
            || output.iter().any(|line| line.contains(varies::SOMETHING));
        let by = if varies { By::Words } else { By::Lines };
        if !shown.is_empty() && !varies::is_as_shown(shown, &output, by) {
            differs.push((typed, output));
        }
    }
    assert_eq!(came.len(), typed.len(), "{name}: the shell came to an end too early");
    if std::env::var(ACCEPT).is_ok_and(|accepted| accepted == "documents") {
        accept(name, &page, &differs);
        return;
    }
    let told: Vec<String> = differs
        .iter()
        .map(|(typed, output)| {
            let shown = page.shown(typed).join("\n");
            let output = output.join("\n");
            format!(
                "{name}:{}: $ {}\nshown:\n{shown}\nbut this came:\n{output}",
                typed.line, typed.text
            )
        })
        .collect();
    assert!(told.is_empty(), "{}\n`{ACCEPT}=documents` writes what came", told.join("\n\n"));
}

/// Writes what came into the page.
fn accept(name: &str, page: &Page, differs: &[(&Typed, Vec<String>)]) {
    let mut lines = page.lines.clone();
    for (typed, output) in differs.iter().rev() {
        lines.splice(typed.output.clone(), shortened(page.shown(typed), output));
    }
    fs::write(root().join(name), lines.join("\n") + "\n").unwrap();
}

/// Where a page leaves out lines in one place, as many of its first and last lines stay.
fn shortened(shown: &[String], output: &[String]) -> Vec<String> {
    let left_out: Vec<usize> =
        (0..shown.len()).filter(|at| shown[*at] == page::ANY_LINES).collect();
    let &[at] = left_out.as_slice() else { return output.to_vec() };
    let behind = shown.len() - at - 1;
    if at + behind >= output.len() {
        return output.to_vec();
    }
    let mut lines = output[..at].to_vec();
    lines.push(page::ANY_LINES.to_owned());
    lines.extend_from_slice(&output[output.len() - behind..]);
    lines
}

#[test]
fn what_a_page_leaves_out_stays_left_out() {
    let of =
        |lines: &[&str]| -> Vec<String> { lines.iter().map(|line| (*line).to_owned()).collect() };
    let output = of(&["a", "b", "c", "d"]);
    for (shown, expected) in [
        (&["x", "…", "y"][..], &["a", "…", "d"][..]),
        (&["…", "y"], &["…", "d"]),
        (&["x", "…"], &["a", "…"]),
        (&["x"], &["a", "b", "c", "d"]),
        (&["x", "…", "y", "…"], &["a", "b", "c", "d"]),
        (&["x", "x", "x", "…", "y"], &["a", "b", "c", "d"]),
    ] {
        assert_eq!(shortened(&of(shown), &output), of(expected), "{shown:?}");
    }
}

#[test]
fn every_block_is_run_or_it_is_said_and_counted_that_it_is_not() {
    let (mut run, mut not_run) = (BTreeMap::new(), BTreeMap::new());
    for name in pages() {
        let page = page(&name);
        for typed in page.typed.iter().filter(|typed| is_of_ci(typed)) {
            let command = typed.text.split(" #").next().unwrap_or_default();
            let words: Vec<String> =
                command.split_whitespace().skip(1).map(|word| format!("\"{word}\"")).collect();
            let is_step =
                matches!(words.as_slice(), [_, step] if CI.contains(&format!("&str = {step};")));
            assert!(
                is_step || CI.contains(&words.join(", ")),
                "{name}:{}: {command:?} is not run by CI",
                typed.line
            );
        }
        if page.typed.iter().any(|typed| !is_of_ci(typed)) {
            run.insert(name.clone(), ());
        }
        if !page.not_run.is_empty() {
            assert!(page.not_run.iter().all(|block| block.reason.len() > 10), "{name}");
            not_run.insert(name, page.not_run.len());
        }
    }
    let listed = |list: &[(&str, usize)]| -> BTreeMap<String, usize> {
        list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    assert_eq!(not_run, listed(NOT_RUN), "blocks that nobody runs");
    assert!(run.keys().eq(listed(RUN).keys()), "{:?}", run.keys());
}

/// The words of a call, up to what its output goes to, or what its runtime is given.
fn words(call: &str) -> Vec<&str> {
    let parts = call.split('"').enumerate();
    let words =
        parts.flat_map(
            |(at, part)| {
                if at % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }
            },
        );
    words.take_while(|word| !["|", "#", "--"].contains(word)).collect()
}

// trace: test FC-22.1
#[test]
fn what_is_not_run_is_understood_all_the_same() {
    let mut understood = 0;
    for name in pages() {
        for block in page(&name).not_run {
            let text = block.text.replace("\\\n", " ");
            for call in text.lines().filter_map(|line| line.split_once("femtoclaw-upgrade ")) {
                // It is installed there, and not called.
                if call.1.starts_with('/') {
                    continue;
                }
                let call = call.1.replace("DIGEST", &integrity::Digest::of(b"").to_string());
                let words = words(&call);
                // Help is shown only if everything before it is known.
                let output = alone(&mut Command::new(PROGRAM)).args(&words).arg("--help").output();
                let output = output.unwrap();
                let error = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{name}:{}: {words:?}: {error}", block.line);
                understood += 1;
            }
        }
    }
    assert!(understood >= 5, "{understood} command lines");
}

// trace: test FC-22.1
#[test]
fn getting_started() {
    follow("docs/getting-started.md");
}

// trace: test FC-22.1 FC-22.2.1 FC-22.2.3 FC-26.1.1
#[test]
fn upgrading() {
    follow("docs/upgrading.md");
}

// trace: test FC-22.1
#[test]
fn readme() {
    follow("README.md");
}

#[test]
fn deployment() {
    follow("docs/deployment.md");
}

#[test]
fn key_ceremonies() {
    follow("docs/key-ceremonies.md");
}

#[test]
fn linking_a_runtime() {
    follow("docs/linking-a-runtime.md");
}

#[test]
fn recovering() {
    follow("docs/recovering.md");
}

#[test]
fn trust() {
    follow("docs/trust.md");
}

#[test]
fn audit() {
    follow("docs/audit.md");
}

#[test]
fn telemetry() {
    follow("docs/telemetry.md");
}
