//! Asking JSON. What is not there is empty: a page shows what there is.

use serde_json::Value;

/// The text by this name.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The list by this name.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of the list by this name.
pub(crate) fn texts<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    list(value, name).iter().filter_map(Value::as_str).collect()
}

/// The count by this name.
pub(crate) fn count(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// True if it says so.
pub(crate) fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// Where a part of the sources stands: `file:line`.
pub(crate) fn place(part: &Value) -> String {
    format!("{}:{}", text(part, "file"), count(part, "line"))
}

/// A count as people write it: `1,234,567`.
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut written = String::new();
    for (left, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        written.push(digit);
        if left > 0 && left % 3 == 0 {
            written.push(',');
        }
    }
    written
}

/// A count of things: `1 clause`, `2 clauses`.
pub(crate) fn of_things(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", thousands(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_as_people_do() {
        assert_eq!(
            [0, 7, 999, 1000, 1_234_567].map(thousands),
            ["0", "7", "999", "1,000", "1,234,567"]
        );
        assert_eq!([0, 1, 2].map(|n| of_things(n, "test")), ["0 tests", "1 test", "2 tests"]);
    }
}
