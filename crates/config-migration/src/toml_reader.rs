//! TOML text to a tree.

use toml_edit::{DocumentMut, Item, TableLike};

use crate::document::toml_syntax;
use crate::limits::Bounds;
use crate::value::is_json_number;
use crate::{Result, Value, toml_nesting};

/// Reads TOML into a tree.
///
/// # Errors
/// `Syntax` and the bounds.
pub(crate) fn read(text: &str) -> Result<Value> {
    tree(&parse(text)?)
}

/// Parses TOML with its comments and layout. The error of toml_edit is replaced: it quotes the line.
///
/// # Errors
/// As [`read`].
pub(crate) fn parse(text: &str) -> Result<DocumentMut> {
    Bounds::check_length(text)?;
    toml_nesting::check(text)?;
    text.parse().map_err(|error: toml_edit::TomlError| {
        toml_syntax(text, error.span().map_or(0, |span| span.start))
    })
}

/// The tree of a parsed document.
///
/// # Errors
/// The bounds.
pub(crate) fn tree(document: &DocumentMut) -> Result<Value> {
    table(document.as_table(), &mut Bounds::default(), 0)
}

fn table(table: &dyn TableLike, bounds: &mut Bounds, depth: usize) -> Result<Value> {
    bounds.enter(depth)?;
    let mut members = Vec::with_capacity(table.len());
    for (key, member) in table.iter() {
        if let Some(value) = item(member, bounds, depth.saturating_add(1))? {
            members.push((key.to_owned(), value));
        }
    }
    Ok(Value::Object(members))
}

fn item(item: &Item, bounds: &mut Bounds, depth: usize) -> Result<Option<Value>> {
    Ok(Some(match item {
        Item::None => return Ok(None),
        Item::Value(found) => value(found, bounds, depth)?,
        Item::Table(found) => table(found, bounds, depth)?,
        Item::ArrayOfTables(tables) => {
            bounds.enter(depth)?;
            let inside = depth.saturating_add(1);
            let elements = tables.iter().map(|element| table(element, bounds, inside));
            Value::Array(elements.collect::<Result<_>>()?)
        }
    }))
}

fn value(found: &toml_edit::Value, bounds: &mut Bounds, depth: usize) -> Result<Value> {
    if let toml_edit::Value::InlineTable(inline) = found {
        return table(inline, bounds, depth);
    }
    bounds.enter(depth)?;
    Ok(match found {
        toml_edit::Value::String(text) => Value::String(text.value().clone()),
        toml_edit::Value::Boolean(truth) => Value::Boolean(*truth.value()),
        toml_edit::Value::Integer(number) => {
            // -0 is the one integer whose value does not say how it was written.
            let literal = number.display_repr();
            let spelled = is_json_number(&literal) && literal.parse::<i64>().is_ok();
            Value::Number(if spelled { literal.into_owned() } else { number.value().to_string() })
        }
        toml_edit::Value::Float(number) => {
            let spelled = number.display_repr().replace('_', "");
            let unsigned = spelled.strip_prefix('+').unwrap_or(&spelled);
            match is_json_number(unsigned) {
                true => Value::Number(unsigned.to_owned()),
                false => Value::TomlLiteral(spelled),
            }
        }
        toml_edit::Value::Datetime(moment) => {
            Value::TomlLiteral(moment.display_repr().into_owned())
        }
        toml_edit::Value::Array(array) => {
            let inside = depth.saturating_add(1);
            let elements = array.iter().map(|element| value(element, bounds, inside));
            Value::Array(elements.collect::<Result<_>>()?)
        }
        toml_edit::Value::InlineTable(inline) => table(inline, bounds, depth)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConfigurationError;

    #[test]
    fn every_kind_of_value_has_its_place_in_the_tree() {
        let text = "a = 0xff\nb = 1_000\nc = +1.10\nd = inf\ne = 1979-05-27\nf = -0\n[g]\nh = { i.j = [true, \"k\"] }\n[[l]]\n";
        let expected = Value::object([
            ("a", Value::from(255)),
            ("b", Value::from(1000)),
            ("c", Value::Number("1.10".into())),
            ("d", Value::TomlLiteral("inf".into())),
            ("e", Value::TomlLiteral("1979-05-27".into())),
            ("f", Value::Number("-0".into())),
            (
                "g",
                Value::object([(
                    "h",
                    Value::object([(
                        "i",
                        Value::object([(
                            "j",
                            Value::Array(vec![Value::from(true), Value::from("k")]),
                        )]),
                    )]),
                )]),
            ),
            ("l", Value::Array(vec![Value::empty_object()])),
        ]);
        assert!(read(text).unwrap() == expected);
    }

    #[test]
    fn a_syntax_error_has_line_and_column_and_no_text() {
        for (text, line, column) in [
            ("a = 1\napi_key = sk-1\n", 2, 11),
            ("api_key = \"sk-1\n", 1, 16),
            ("a = 1\napi_key = \"sk-1\"\napi_key = \"sk-1\"\n", 3, 1),
            ("a = 1\0", 1, 5),
        ] {
            let error = read(text).unwrap_err();
            assert!(!format!("{error} {error:?} {error:#?}").contains("sk-1"), "{text:?}");
            let ConfigurationError::Syntax { line: at, column: in_line, .. } = error else {
                panic!("{error}");
            };
            assert_eq!((at, in_line), (line, column), "{text:?}");
        }
    }
}
