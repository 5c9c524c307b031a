//! What sources and documents say of clauses, in comments:
//!
//! | where | what |
//! |---|---|
//! | above an item | `// trace: impl FC-7.1 FC-7.3`: the code that makes it so |
//! | above a test | `// trace: test FC-7.1`: it would fail if it were not so |
//! | above a judge | `// trace: invariant FC-7.1`: it says so of every state of the simulator |
//! | above a planted bug | `// trace: sabotage FC-7.1`: with it, it is not so |
//! | above a heading | `<!-- trace: doc FC-26.1.1 -->`: the text that is asked for |
//! | `specs/meaning.md` | `<!-- trace: implied FC-1.1 by FC-5.2 FC-6.2: why -->`: others say all of it |
//! | `specs/meaning.md` | `<!-- trace: exception FC-3.1: why -->`: it is not so |
//!
//! Above means: nothing but comments and attributes is between.

use super::items::{Item, ItemKind, items};
use crate::tidy::{line_comments, only_code};

/// What begins an annotation.
const MARK: &str = "trace:";
/// What begins an annotation of a document, and ends it.
const DOCUMENT: (&str, &str) = ("<!--", "-->");

/// What an annotation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Impl,
    Test,
    Invariant,
    Sabotage,
    Doc,
    Implied,
    Exception,
}

const KINDS: [(&str, Kind); 7] = [
    ("impl", Kind::Impl),
    ("test", Kind::Test),
    ("invariant", Kind::Invariant),
    ("sabotage", Kind::Sabotage),
    ("doc", Kind::Doc),
    ("implied", Kind::Implied),
    ("exception", Kind::Exception),
];

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Relative to the root of the workspace.
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
}

/// Something that is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    pub(super) place: Option<Place>,
    pub(super) what: String,
}

impl Problem {
    pub(super) fn at(file: &str, line: usize, what: impl Into<String>) -> Self {
        let place = Some(Place { file: file.to_owned(), line });
        Self { place, what: what.into() }
    }

    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { place: None, what: what.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Some(Place { file, line }) => write!(formatter, "{file}:{line}: {}", self.what),
            None => formatter.write_str(&self.what),
        }
    }
}

/// One annotation, and what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Annotation {
    pub(super) kind: Kind,
    pub(super) clauses: Vec<String>,
    /// The clauses that say all of it, of what is implied.
    pub(super) by: Vec<String>,
    /// Why, of what is implied and of exceptions.
    pub(super) reason: String,
    /// Where it stands itself.
    pub(super) place: Place,
    /// The item below it, or the heading; of what is bound to nothing, itself.
    pub(super) item: Item,
}

/// The annotations of a source file, or what is wrong with each.
pub(super) fn of_source(file: &str, source: &str) -> Vec<Result<Annotation, Problem>> {
    let marked: Vec<(usize, &str)> = line_comments(source)
        .into_iter()
        .filter_map(|(line, comment)| Some((line, comment.strip_prefix("//")?)))
        .filter_map(|(line, text)| Some((line, text.trim().strip_prefix(MARK)?)))
        .collect();
    if marked.is_empty() {
        return Vec::new();
    }
    let items = match items(source) {
        Ok(items) => items,
        Err(why) => return vec![Err(Problem::at(file, 1, why))],
    };
    let code = only_code(source);
    let code: Vec<&str> = code.lines().collect();
    let read = |(line, text): (usize, &str)| {
        let item = below(line, &items, &code).ok_or("nothing that has a name is below it")?;
        let annotation = parse(text)?;
        let place = Place { file: file.to_owned(), line };
        fits(annotation.kind, item.kind)?;
        Ok(Annotation { place, item: item.clone(), ..annotation })
    };
    let told = |line, result: Result<_, String>| {
        result.map_err(|what| Problem::at(file, line, format!("the annotation: {what}")))
    };
    marked.into_iter().map(|marked| told(marked.0, read(marked))).collect()
}

/// The annotations of a document, or what is wrong with each.
pub(super) fn of_document(file: &str, text: &str) -> Vec<Result<Annotation, Problem>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut is_example = false;
    for (number, line) in (1..).zip(&lines) {
        is_example ^= line.trim_start().starts_with("```");
        let marked = line.trim().strip_prefix(DOCUMENT.0).map(str::trim_start);
        let Some(marked) = marked.and_then(|text| text.strip_prefix(MARK)) else { continue };
        if is_example {
            continue;
        }
        let read = || {
            let marked = marked.trim_end().strip_suffix(DOCUMENT.1).ok_or("it does not end")?;
            let annotation = parse(marked)?;
            let rest = lines.get(number..).unwrap_or_default();
            let item = match annotation.kind {
                Kind::Doc => heading_below(number, rest).ok_or("no heading is below it")?,
                Kind::Implied | Kind::Exception => Item::of_line(number),
                _ => return Err("this kind stands in sources".to_owned()),
            };
            let place = Place { file: file.to_owned(), line: number };
            Ok(Annotation { place, item, ..annotation })
        };
        found.push(
            read().map_err(|what| Problem::at(file, number, format!("the annotation: {what}"))),
        );
    }
    found
}

