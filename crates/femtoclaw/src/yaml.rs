//! The little of YAML that a manifest needs, with the line of every value.
//!
//! Built from parser events, not by a loader: aliases are refused (a few lines of them can stand for gigabytes), so are
//! repeated keys, deep nesting and a second document.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Deepest nesting of a manifest.
const MAXIMUM_DEPTH: usize = 32;

/// A value and the line it starts at, counting from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: u64,
    pub(crate) value: Yaml,
}

/// A YAML value. Scalars keep their text: nothing here depends on `1.0` being a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Yaml {
    Null,
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

/// A text that is no YAML, or YAML that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlError {
    pub(crate) line: u64,
    pub(crate) reason: String,
}

impl Node {
    /// The value of a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Yaml::Mapping(entries) = &self.value else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Yaml::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence; none for anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Yaml::Sequence(items) => items,
            _ => &[],
        }
    }
}

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Node, YamlError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError {
            line: error.marker().line() as u64,
            reason: error.info().to_owned(),
        })?;
        builder.line = span.start.line() as u64;
        builder.take(event)?;
    }
    builder.root.ok_or(YamlError { line: 1, reason: "it is empty".to_owned() })
}

/// A collection that is still open.
enum Open {
    Sequence(u64, Vec<Node>),
    Mapping(u64, Vec<(String, Node)>, Option<String>),
}

#[derive(Default)]
struct Builder {
    line: u64,
    open: Vec<Open>,
    root: Option<Node>,
}

impl Builder {
    fn error(&self, reason: impl Into<String>) -> YamlError {
        YamlError { line: self.line, reason: reason.into() }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), YamlError> {
        match event {
            Event::Alias(_) => Err(self.error("aliases are not allowed in a manifest")),
            Event::Scalar(text, style, _, _) => {
                let is_null = style == ScalarStyle::Plain
                    && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let value = if is_null { Yaml::Null } else { Yaml::Scalar(text.into_owned()) };
                self.add(Node { line: self.line, value })
            }
            Event::SequenceStart(..) => self.open(Open::Sequence(self.line, Vec::new())),
            Event::MappingStart(..) => self.open(Open::Mapping(self.line, Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => Ok(()),
        }
    }

    fn open(&mut self, collection: Open) -> Result<(), YamlError> {
        if self.open.len() >= MAXIMUM_DEPTH {
            return Err(self.error(format!("nested more than {MAXIMUM_DEPTH} levels deep")));
        }
        if let Some(Open::Mapping(_, _, None)) = self.open.last() {
            return Err(self.error("a key is not a plain text"));
        }
        self.open.push(collection);
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let node = match self.open.pop() {
            Some(Open::Sequence(line, items)) => Node { line, value: Yaml::Sequence(items) },
            Some(Open::Mapping(line, entries, _)) => Node { line, value: Yaml::Mapping(entries) },
            None => return Err(self.error("a collection ends that never began")),
        };
        self.add(node)
    }

    fn add(&mut self, node: Node) -> Result<(), YamlError> {
        let line = self.line;
        let error = |reason: String| Err(YamlError { line, reason });
        match self.open.last_mut() {
            Some(Open::Sequence(_, items)) => items.push(node),
            Some(Open::Mapping(_, entries, key @ None)) => {
                let Yaml::Scalar(name) = node.value else {
                    return error("a key is not a plain text".to_owned());
                };
                if entries.iter().any(|(existing, _)| *existing == name) {
                    return error(format!("the key {name:?} is there more than once"));
                }
                *key = Some(name);
            }
            Some(Open::Mapping(_, entries, key)) => {
                if let Some(name) = key.take() {
                    entries.push((name, node));
                }
            }
            None if self.root.is_some() => return error("a second document follows".to_owned()),
            None => self.root = Some(node),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_keep_their_text_and_line() {
        let node = parse("name: x\nversion: 1.10\ntags: [a, b]\nnone: ~\n").unwrap();
        assert_eq!(node.get("version").unwrap().text(), Some("1.10"));
        assert_eq!(node.get("version").unwrap().line, 2);
        assert_eq!(node.get("tags").unwrap().items().len(), 2);
        assert_eq!(node.get("none").unwrap().value, Yaml::Null);
    }

    #[test]
    fn what_could_blow_up_is_refused() {
        let bomb = "a: &a [x, x]\nb: [*a, *a]\n";
        assert!(parse(bomb).unwrap_err().reason.contains("aliases"));
        assert!(parse(&format!("a: {}1{}", "[".repeat(40), "]".repeat(40))).is_err());
        assert!(parse("a: 1\na: 2\n").unwrap_err().reason.contains("more than once"));
        assert!(parse("a: 1\n---\nb: 2\n").is_err());
        assert!(parse("").is_err());
    }

    /// Whether it is no deeper than it may be, has no key twice, and its lines are there.
    fn is_sound(node: &Node, lines: u64, depth: usize) -> bool {
        let (depth, sound) = (depth.checked_sub(1), (1..=lines).contains(&node.line));
        let below = |node: &Node| depth.is_some_and(|depth| is_sound(node, lines, depth));
        sound
            && match &node.value {
                Yaml::Null | Yaml::Scalar(_) => true,
                Yaml::Sequence(items) => items.iter().all(below),
                Yaml::Mapping(entries) => {
                    let names: BTreeSet<_> = entries.iter().map(|(name, _)| name).collect();
                    names.len() == entries.len() && entries.iter().all(|(_, node)| below(node))
                }
            }
    }

    fn is_refused_or_sound(text: &str) -> bool {
        // What is missing at the end is missed on the line behind the last.
        let lines = text.chars().filter(|c| ['\n', '\r'].contains(c)).count() as u64 + 2;
        match parse(text) {
            Ok(node) => is_sound(&node, lines, MAXIMUM_DEPTH),
            Err(error) => !error.reason.is_empty() && error.line <= lines,
        }
    }

    proptest! {
        #[test]
        fn what_is_parsed_is_sound(text in "[-a-c:\\[\\]{}&*!|>'\"%@#~ \t\n\r0-9\u{0}\u{feff}é]{0,80}") {
            prop_assert!(is_refused_or_sound(&text));
        }

        #[test]
        fn what_is_parsed_of_any_text_is_sound(text: String) {
            prop_assert!(is_refused_or_sound(&text));
        }
    }
}
