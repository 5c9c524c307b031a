//! A tree to TOML text, without any loss.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table};

use crate::carried::{CARRIED_JSON, Carried, JSON, POSITION};
use crate::{
    Change, ChangeKind, ConfigurationError, Document, DocumentName, Location, Notation, Path,
    Rendered, Result, Secret, Value, carried, json, toml_reader,
};

/// The deepest nesting that is written as TOML; what is deeper is carried as JSON. toml_edit reads 80.
const DEEPEST_IN_TOML: usize = 64;

/// A document as TOML text, and what had to be carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenToml {
    /// The text. It holds the secrets of the document, so it shows nowhere by itself.
    pub text: Secret,
    /// One change for every value that is carried as JSON, and so is not in force.
    pub changes: Vec<Change>,
}

/// Writes a document as TOML, with these lines as comments at its head (FC-UPGRADE-0001 §10).
///
/// The order of keys is kept: an object that stands before a plain value is written with dotted keys (`a.b = 1`), every
/// other as a `[table]`. Numbers keep their spelling. What TOML has no notation for — `null`, integers beyond 64 bits, floats
/// that overflow, arrays that hold one of these, nesting beyond 64 levels — is carried as JSON text in the table
/// [`CARRIED_JSON`], from which [`Document::with_carried_restored`] gives it back; each is reported.
///
/// The text is read back and compared before it is given out. The same document always gives the same bytes.
///
/// # Errors
/// `NotATable` if the document is no object. `TooLarge` and `TooManyValues` if the text grows beyond what would be read.
/// `NotReproduced` if the text does not read back as the document, which is a defect of this crate.
pub fn to_toml(document: &Document, name: DocumentName, header: &[&str]) -> Result<WrittenToml> {
    let Value::Object(members) = document.root() else {
        return Err(ConfigurationError::NotATable { path: Path::root() });
    };
    let mut writer = Writer { carried: Vec::new() };
    let mut output = DocumentMut::new();
    writer.fill(output.as_table_mut(), members, &Path::root(), Form::Headed);
    write_carried(&mut output, &writer.carried);
    let text = with_header(header, &output.to_string());
    let read = carried::restore(&toml_reader::read(&text)?);
    if read.as_ref() != Ok(document.root()) {
        return Err(ConfigurationError::NotReproduced { notation: Notation::Toml });
    }
    let changes = writer.carried.iter().filter_map(|entry| change(document, name, entry)).collect();
    Ok(WrittenToml { text: Secret::new(text), changes })
}

/// The value in TOML, if TOML holds it exactly.
pub(crate) fn exact(value: &Value, depth: usize) -> Option<toml_edit::Value> {
    if depth > DEEPEST_IN_TOML {
        return None;
    }
    let inside = depth.saturating_add(1);
    Some(match value {
        Value::Null => return None,
        Value::Boolean(truth) => toml_edit::Value::from(*truth),
        Value::String(text) => toml_edit::Value::from(text),
        // Parsed, not converted: so the spelling is kept, and what is out of range is told.
        Value::Number(literal) | Value::TomlLiteral(literal) => literal.parse().ok()?,
        Value::Array(elements) => {
            let mut array = Array::new();
            for element in elements {
                array.push(exact(element, inside)?);
            }
            toml_edit::Value::from(array)
        }
        Value::Object(members) => {
            let mut table = InlineTable::new();
            for (key, member) in members {
                table.insert(key, exact(member, inside)?);
            }
            toml_edit::Value::from(table)
        }
    })
}

/// How a table is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `[a.b]`
    Headed,
    /// `a.b.c = …`
    Dotted,
}

struct Writer {
    carried: Vec<Carried>,
}

impl Writer {
    fn fill(&mut self, table: &mut Table, members: &[(String, Value)], path: &Path, form: Form) {
        let depth = path.segments().len().saturating_add(1);
        let is_table = |value: &Value| matches!(value, Value::Object(_)) && depth < DEEPEST_IN_TOML;
        // A key that is named as our own table would be taken for it.
        let clashes = |key: &str| path.is_root() && key == CARRIED_JSON;
        let mut plain: Vec<Option<toml_edit::Value>> = members
            .iter()
            .map(|(key, value)| match clashes(key) || is_table(value) {
                true => None,
                false => exact(value, depth),
            })
            .collect();
        let last_plain = plain.iter().rposition(Option::is_some).unwrap_or(0);
        for (position, ((key, value), plain)) in members.iter().zip(plain.drain(..)).enumerate() {
            let child = path.child(key);
            let item = match (value, plain) {
                (_, Some(plain)) => Item::Value(plain),
                (Value::Object(inner), None) if is_table(value) && !clashes(key) => {
                    let headed = form == Form::Headed && position >= last_plain;
                    let form = if headed { Form::Headed } else { Form::Dotted };
                    self.table(inner, &child, form)
                }
                _ => {
                    self.carry(child, position, value);
                    continue;
                }
            };
            table.insert(key, item);
        }
    }

    fn table(&mut self, members: &[(String, Value)], path: &Path, form: Form) -> Item {
        let mut table = Table::new();
        self.fill(&mut table, members, path, form);
        match form {
            // Dotted keys of an empty table would leave no trace of it.
            Form::Dotted if table.is_empty() => Item::Value(InlineTable::new().into()),
            Form::Dotted => {
                table.set_dotted(true);
                Item::Table(table)
            }
            Form::Headed => {
                // A header that only repeats the beginning of the next is left out.
                let headed = |item: &Item| matches!(item, Item::Table(inner) if !inner.is_dotted());
                let superfluous = !table.is_empty() && table.iter().all(|(_, item)| headed(item));
                table.set_implicit(superfluous);
                Item::Table(table)
            }
        }
    }