/// ` impl FC-7.1 FC-7.2`, ` implied FC-1.1 by FC-5.2: why`, ` exception FC-3.1: why`.
fn parse(text: &str) -> Result<Annotation, String> {
    let text = text.trim();
    let (kind, rest) = text.split_once(char::is_whitespace).ok_or("it names no clause")?;
    let kind = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, kind)| *kind);
    let kind = kind.ok_or_else(|| format!("there is no kind {text:?}"))?;
    let wants_reason = matches!(kind, Kind::Implied | Kind::Exception);
    let (names, reason) = match rest.split_once(':') {
        Some((names, reason)) if wants_reason => (names, reason.trim()),
        None if !wants_reason => (rest, ""),
        Some(_) => return Err("this kind has no reason".to_owned()),
        None => return Err("a reason is missing: \": why\"".to_owned()),
    };
    let (names, by) = match names.split_once(" by ") {
        Some((names, by)) if kind == Kind::Implied => (names, by),
        None if kind != Kind::Implied => (names, ""),
        Some(_) => return Err("\"by\" belongs to \"implied\"".to_owned()),
        None => return Err("by which clauses: \"by FC-…\"".to_owned()),
    };
    if wants_reason && reason.is_empty() {
        return Err("the reason is empty".to_owned());
    }
    let (clauses, by) = (ids(names)?, ids(by)?);
    if clauses.is_empty() || (kind == Kind::Implied && by.is_empty()) {
        return Err("it names no clause".to_owned());
    }
    let place = Place { file: String::new(), line: 0 };
    let reason = reason.to_owned();
    Ok(Annotation { kind, clauses, by, reason, place, item: Item::of_line(0) })
}

fn ids(text: &str) -> Result<Vec<String>, String> {
    let id = |word: &str| {
        let numbers = word.strip_prefix("FC-").unwrap_or_default();
        let is_id = numbers.split('.').all(|number| number.parse::<u32>().is_ok());
        if is_id { Ok(word.to_owned()) } else { Err(format!("{word:?} is no id of a clause")) }
    };
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(id).collect()
}

/// The item that a comment at this line is bound to: the first that begins behind it, or between whose attributes it
/// stands. Between them there is no code.
fn below<'a>(line: usize, items: &'a [Item], code: &[&str]) -> Option<&'a Item> {
    let item = items
        .iter()
        .filter(|item| item.named > line)
        .min_by_key(|item| (item.first.max(line), item.named))?;
    let is_blank = |line: &&str| line.trim().is_empty() || line.trim().starts_with("#[");
    let between = code.get(line..item.first.max(line + 1) - 1).unwrap_or_default();
    between.iter().all(is_blank).then_some(item)
}

fn heading_below(number: usize, rest: &[&str]) -> Option<Item> {
    let blank = rest.iter().take_while(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with(DOCUMENT.0)
    });
    let blank = blank.count();
    let heading = rest.get(blank)?;
    let title = heading.trim_start_matches('#');
    if title.len() == heading.len() {
        return None;
    }
    let line = number + blank + 1;
    Some(Item { path: title.trim().to_owned(), ..Item::of_line(line) })
}

