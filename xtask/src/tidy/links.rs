//! Links of pages lead somewhere: to a file that is there, and to a heading that it has. And the book has every page.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::Finding;

/// The book's list of pages.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Looks at all pages. `files` is everything that there is, by its path from the root.
pub(crate) fn check(files: &[String], read: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pages = files.iter().filter(|file| file.ends_with(".md"));
    for page in pages {
        for (line, target) in links(&read(page).unwrap_or_default()) {
            if let Some(what) = broken(page, &target, files, read) {
                findings.push(Finding::new(page, line, format!("the link {target:?} {what}")));
            }
        }
    }
    findings.extend(check_summary(files, read));
    findings
}

/// Every page of the book stands in its summary.
fn check_summary(files: &[String], read: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    let Some(summary) = read(SUMMARY) else {
        return vec![Finding::of_file(SUMMARY, "it is missing")];
    };
    let listed: BTreeSet<String> = links(&summary).into_iter().map(|(_, target)| target).collect();
    let names = files.iter().filter_map(|file| file.strip_prefix("docs/"));
    let pages = names.filter(|name| name.ends_with(".md") && *name != "SUMMARY.md");
    let missing = pages.filter(|name| !name.contains('/') && !listed.contains(*name));
    missing.map(|name| Finding::of_file(SUMMARY, format!("the page {name} is not in it"))).collect()
}

/// What is wrong with a link, if anything is.
fn broken(
    page: &str,
    target: &str,
    files: &[String],
    read: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    if ["https://", "http://", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        page.to_owned()
    } else {
        let directory = Path::new(page).parent().unwrap_or(Path::new(""));
        let Some(path) = resolved(&directory.join(path)) else {
            return Some("leads out of the repository".to_owned());
        };
        path.trim_end_matches('/').to_owned()
    };
    let below = format!("{path}/");
    if !files.iter().any(|file| *file == path || file.starts_with(&below)) {
        return Some("leads to nothing".to_owned());
    }
    if anchor.is_empty() || !path.ends_with(".md") {
        return None;
    }
    let headings = headings(&read(&path).unwrap_or_default());
    (!headings.contains(anchor)).then(|| format!("names no heading of {path}"))
}

/// A path without `.` and `..`; none if it leads out.
fn resolved(path: &Path) -> Option<String> {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved.to_string_lossy().into_owned())
}

/// The lines of a page that are no code, with their numbers.
fn prose(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    (1..).zip(page.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence && !line.starts_with("    ")
    })
}

/// Where the links of a page lead, with their lines.
pub(crate) fn links(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(page) {
        // What stands in code is no link, but the text of a link may be code.
        for (at, _) in line.match_indices("](") {
            let before = line.get(..at).unwrap_or_default();
            let is_in_code = before.matches('`').count() % 2 == 1;
            let rest = line.get(at + 2..).unwrap_or_default();
            if let (false, Some(end)) = (is_in_code, rest.find(')')) {
                found.push((number, rest.get(..end).unwrap_or_default().to_owned()));
            }
        }
    }
    found
}

/// The anchors of a page's headings, as they are made of them everywhere: in lower case, spaces as hyphens, no other signs.
fn headings(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in prose(page) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept = |c: &char| c.is_alphanumeric() || ['-', '_', ' '].contains(c);
        let anchor: String = title.trim().to_lowercase().chars().filter(kept).collect();
        let anchor = anchor.replace(' ', "-");
        // A second heading of the same name has a number.
        let repeated = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(repeated).find(|a| !found.contains(a));
        found.extend(free);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(pages: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<String> = pages.iter().map(|(name, _)| (*name).to_owned()).collect();
        let read = |path: &str| {
            let page = pages.iter().find(|(name, _)| *name == path);
            page.map(|(_, text)| (*text).to_owned())
        };
        check(&files, &read).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let found = look(&[
            (
                "README.md",
                "[a](docs/a.md) [`b`](docs/a.md#it-is-so--1-x-and-not) [s](src) [w](https://x.y)\n",
            ),
            ("docs/SUMMARY.md", "[a](a.md)\n"),
            ("docs/a.md", "# A\n## It is so (§1 `x`), and not\n[up](../src/lib.rs) [here](#a)\n"),
            ("src/lib.rs", ""),
        ]);
        assert_eq!(
            found,
            [
                "tidy: README.md:1: the link \"docs/a.md#it-is-so--1-x-and-not\" names no heading of docs/a.md"
            ]
        );
        let found = look(&[
            (
                "README.md",
                "[b](docs/a.md#it-is-so-1-x-and-not) `[x](no)`\n```\n[c](nothing)\n```\n",
            ),
            ("docs/SUMMARY.md", "[a](a.md)\n"),
            ("docs/a.md", "# A\n## It is so (§1 `x`), and not\n"),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn what_leads_to_nothing_is_caught() {
        let summary = ("docs/SUMMARY.md", "");
        for (link, what) in [
            ("gone.md", "leads to nothing"),
            ("#gone", "names no heading of a.md"),
            ("../x", "leads out of the repository"),
            ("/x", "leads out of the repository"),
        ] {
            let found = look(&[("a.md", &format!("text\n[x]({link})\n")), summary]);
            assert_eq!(found, [format!("tidy: a.md:2: the link {link:?} {what}")]);
        }
        assert_eq!(
            look(&[("docs/a.md", ""), summary]),
            ["tidy: docs/SUMMARY.md: the page a.md is not in it"]
        );
        assert_eq!(look(&[]), ["tidy: docs/SUMMARY.md: it is missing"]);
    }
}
