//! What is different in every run is written as `…`: digests, times, ids, process numbers. What only a slow machine sees is left
//! out: progress, which is told every five seconds.

use super::page::ANY_LINES;

/// What stands for a part that varies.
pub(crate) const SOMETHING: &str = "…";

/// What a line of progress begins with.
const PROGRESS: [&str; 15] = [
    "checking",
    "cloning",
    "copying",
    "counting",
    "joining",
    "leading",
    "making",
    "migrating",
    "opening",
    "placing",
    "planning",
    "preparing",
    "reading",
    "verifying",
    "writing",
];

fn is_progress(line: &str) -> bool {
    line.split([' ', ':']).next().is_some_and(|word| PROGRESS.contains(&word))
}

/// Output as a page shows it.
pub(crate) fn as_shown(output: &str, root: &str) -> Vec<String> {
    let output = output.replace(root, "");
    let lines = output.lines().filter(|line| !is_progress(line));
    let mut lines: Vec<String> = lines.map(|line| line_as_shown(line.trim_end())).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Word for word.
fn line_as_shown(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-:.+/_".contains(c);
        let word = if is_part(first) {
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            &rest[..length]
        } else {
            &rest[..first.len_utf8()]
        };
        rest = &rest[word.len()..];
        let word = word_as_shown(word, &shown, rest);
        shown += &word;
        // What stands in columns behind it would stand elsewhere in every run.
        if word == SOMETHING && rest.starts_with("  ") {
            rest = rest.trim_start();
            shown += "  ";
        }
    }
    shown
}

fn word_as_shown(word: &str, before: &str, rest: &str) -> String {
    let begun = word.trim_start_matches(':');
    let plain = begun.trim_end_matches(['.', ':']);
    let (head, tail) = (&word[..word.len() - begun.len()], &begun[plain.len()..]);
    let something = format!("{head}{SOMETHING}{tail}");
    if is_time(plain) || is_digest(plain) {
        return something;
    }
    for prefix in ["blake3:", "SHA256:"] {
        if let Some((number, digest)) = plain.split_once(prefix)
            && digest.len() >= 8
        {
            return format!("{head}{number}{prefix}{SOMETHING}{tail}");
        }
    }
    let is_number = plain.parse::<f64>().is_ok();
    let units = [" s", " B", " kB", " MB", " GB", " TB"];
    let is_measured = plain.contains('.') && units.iter().any(|unit| rest.starts_with(unit));
    let is_named = ["process ", "pid ", "\"pid\"", "\"seconds\""];
    if is_number && (is_measured || is_named.iter().any(|name| before.ends_with(name))) {
        return something;
    }
    word.to_owned()
}

/// A digest, or the beginning of one as it is shown to people.
fn is_digest(word: &str) -> bool {
    (word.len() >= 32 || word.len() == 12) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// 2026-11-25T18:43:24.949619482Z, with or without its fraction, and its zone.
fn is_time(word: &str) -> bool {
    let form: String =
        word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).take(19).collect();
    form == "0000-00-00T00:00:00"
}

/// Whether this is the output that a page shows: line for line, or word for word where lines may be broken elsewhere.
pub(crate) fn is_as_shown<S: AsRef<str>>(shown: &[S], output: &[String], by: By) -> bool {
    let is_any = |line: &S| line.as_ref() == ANY_LINES;
    let (mut wanted, mut found) = (Vec::new(), Vec::new());
    for line in shown {
        match by {
            _ if is_any(line) => wanted.push(None),
            By::Lines => wanted.push(Some(line.as_ref())),
            By::Words => wanted.extend(words(line.as_ref()).map(Some)),
        }
    }
    for line in output {
        match by {
            By::Lines => found.push(line.as_str()),
            By::Words => found.extend(words(line)),
        }
    }
    matches_with_gaps(&wanted, &found)
}

/// The words of a line, without what says that it goes on.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace().filter(|word| *word != "\\")
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Lines,
    /// The command breaks lines for people; where it does depends on how long the paths of the test are.
    Words,
}

/// `None` stands for any number of parts. Goes back to the last of them only, which is enough.
fn matches_with_gaps(wanted: &[Option<&str>], found: &[&str]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut gap: Option<(usize, usize)> = None;
    while read < found.len() {
        match wanted.get(at) {
            Some(None) => {
                gap = Some((at, read));
                at += 1;
            }
            Some(Some(part)) if *part == found[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((start, taken)) = gap.as_mut() else { return false };
                *taken += 1;
                (at, read) = (*start + 1, *taken);
            }
        }
    }
    wanted[at..].iter().all(Option::is_none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_varies_is_left_out() {
        let digest = "b".repeat(64);
        for (output, shown) in [
            (format!("41:blake3:{digest} 2026-11-25T18:43:24.949619482Z"), "41:blake3:… …"),
            (format!("(blake3:{digest}), then {digest}."), "(blake3:…), then …."),
            (
                "/tmp/x/srv/femtoclaw holds 7 records of 2.0.0".to_owned(),
                "/srv/femtoclaw holds 7 records of 2.0.0",
            ),
            ("in 0.25 s, process 77 has it".to_owned(), "in … s, process … has it"),
            ("SHA256:abcdefgh+/0123 (ED25519)".to_owned(), "SHA256:… (ED25519)"),
            ("2026-11-25".to_owned(), "2026-11-25"),
            ("   3  2026-11-25T18:43:24   SEALED 014fe5617e05".to_owned(), "   3  …  SEALED …"),
            ("within 1 s".to_owned(), "within 1 s"),
            ("{\"seconds\":0.0146,\"pid\":12}".to_owned(), "{\"seconds\":…,\"pid\":…}"),
        ] {
            assert_eq!(as_shown(&output, "/tmp/x"), [shown], "{output}");
        }
        assert_eq!(as_shown("a \n\nb\n\n", "/"), ["a", "", "b"]);
        let slow =
            "reading wal: 7 of 9 (77 %)\nverifying the new generation\nDone.\n  verifying  1 s\n";
        assert_eq!(as_shown(slow, "/"), ["Done.", "  verifying  1 s"]);
    }

    #[test]
    fn lines_may_be_left_out_where_it_is_said() {
        let output = ["a", "b", "c"].map(str::to_owned);
        for shown in [&["a", "b", "c"][..], &["…"], &["a", "…"], &["…", "c"], &["a", "…", "b", "c"]]
        {
            assert!(is_as_shown(shown, &output, By::Lines), "{shown:?}");
        }
        for shown in [&["a", "c"][..], &[], &["…", "b"], &["a", "b"], &["a", "b", "c", "d"]] {
            assert!(!is_as_shown(shown, &output, By::Lines), "{shown:?}");
        }
    }

    #[test]
    fn words_are_the_same_wherever_a_line_is_broken() {
        let output = ["of the home \\", "  at /srv", "", "last"].map(str::to_owned);
        for shown in [&["of", "the home at /srv", "last"][..], &["of", "…", "last"], &["…"]] {
            assert!(is_as_shown(shown, &output, By::Words), "{shown:?}");
            assert!(shown == ["…"] || !is_as_shown(shown, &output, By::Lines), "{shown:?}");
        }
        for shown in [&["of home at /srv", "last"][..], &["of the home at /srv"], &["…", "/srv"]]
        {
            assert!(!is_as_shown(shown, &output, By::Words), "{shown:?}");
        }
    }
}
