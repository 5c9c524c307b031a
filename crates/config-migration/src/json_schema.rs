//! A schema as JSON Schema, for editors and for programs that are not ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::{FieldType, Path, Schema, Segment};

/// The dialect that is spoken.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A path of Unix from its root. No text of JSON ends at a NUL, and every path does.
const ABSOLUTE_PATH: &str = "^/[^\\u0000]*$";

/// One character that Unicode does not call white space.
const NOT_BLANK: &str = "[^\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

impl Schema {
    /// The same in JSON Schema 2020-12: it accepts a document if and only if [`Schema::violations`] finds none in it
    /// (FC-UPGRADE-0001 §10). The same schema always gives the same JSON.
    ///
    /// Secret fields are `writeOnly`, and unknown keys are refused but for the carry tables.
    ///
    /// There is one difference, which JSON Schema has no words for: to it `2.0` is a whole number. To us it is none, as to
    /// TOML.
    pub fn json_schema(&self, title: &str) -> Json {
        let mut root = Node::default();
        for field in &self.fields {
            let node = root.at(&field.path);
            node.types.push(&field.field_type);
            node.required |= field.required;
            node.secret |= field.secret;
        }
        for table in &self.carry_tables {
            root.at(table).carries = true;
        }
        let mut parts = vec![Map::from_iter([("type".to_owned(), json!("object"))])];
        parts.extend(root.types.iter().map(|field_type| of_type(field_type)));
        parts.extend(root.shape(false));
        let mut schema = together(parts);
        schema.insert("$schema".to_owned(), json!(DIALECT));
        schema.insert("title".to_owned(), json!(title));
        Json::Object(schema)
    }
}

/// What a schema says of one place, and of the places inside it.
#[derive(Default)]
struct Node<'schema> {
    /// What it must be: one for every field that is here.
    types: Vec<&'schema FieldType>,
    required: bool,
    secret: bool,
    carries: bool,
    children: BTreeMap<&'schema Segment, Self>,
}

impl<'schema> Node<'schema> {
    fn at(&mut self, path: &'schema Path) -> &mut Self {
        path.segments().iter().fold(self, |node, segment| node.children.entry(segment).or_default())
    }

    /// True if it must be there, be it for what is inside.
    fn is_required(&self) -> bool {
        self.required || self.children.values().any(Self::is_required)
    }

    /// `open` if anything may be around it, because a table there is known as a whole.
    fn schema(&self, open: bool) -> Json {
        let open = open || self.carries || !self.types.is_empty();
        let mut parts: Vec<_> = self.types.iter().map(|field_type| of_type(field_type)).collect();
        parts.extend(self.shape(open));
        let mut schema = together(parts);
        if self.secret {
            schema.insert("writeOnly".to_owned(), json!(true));
        }
        if self.carries {
            let words = "Kept for those who may know it, and not in force.";
            schema.insert("description".to_owned(), json!(words));
        }
        Json::Object(schema)
    }

    /// What must be inside.
    fn shape(&self, open: bool) -> Vec<Map<String, Json>> {
        let mut properties = Map::new();
        let mut elements = Vec::new();
        for (segment, child) in &self.children {
            match segment {
                Segment::Key(key) => {
                    properties.insert(key.clone(), child.schema(open));
                }
                Segment::Index(index) => elements.push((*index, child)),
            }
        }
        let mut parts = vec![self.table(open, properties)];
        parts.push(of_elements(open, &elements));
        parts.retain(|part| !part.is_empty());
        parts
    }

    fn table(&self, open: bool, properties: Map<String, Json>) -> Map<String, Json> {
        let required = self.children.iter().filter(|(_, child)| child.is_required());
        let required: Vec<&str> = required
            .filter_map(|(segment, _)| match segment {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_) => None,
            })
            .collect();
        let mut table = Map::new();
        if !open {
            table.insert("additionalProperties".to_owned(), json!(false));
        }
        if !properties.is_empty() {
            table.insert("properties".to_owned(), Json::Object(properties));
        }
        if !required.is_empty() {
            table.insert("required".to_owned(), json!(required));
        }
        if !open || table.contains_key("required") {
            table.insert("type".to_owned(), json!("object"));
        }
        table
    }
}

/// What must be in an array. Where only known keys may be, there can be none.
fn of_elements(open: bool, elements: &[(usize, &Node<'_>)]) -> Map<String, Json> {
    let mut array = Map::new();
    let needed = elements.iter().filter(|(_, child)| child.is_required());
    let needed = needed.map(|(index, _)| index.saturating_add(1)).max();
    if !open {
        needed.into_iter().for_each(|_| drop(array.insert("not".to_owned(), json!({}))));
        return array;
    }
    let mut items = Vec::new();
    for (index, child) in elements {
        items.resize(*index, json!({}));
        items.push(child.schema(open));
    }
    if !items.is_empty() {
        array.insert("prefixItems".to_owned(), json!(items));
    }
    if let Some(needed) = needed {
        array.insert("minItems".to_owned(), json!(needed));
        array.insert("type".to_owned(), json!("array"));
    }
    array
}

/// All of it at once.
fn together(mut parts: Vec<Map<String, Json>>) -> Map<String, Json> {
    let mut whole = Map::new();
    // What says the same, or is said in another keyword, needs no list.
    parts.retain(|part| {
        // Beside `prefixItems`, `items` is of the rest only.
        let clashes = part.contains_key("prefixItems") && whole.contains_key("items");
        let agrees =
            |(key, value): (&String, &Json)| whole.get(key).is_none_or(|said| said == value);
        let fits = !clashes && part.iter().all(agrees);
        if fits {
            whole.extend(part.clone());
        }
        !fits
    });
    if !parts.is_empty() {
        whole.insert("allOf".to_owned(), json!(parts));
    }
    whole
}

fn of_type(field_type: &FieldType) -> Map<String, Json> {
    let keywords = match field_type {
        FieldType::Boolean => json!({"type": "boolean"}),
        FieldType::String => json!({"type": "string"}),
        FieldType::NotBlank => json!({"type": "string", "pattern": NOT_BLANK}),
        FieldType::Integer { minimum, maximum } => {
            json!({"type": "integer", "minimum": minimum, "maximum": maximum})
        }
        FieldType::OneOf(texts) => {
            let mut texts = texts.clone();
            let mut seen = std::collections::BTreeSet::new();
            texts.retain(|text| seen.insert(text.clone()));
            json!({"type": "string", "enum": texts})
        }
        FieldType::AbsolutePath => json!({"type": "string", "pattern": ABSOLUTE_PATH}),
        FieldType::Strings => json!({"type": "array", "items": {"type": "string"}}),
        FieldType::Table => json!({"type": "object"}),
    };
    match keywords {
        Json::Object(keywords) => keywords,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
