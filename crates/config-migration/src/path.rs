//! Where a value is in a document.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ConfigurationError;

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// Into the member of a table with this key.
    Key(String),
    /// Into an element of an array, counted from 0.
    Index(usize),
}

/// The way from the root of a document to a value, such as `brain.api_key` or `servers[0]."odd name"`.
///
/// Any key can be in a path: one that is not of letters, digits, `_` and `-` alone is printed in quotes. Printing and
/// parsing are each other's inverse. The root prints as `.`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The whole document.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The path through these keys. `Path::from(["brain", "model"])` is the same.
    pub fn keys<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().map(|key| Segment::Key(key.into())).collect())
    }

    /// Its steps.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// True for the whole document.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path to a member of the table that is here.
    #[must_use]
    pub fn child(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    /// The path to an element of the array that is here.
    #[must_use]
    pub fn element(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// This path, and from there on the other.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// True if this is `other`, or is inside it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The table that this is a member of, and its key there. Nothing for the root and for elements of arrays.
    pub fn split_last(&self) -> Option<(Self, &str)> {
        match self.0.split_last() {
            Some((Segment::Key(key), parent)) => Some((Self(parent.to_vec()), key)),
            _ => None,
        }
    }

    /// The rest of the way from `ancestor` to here.
    pub(crate) fn below(&self, ancestor: &Self) -> Option<Self> {
        self.0.strip_prefix(ancestor.0.as_slice()).map(|rest| Self(rest.to_vec()))
    }

    /// The path with every step into an array left out.
    pub(crate) fn without_indexes(&self) -> Self {
        let keys = self.0.iter().filter(|segment| matches!(segment, Segment::Key(_)));
        Self(keys.cloned().collect())
    }

    /// The shortest beginning of this path that satisfies the condition.
    pub(crate) fn first_prefix(&self, mut condition: impl FnMut(&Self) -> bool) -> Option<Self> {
        (0..=self.0.len())
            .map(|length| Self(self.0.iter().take(length).cloned().collect()))
            .find(|prefix| condition(prefix))
    }

    fn with(&self, segment: Segment) -> Self {
        Self(self.0.iter().cloned().chain([segment]).collect())
    }
}

impl<const LENGTH: usize> From<[&str; LENGTH]> for Path {
    fn from(keys: [&str; LENGTH]) -> Self {
        Self::keys(keys)
    }
}

impl From<&Self> for Path {
    fn from(path: &Self) -> Self {
        path.clone()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return formatter.write_str(".");
        }
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(element) => write!(formatter, "[{element}]")?,
                Segment::Key(key) => {
                    formatter.write_str(if index == 0 { "" } else { "." })?;
                    if !key.is_empty() && key.chars().all(is_bare) {
                        formatter.write_str(key)?;
                    } else {
                        let quoted = serde_json::to_string(key).map_err(|_| fmt::Error)?;
                        formatter.write_str(&quoted)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = ConfigurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "." {
            return Ok(Self::root());
        }
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let (segment, after) = parse_segment(rest, segments.is_empty())?;
            segments.push(segment);
            if after.is_empty() {
                return Ok(Self(segments));
            }
            rest = after;
        }
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

fn is_bare(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '-'
}

fn parse_segment(text: &str, first: bool) -> Result<(Segment, &str), ConfigurationError> {
    if let Some(inside) = text.strip_prefix('[') {
        let (digits, after) = inside.split_once(']').ok_or(ConfigurationError::InvalidPath)?;
        let index: usize = digits.parse().map_err(|_| ConfigurationError::InvalidPath)?;
        if index.to_string() != digits {
            return Err(ConfigurationError::InvalidPath);
        }
        return Ok((Segment::Index(index), after));
    }
    let key = match (first, text.strip_prefix('.')) {
        (true, _) => text,
        (false, Some(key)) => key,
        (false, None) => return Err(ConfigurationError::InvalidPath),
    };
    if key.starts_with('"') {
        let end = quoted_end(key).ok_or(ConfigurationError::InvalidPath)?;
        let (quoted, after) = key.split_at_checked(end).ok_or(ConfigurationError::InvalidPath)?;
        let key = serde_json::from_str(quoted).map_err(|_| ConfigurationError::InvalidPath)?;
        return Ok((Segment::Key(key), after));
    }
    let end = key.find(|character| !is_bare(character)).unwrap_or(key.len());
    match key.split_at_checked(end) {
        Some((bare, after)) if !bare.is_empty() => Ok((Segment::Key(bare.to_owned()), after)),
        _ => Err(ConfigurationError::InvalidPath),
    }
}

/// Where the quoted text that begins here ends, its quotes included.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index.saturating_add(1)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment() -> impl Strategy<Value = Segment> {
        prop_oneof![any::<String>().prop_map(Segment::Key), any::<usize>().prop_map(Segment::Index)]
    }

    #[test]
    fn only_odd_keys_are_quoted() {
        let path = Path::from(["brain", "api key", ""]).element(3).child("x");
        assert_eq!(path.to_string(), r#"brain."api key".""[3].x"#);
        assert_eq!(Path::root().to_string(), ".");
    }

    proptest! {
        #[test]
        fn a_path_survives_printing(segments in prop::collection::vec(segment(), 0..6)) {
            let path = Path(segments);
            prop_assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
        }

        #[test]
        fn no_text_makes_parsing_panic_and_what_parses_prints_the_same_path(
            text in r#"(\PC|[."\[\]\\0a]){0,12}"#
        ) {
            if let Ok(path) = text.parse::<Path>() {
                prop_assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
            }
        }
    }
}
