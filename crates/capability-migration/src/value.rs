//! When two JSON values are the same, and which type a value has.

use serde_json::{Number, Value};

/// Whether two values are the same: numbers by value, so that `1.0` is `1`, and a rule that denies one denies both.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        (left, right) => left == right,
    }
}

fn same_number(left: &Number, right: &Number) -> bool {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left == right,
        (None, None) => left.as_f64() == right.as_f64(),
        _ => false,
    }
}

/// The number as an integer, if it is one, however it is written.
pub(crate) fn integer(number: &Number) -> Option<i128> {
    if let Some(value) = number.as_i128() {
        return Some(value);
    }
    // Beyond 2^100 a float still compares by its own value, as a float.
    let limit = 2f64.powi(100);
    let value = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < limit)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is a whole number below 2^100")]
    let whole = value as i128;
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_the_same_by_value_at_any_depth() {
        assert!(same(&json!({"a": [1]}), &json!({"a": [1.0]})));
        assert!(same(&json!(0), &json!(-0.0)));
        assert!(!same(&json!(1), &json!(1.5)));
        assert!(!same(&json!(1), &json!("1")));
        assert!(!same(&json!({"a": 1}), &json!({"b": 1})));
    }
}
