//! A first pass over a manifest, before anything is built from it: bounded, and without two ways to read it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::ManifestFault;
use crate::manifest::{MAXIMUM_DEPTH, MAXIMUM_VALUES};
use crate::path::shown;

/// Reads JSON from one end to the other and keeps nothing of it.
///
/// # Errors
/// If it is no JSON, is nested too deeply, has too many values, or repeats a field of any object.
pub(crate) fn check(bytes: &[u8]) -> Result<(), ManifestFault> {
    let state = State { values: Cell::new(0), fault: RefCell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Checked { state: &state, depth: 0 };
    let checked = value.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (state.fault.into_inner(), checked) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(syntax(&error)),
        (None, Ok(())) => Ok(()),
    }
}

/// What the parser says. It may quote what it has read, which may be anything.
pub(crate) fn syntax(error: &serde_json::Error) -> ManifestFault {
    let (line, column, text) = (error.line(), error.column(), error.to_string());
    let place = format!(" at line {line} column {column}");
    let reason = shown(text.strip_suffix(&place).unwrap_or(&text)).escape_debug().to_string();
    ManifestFault::Syntax { line, column, reason }
}

struct State {
    values: Cell<usize>,
    /// The parser's errors are texts; what it is stopped for is kept beside them.
    fault: RefCell<Option<ManifestFault>>,
}

#[derive(Clone, Copy)]
struct Checked<'s> {
    state: &'s State,
    depth: usize,
}

impl Checked<'_> {
    fn stop<E: serde::de::Error>(&self, fault: ManifestFault) -> E {
        let error = E::custom(&fault);
        self.state.fault.replace(Some(fault));
        error
    }

    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAXIMUM_DEPTH {
            return Err(self.stop(ManifestFault::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Checked<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let values = self.state.values.get() + 1;
        self.state.values.set(values);
        if values > MAXIMUM_VALUES {
            return Err(self.stop(ManifestFault::TooManyValues));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while elements.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut seen = BTreeSet::new();
        while let Some(field) = members.next_key::<String>()? {
            if seen.contains(&field) {
                return Err(self.stop(ManifestFault::RepeatedField { field: shown(&field) }));
            }
            seen.insert(field);
            members.next_value_seed(inside)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn depth_is_bounded_whatever_follows() {
        assert_eq!(check(nested(MAXIMUM_DEPTH).as_bytes()), Ok(()));
        assert_eq!(check(nested(MAXIMUM_DEPTH + 1).as_bytes()), Err(ManifestFault::TooDeep));
        assert_eq!(check("[".repeat(1_000_000).as_bytes()), Err(ManifestFault::TooDeep));
        assert_eq!(check("{\"a\":".repeat(500_000).as_bytes()), Err(ManifestFault::TooDeep));
    }

    #[test]
    fn values_are_counted_wherever_they_are() {
        let many = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert_eq!(check(many(MAXIMUM_VALUES).as_bytes()), Ok(()));
        assert_eq!(check(many(MAXIMUM_VALUES + 1).as_bytes()), Err(ManifestFault::TooManyValues));
    }

    #[test]
    fn a_repeated_field_is_found_at_every_depth_and_in_every_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"\u0061":2}}]"#] {
            let fault = ManifestFault::RepeatedField { field: "a".to_owned() };
            assert_eq!(check(text.as_bytes()), Err(fault), "{text}");
        }
        assert_eq!(check(br#"{"a":{"a":[{"a":null}]},"b":1.5,"c":-1,"d":"x","e":true}"#), Ok(()));
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place_and_without_control_characters() {
        for text in [&b"{}{}"[..], b"", b"{", b"\xff", b"\"\xc3\"", b"1e999", b"\xef\xbb\xbf{}"] {
            assert!(matches!(check(text), Err(ManifestFault::Syntax { .. })), "{text:?}");
        }
        let error = serde_json::from_str::<u8>("\"\\u001b[31m\"").unwrap_err();
        let ManifestFault::Syntax { reason, .. } = syntax(&error) else { panic!("{error}") };
        assert!(!reason.contains(char::is_control) && !reason.contains(" at line "), "{reason:?}");
    }
}
