//! The tree of a document.

use std::fmt;

use crate::{ConfigurationError, Path, Result, Segment};

/// A value of a configuration, with everything that its notation says: the order of keys, and numbers as they were
/// written (FC-UPGRADE-0001 §10).
///
/// Equality is exact: `1.10` is not `1.1`, and objects with another order of keys are not equal; see
/// [`Value::same_content`]. Debug shows the kind only, because a value does not know whether it is secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`, which TOML has no word for.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number as it was written, in the notation of JSON.
    Number(String),
    /// A text.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object, or table. No key is in it twice.
    Object(Vec<(String, Self)>),
    /// What only TOML has, as it was written: a date, a time, `inf`, `nan`.
    TomlLiteral(String),
}

impl Value {
    /// An object of these members.
    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// An object without members.
    pub const fn empty_object() -> Self {
        Self::Object(Vec::new())
    }

    /// What kind of value it is, with its article: all that errors say of a value.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "a table",
            Self::TomlLiteral(_) => "a date, a time, inf or nan",
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one that 64 bits hold.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Number(literal) => literal.parse().ok(),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub fn members(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The value at a path.
    pub fn get(&self, path: &Path) -> Option<&Self> {
        path.segments().iter().try_fold(self, |value, segment| match (value, segment) {
            (Self::Object(members), Segment::Key(key)) => {
                members.iter().find(|(name, _)| name == key).map(|(_, member)| member)
            }
            (Self::Array(elements), Segment::Index(index)) => elements.get(*index),
            _ => None,
        })
    }

    /// True if both say the same but for the order of keys, which neither JSON nor TOML gives a meaning.
    pub fn same_content(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(left), Self::Object(right)) => {
                let sorted = |members: &[(String, Self)]| {
                    let mut order: Vec<usize> = (0..members.len()).collect();
                    order.sort_by_key(|index| members.get(*index).map(|(key, _)| key.clone()));
                    order
                };
                left.len() == right.len()
                    && sorted(left).into_iter().zip(sorted(right)).all(|(one, other)| {
                        match (left.get(one), right.get(other)) {
                            (Some((key, value)), Some((name, member))) => {
                                key == name && value.same_content(member)
                            }
                            _ => false,
                        }
                    })
            }
            (Self::Array(left), Self::Array(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| left.same_content(right))
            }
            _ => self == other,
        }
    }

    pub(crate) fn get_mut(&mut self, path: &Path) -> Option<&mut Self> {
        path.segments().iter().try_fold(self, |value, segment| match (value, segment) {
            (Self::Object(members), Segment::Key(key)) => {
                members.iter_mut().find(|(name, _)| name == key).map(|(_, member)| member)
            }
            (Self::Array(elements), Segment::Index(index)) => elements.get_mut(*index),
            _ => None,
        })
    }

    pub(crate) fn members_mut(&mut self, path: &Path) -> Result<&mut Vec<(String, Self)>> {
        match self.get_mut(path) {
            Some(Self::Object(members)) => Ok(members),
            Some(_) => Err(ConfigurationError::NotATable { path: path.clone() }),
            None => Err(ConfigurationError::Missing { path: path.clone() }),
        }
    }

    /// Takes the value at a path out of its table, and says at which position it was.
    pub(crate) fn detach(&mut self, path: &Path) -> Result<(usize, Self)> {
        let missing = || ConfigurationError::Missing { path: path.clone() };
        let (parent, key) = path.split_last().ok_or_else(missing)?;
        let members = self.members_mut(&parent)?;
        let position = members.iter().position(|(name, _)| name == key).ok_or_else(missing)?;
        let (_, value) = members.remove(position);
        Ok((position, value))
    }

    /// Puts a value into the table that its path names, at a position, or at the end if the table is shorter.
    // trace: impl FC-10.1.1
    pub(crate) fn attach(&mut self, path: &Path, position: usize, value: Self) -> Result<()> {
        let (parent, key) =
            path.split_last().ok_or_else(|| ConfigurationError::Occupied { path: path.clone() })?;
        let members = self.members_mut(&parent)?;
        if members.iter().any(|(name, _)| name == key) {
            return Err(ConfigurationError::Occupied { path: path.clone() });
        }
        members.insert(position.min(members.len()), (key.to_owned(), value));
        Ok(())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(elements) => write!(formatter, "Value(an array of {})", elements.len()),
            Self::Object(members) => write!(formatter, "Value(a table of {})", members.len()),
            _ => write!(formatter, "Value({})", self.kind()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

/// True if the text is a number in the notation of JSON.
pub(crate) fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_json_numbers() {
        for text in ["0", "-0", "10", "1.10", "1e5", "1E+05", "-0.0e-0"] {
            assert!(is_json_number(text), "{text}");
        }
        for text in ["", "-", "+1", "01", "1.", ".1", "1e", "0x1", "1_0", "inf", "nan", "1e+-1"] {
            assert!(!is_json_number(text), "{text}");
        }
    }

    #[test]
    fn content_is_compared_without_the_order_of_keys_and_nothing_else() {
        let one = Value::object([("a", Value::from(1)), ("b", Value::from(2))]);
        let other = Value::object([("b", Value::from(2)), ("a", Value::from(1))]);
        assert!(one != other && one.same_content(&other));
        assert!(!Value::Number("1.10".into()).same_content(&Value::Number("1.1".into())));
    }

    #[test]
    fn debug_shows_no_text() {
        let value = Value::object([("key", Value::from("sk-1"))]);
        assert_eq!(format!("{value:?}"), "Value(a table of 1)");
    }
}