/// Whether this kind of annotation may stand above this kind of item.
fn fits(kind: Kind, item: ItemKind) -> Result<(), String> {
    let wanted = match (kind, item) {
        (Kind::Impl, ItemKind::Code | ItemKind::Judge)
        | (Kind::Test, ItemKind::Test)
        | (Kind::Invariant, ItemKind::Judge)
        | (Kind::Sabotage, ItemKind::Planted) => return Ok(()),
        (Kind::Impl, _) => "code that is no test",
        (Kind::Test, _) => "a test",
        (Kind::Invariant, _) => "a judge of the simulator",
        (Kind::Sabotage, _) => "a planted bug",
        (Kind::Doc | Kind::Implied | Kind::Exception, _) => "a document",
    };
    Err(format!("it is bound to something that is not {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, item and clauses, or what is wrong.
    type Told = Result<(Kind, String, Vec<String>), String>;

    fn source(text: &str) -> Vec<Told> {
        let told = |found: Annotation| (found.kind, found.item.path, found.clauses);
        let of = of_source("a.rs", text).into_iter();
        of.map(|found| found.map(told).map_err(|problem| problem.to_string())).collect()
    }

    fn one(kind: Kind, path: &str, clauses: &[&str]) -> Told {
        Ok((kind, path.to_owned(), clauses.iter().map(|id| (*id).to_owned()).collect()))
    }

    #[test]
    fn annotations_are_bound_to_what_is_below() {
        let text = "\
// trace: impl FC-7.1 FC-7.3
/// Of f.
fn f() {
    // trace: impl FC-9.1
    fn within() {}
}
impl T {
    /// Of g.
    // trace: impl FC-7.2.1, FC-7.2.2
    // Something else.
    #[inline]
    fn g() {}
}
/// Shows it.
// trace: test FC-7.1
#[test]
fn t() {}
const BUGS: [B; 1] = [
    // trace: sabotage FC-7.1
    bug(\"lost\", F),
];
// trace: invariant FC-7.1
const JUDGE: Judge = Judge { name: \"atomicity\" };
";
        let expected = [
            one(Kind::Impl, "f", &["FC-7.1", "FC-7.3"]),
            one(Kind::Impl, "within", &["FC-9.1"]),
            one(Kind::Impl, "T::g", &["FC-7.2.1", "FC-7.2.2"]),
            one(Kind::Test, "t", &["FC-7.1"]),
            one(Kind::Sabotage, "lost", &["FC-7.1"]),
            one(Kind::Invariant, "atomicity", &["FC-7.1"]),
        ];
        assert_eq!(source(text), expected);
    }

    #[test]
    fn what_stands_in_a_text_or_in_documentation_is_no_annotation() {
        let text =
            "const A: &str = \"\n// trace: impl FC-7.1\n\";\n/// trace: impl FC-7.1\nfn f() {}\n";
        assert_eq!(source(text), []);
    }

    #[test]
    fn annotations_that_are_bound_to_nothing_or_to_the_wrong_thing_are_problems() {
        for (text, what) in [
            ("fn f() {}\n// trace: impl FC-7.1\n", "nothing that has a name is below it"),
            ("// trace: impl FC-7.1\nuse a;\nfn f() {}\n", "nothing that has a name is below it"),
            ("// trace: test FC-7.1\nfn f() {}\n", "bound to something that is not a test"),
            ("// trace: impl FC-7.1\n#[test]\nfn f() {}\n", "that is not code that is no test"),
            ("// trace: invariant FC-7.1\nfn f() {}\n", "not a judge of the simulator"),
            ("// trace: sabotage FC-7.1\nfn f() {}\n", "not a planted bug"),
            ("// trace: doc FC-7.1\nfn f() {}\n", "not a document"),
            ("// trace: impl\nfn f() {}\n", "it names no clause"),
            ("// trace: impl FC-x\nfn f() {}\n", "\"FC-x\" is no id of a clause"),
            ("// trace: tests FC-7.1\nfn f() {}\n", "there is no kind"),
            ("// trace: impl FC-7.1: why\nfn f() {}\n", "this kind has no reason"),
            ("// trace: impl FC-7.1\nfn f( {}\n", "a.rs:"),
        ] {
            let found = source(text);
            let [Err(said)] = found.as_slice() else { panic!("{text}: {found:?}") };
            assert!(said.contains(what), "{text}: {said}");
        }
    }

    #[test]
    fn documents_have_headings_and_reasons() {
        let text = "\
# A

<!-- trace: doc FC-26.1.1 FC-26.1.2 -->

## How
<!-- trace: implied FC-1.1 by FC-5.2, FC-6.2: they say all of it -->
<!-- trace: exception FC-3.1: not yet -->
```
<!-- trace: doc FC-1.1 -->
```
";
        let found: Vec<Annotation> =
            of_document("a.md", text).into_iter().map(Result::unwrap).collect();
        let [doc, implied, exception] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((doc.kind, doc.item.path.as_str(), doc.item.named), (Kind::Doc, "How", 5));
        assert_eq!(doc.clauses, ["FC-26.1.1", "FC-26.1.2"]);
        assert_eq!((implied.kind, implied.place.line), (Kind::Implied, 6));
        assert_eq!(
            (&implied.clauses, &implied.by),
            (&vec!["FC-1.1".to_owned()], &vec!["FC-5.2".to_owned(), "FC-6.2".to_owned()])
        );
        assert_eq!(implied.reason, "they say all of it");
        assert_eq!((exception.kind, exception.reason.as_str()), (Kind::Exception, "not yet"));
    }

    #[test]
    fn documents_without_heading_reason_or_end_are_problems() {
        for (text, what) in [
            ("<!-- trace: doc FC-1.1 -->\ntext\n# A\n", "no heading is below it"),
            ("<!-- trace: doc FC-1.1\n# A\n", "it does not end"),
            ("<!-- trace: impl FC-1.1 -->\n# A\n", "this kind stands in sources"),
            ("<!-- trace: implied FC-1.1: why -->", "by which clauses"),
            ("<!-- trace: implied FC-1.1 by FC-2.1 -->", "a reason is missing"),
            ("<!-- trace: exception FC-1.1: -->", "the reason is empty"),
            ("<!-- trace: exception FC-1.1 by FC-1.2: why -->", "belongs to \"implied\""),
        ] {
            let found = of_document("a.md", text);
            let [Err(problem)] = found.as_slice() else { panic!("{text}: {found:?}") };
            assert!(problem.to_string().contains(what), "{text}: {problem}");
        }
    }
}
