//! The part of JSON Schema (draft 2020-12) that `docs/schemas/cli` is written in. Any other keyword is a mistake.

use regex_lite::Regex;
use serde_json::{Map, Value};

/// A schema, with what it defines.
pub(crate) struct Schema(Value);

impl Schema {
    /// A schema of which every keyword is known.
    pub(crate) fn of(document: Value) -> Result<Self, String> {
        check_keywords(&document)?;
        Ok(Self(document))
    }

    /// Everything that is wrong with a value, each with the place that it is wrong at.
    pub(crate) fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.hold(&self.0, value, "", &mut faults);
        faults
    }

    fn hold(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let Value::Object(keywords) = schema else {
            if schema == &Value::Bool(false) {
                faults.push(format!("{at}: nothing may be there"));
            }
            return;
        };
        for (keyword, wanted) in keywords {
            self.keyword((keyword, wanted), keywords, (value, at), faults);
        }
    }

    fn keyword(
        &self,
        (keyword, wanted): (&str, &Value),
        all: &Map<String, Value>,
        (value, at): (&Value, &str),
        faults: &mut Vec<String>,
    ) {
        let mut require = |held: bool| {
            if !held {
                faults.push(format!("{at}: {value} is not {keyword} {wanted}"));
            }
        };
        let number = |value: &Value| value.as_f64();
        let longest = |count: Option<usize>, no_more: bool| {
            let wanted = wanted.as_u64().unwrap() as usize;
            count.is_none_or(|count| if no_more { count <= wanted } else { count >= wanted })
        };
        match keyword {
            "const" => require(value == wanted),
            "enum" => require(wanted.as_array().unwrap().contains(value)),
            "type" => require(is_of(value, wanted)),
            "minimum" => require(number(value) >= number(wanted) || number(value).is_none()),
            "maximum" => require(number(value) <= number(wanted) || number(value).is_none()),
            "minItems" => require(longest(value.as_array().map(Vec::len), false)),
            "maxItems" => require(longest(value.as_array().map(Vec::len), true)),
            "maxProperties" => require(longest(value.as_object().map(Map::len), true)),
            "pattern" => {
                let pattern = Regex::new(wanted.as_str().unwrap()).unwrap();
                require(value.as_str().is_none_or(|text| pattern.is_match(text)));
            }
            "required" => {
                let names = wanted.as_array().unwrap().iter().filter_map(Value::as_str);
                let missing =
                    |name: &&str| value.as_object().is_some_and(|it| !it.contains_key(*name));
                names.filter(missing).for_each(|name| faults.push(format!("{at}: no {name}")));
            }
            "$ref" => {
                let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                self.hold(&self.0["$defs"][name], value, at, faults);
            }
            "anyOf" | "oneOf" => {
                let ways: Vec<Vec<String>> = wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|way| {
                        let mut faults = Vec::new();
                        self.hold(way, value, at, &mut faults);
                        faults
                    })
                    .collect();
                let held = ways.iter().filter(|faults| faults.is_empty()).count();
                if held == 0 || (keyword == "oneOf" && held > 1) {
                    let nearest = ways.iter().min_by_key(|faults| faults.len());
                    faults.push(format!(
                        "{at}: {held} ways of {keyword} hold; the nearest: {nearest:?}"
                    ));
                }
            }
            "properties" => {
                for (name, schema) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        self.hold(schema, value, &format!("{at}/{name}"), faults);
                    }
                }
            }
            "additionalProperties" => {
                let known = all.get("properties").and_then(Value::as_object);
                let of = |name: &str| known.is_some_and(|known| known.contains_key(name));
                for (name, value) in
                    value.as_object().into_iter().flatten().filter(|(name, _)| !of(name))
                {
                    self.hold(wanted, value, &format!("{at}/{name}"), faults);
                }
            }
            "prefixItems" => {
                for (place, (schema, value)) in wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .zip(value.as_array().into_iter().flatten())
                    .enumerate()
                {
                    self.hold(schema, value, &format!("{at}/{place}"), faults);
                }
            }
            "items" => {
                let before = all.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                for (place, value) in
                    value.as_array().into_iter().flatten().enumerate().skip(before)
                {
                    self.hold(wanted, value, &format!("{at}/{place}"), faults);
                }
            }
            // What describes, and what is looked up.
            _ => {}
        }
    }
}

fn is_of(value: &Value, wanted: &Value) -> bool {
    let names = match wanted {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => vec![name.as_str().unwrap()],
    };
    names.into_iter().any(|name| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_i64().is_some() || value.as_u64().is_some(),
        other => panic!("{other} is no type"),
    })
}

const KEYWORDS: [&str; 23] = [
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "pattern",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "prefixItems",
    "anyOf",
    "oneOf",
    "default",
];

/// Where a keyword is not known, nothing would be held to it.
fn check_keywords(schema: &Value) -> Result<(), String> {
    let Value::Object(keywords) = schema else { return Ok(()) };
    for (keyword, wanted) in keywords {
        if !KEYWORDS.contains(&keyword.as_str()) {
            return Err(format!("{keyword} is no keyword that is used here"));
        }
        match (keyword.as_str(), wanted) {
            ("properties" | "$defs", Value::Object(all)) => {
                all.values().try_for_each(check_keywords)?;
            }
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(all)) => {
                all.iter().try_for_each(check_keywords)?;
            }
            ("items" | "additionalProperties", schema) => check_keywords(schema)?,
            _ => {}
        }
    }
    Ok(())
}

/// Each keyword refuses something, and lets something pass.
#[test]
fn every_keyword_is_held_to() {
    use serde_json::json;
    let cases = [
        (json!({"const": 1}), json!(1), json!(2)),
        (json!({"enum": ["a", "b"]}), json!("b"), json!("c")),
        (json!({"type": "integer"}), json!(3), json!(3.5)),
        (json!({"type": ["string", "null"]}), json!(null), json!(1)),
        (json!({"minimum": 1}), json!(1), json!(0)),
        (json!({"maximum": 1}), json!(1), json!(2)),
        (json!({"minItems": 1}), json!([1]), json!([])),
        (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
        (json!({"maxProperties": 0}), json!({}), json!({"a": 1})),
        (json!({"pattern": "^a+$"}), json!("aa"), json!("ab")),
        (json!({"required": ["a"]}), json!({"a": 1}), json!({})),
        (json!({"properties": {"a": {"const": 1}}}), json!({"a": 1}), json!({"a": 2})),
        (
            json!({"properties": {"a": {}}, "additionalProperties": false}),
            json!({"a": 1}),
            json!({"b": 1}),
        ),
        (json!({"items": {"type": "string"}}), json!(["a"]), json!([1])),
        (json!({"prefixItems": [{"const": 1}], "items": false}), json!([1]), json!([1, 2])),
        (json!({"anyOf": [{"const": 1}, {"const": 2}]}), json!(2), json!(3)),
        (json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}), json!(1), json!(2)),
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {"const": 1}}}), json!(1), json!(2)),
    ];
    for (schema, good, bad) in cases {
        let held = Schema::of(schema.clone()).unwrap();
        assert_eq!(held.faults(&good), Vec::<String>::new(), "{schema}");
        assert!(!held.faults(&bad).is_empty(), "{schema} lets {bad} pass");
    }
    assert!(Schema::of(json!({"properties": {"a": {"minimun": 1}}})).is_err());
}