    fn carry(&mut self, path: Path, position: usize, value: &Value) {
        // Only TOML literals have no JSON, and each of them is exact in TOML, unless an array holds both: then the text of
        // the literal is missing, which the comparison at the end refuses.
        let json = json::write_compact(value).unwrap_or_default();
        self.carried.push(Carried { path, position, json });
    }
}

fn write_carried(output: &mut DocumentMut, carried: &[Carried]) {
    if carried.is_empty() {
        return;
    }
    let mut table = Table::new();
    let comment =
        "\n# Values that TOML cannot hold exactly, as JSON. They are kept, and not in force.\n";
    table.decor_mut().set_prefix(comment);
    for entry in carried {
        let mut inline = InlineTable::new();
        inline.insert(POSITION, i64::try_from(entry.position).unwrap_or(i64::MAX).into());
        inline.insert(JSON, entry.json.as_str().into());
        table.insert(&entry.path.to_string(), Item::Value(inline.into()));
    }
    output.insert(CARRIED_JSON, Item::Table(table));
}

fn with_header(header: &[&str], body: &str) -> String {
    let mut text = String::new();
    for line in header.iter().flat_map(|line| line.split('\n')) {
        text.push('#');
        text.push_str(if line.is_empty() { "" } else { " " });
        // TOML allows no control characters in comments.
        text.extend(line.chars().map(|character| match character.is_control() {
            true => ' ',
            false => character,
        }));
        text.push('\n');
    }
    if !header.is_empty() && !body.is_empty() && !body.starts_with('\n') {
        text.push('\n');
    }
    text.push_str(body);
    text
}

fn change(document: &Document, name: DocumentName, entry: &Carried) -> Option<Change> {
    let value = document.get(&entry.path)?;
    let secrets = document.secrets();
    let rendered = Rendered::of(value, &entry.path, secrets);
    let shown = secrets.shown(&entry.path);
    let kept = Path::keys([CARRIED_JSON]).child(&shown.to_string());
    Some(Change {
        kind: ChangeKind::Carried,
        from: Some(Location { document: name, path: shown }),
        to: Some(Location { document: name, path: kept }),
        before: Some(rendered.clone()),
        after: Some(rendered),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretPaths;

    fn written(json: &str) -> WrittenToml {
        let document = Document::from_json(json, SecretPaths::new([["secret"]])).unwrap();
        to_toml(&document, DocumentName::Configuration, &["Head"]).unwrap()
    }

    #[test]
    fn tables_follow_plain_values_and_numbers_keep_their_spelling() {
        let json = r#"{"n":1.10,"e":1e5,"a":{"b":{"c":[1,{"d":2}]},"x":{}},"t":{"y":true}}"#;
        let expected =
            "# Head\n\nn = 1.10\ne = 1e5\n\n[a.b]\nc = [1, { d = 2 }]\n\n[a.x]\n\n[t]\ny = true\n";
        assert_eq!(written(json).text.expose(), expected);
        assert!(written(json).changes.is_empty());
    }

    #[test]
    fn the_order_of_keys_is_kept_by_dotted_keys() {
        let json = r#"{"a":{"b":{"c":1},"d":{}},"e":2,"f":{}}"#;
        let expected = "# Head\n\na.b.c = 1\na.d = {}\ne = 2\n\n[f]\n";
        assert_eq!(written(json).text.expose(), expected);
    }

    #[test]
    fn what_toml_cannot_hold_is_carried_and_reported() {
        let json = r#"{"a":null,"b":{"c":18446744073709551616,"d":1,"e":[1,null],"f g":1e999},
            "secret":{"hidden":null},"carried_json":1}"#;
        let output = written(json);
        let expected = r##"# Head

[b]
d = 1

[secret]

# Values that TOML cannot hold exactly, as JSON. They are kept, and not in force.
[carried_json]
a = { position = 0, json = "null" }
"b.c" = { position = 0, json = "18446744073709551616" }
"b.e" = { position = 2, json = "[1,null]" }
'b."f g"' = { position = 3, json = "1e999" }
"secret.hidden" = { position = 0, json = "null" }
carried_json = { position = 3, json = "1" }
"##;
        assert_eq!(output.text.expose(), expected);
        let report: Vec<String> = output.changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            report,
            [
                "carried a to carried_json.a: null",
                "carried b.c to carried_json.\"b.c\": 18446744073709551616",
                "carried b.e to carried_json.\"b.e\": [1,null]",
                "carried b.\"f g\" to carried_json.\"b.\\\"f g\\\"\": 1e999",
                "carried secret to carried_json.secret: [secret]",
                "carried carried_json to carried_json.carried_json: 1",
            ]
        );
    }

    #[test]
    fn a_header_cannot_break_out_of_its_comment() {
        let document = Document::new(Value::empty_object(), SecretPaths::none());
        let output = to_toml(&document, DocumentName::Secrets, &["a\nb\r\0", ""]).unwrap();
        assert_eq!(output.text.expose(), "# a\n# b  \n#\n");
    }

    #[test]
    fn a_document_that_is_no_table_is_refused() {
        let document = Document::from_json("[1]", SecretPaths::none()).unwrap();
        let error = to_toml(&document, DocumentName::Configuration, &[]).unwrap_err();
        assert_eq!(error, ConfigurationError::NotATable { path: Path::root() });
    }
}
