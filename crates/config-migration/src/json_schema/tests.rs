mod checker;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

use super::*;
use crate::{Document, Field, SecretPaths, Value};

/// Everything that a schema can say, once.
fn example() -> Schema {
    Schema::new([
        Field::required(["schema"], FieldType::Integer { minimum: 2, maximum: 2 }),
        Field::required(["logging", "level"], FieldType::one_of(["info", "debug", "info"])),
        Field::optional(["storage", "path"], FieldType::AbsolutePath),
        Field::optional(["model", "key"], FieldType::String).secret(),
        Field::optional(["model", "name"], FieldType::NotBlank),
        Field::optional(["tags"], FieldType::Strings),
        Field::optional(["quiet"], FieldType::Boolean),
        Field::optional(["extra"], FieldType::Table),
    ])
    .carrying("carried")
}

#[test]
fn every_kind_of_field_has_its_words() {
    let kept = "Kept for those who may know it, and not in force.";
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An example",
        "type": "object",
        "additionalProperties": false,
        "required": ["logging", "schema"],
        "properties": {
            "carried": {"description": kept},
            "carried_json": {"description": kept},
            "extra": {"type": "object"},
            "logging": {
                "type": "object",
                "additionalProperties": false,
                "required": ["level"],
                "properties": {"level": {"type": "string", "enum": ["info", "debug"]}},
            },
            "model": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "key": {"type": "string", "writeOnly": true},
                    "name": {"type": "string", "pattern": NOT_BLANK},
                },
            },
            "quiet": {"type": "boolean"},
            "schema": {"type": "integer", "minimum": 2, "maximum": 2},
            "storage": {
                "type": "object",
                "additionalProperties": false,
                "properties": {"path": {"type": "string", "pattern": "^/[^\\u0000]*$"}},
            },
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    });
    assert_eq!(example().json_schema("An example"), expected);
}

/// The document as another program would see it.
fn instance(value: &Value) -> Json {
    let text = Document::new(value.clone(), SecretPaths::none()).to_json().unwrap();
    serde_json::from_str(text.expose()).unwrap()
}

fn accepts(schema: &Schema, value: &Value) -> (bool, bool) {
    let ours = schema.violations(&Document::new(value.clone(), SecretPaths::none())).is_empty();
    (ours, checker::is_valid(&schema.json_schema(""), &instance(value)))
}

#[test]
fn every_character_that_is_white_space_is_so_to_both() {
    let schema = Schema::new([Field::required(["a"], FieldType::NotBlank)]);
    let exported = schema.json_schema("");
    for character in '\0'..='\u{ffff}' {
        let found = checker::is_valid(&exported, &json!({"a": character.to_string()}));
        assert_eq!(found, !character.is_whitespace(), "{character:?}");
    }
}

#[test]
fn a_whole_number_with_a_point_is_the_one_difference() {
    let schema =
        Schema::new([Field::required(["a"], FieldType::Integer { minimum: 0, maximum: 9 })]);
    let with = |literal: &str| Value::object([("a", Value::Number(literal.to_owned()))]);
    assert_eq!(accepts(&schema, &with("2.0")), (false, true));
    for (literal, expected) in [("2", true), ("-0", true), ("2.5", false), ("10", false)] {
        assert_eq!(accepts(&schema, &with(literal)), (expected, expected), "{literal}");
    }
}

const KEYS: [&str; 4] = ["a", "b", "c", "carried"];

fn path() -> impl Strategy<Value = Path> {
    let segment = prop_oneof![
        12 => select(KEYS.to_vec()).prop_map(|key| Segment::Key(key.to_owned())),
        1 => (0_usize..2).prop_map(Segment::Index),
    ];
    prop::collection::vec(segment, 0..3).prop_flat_map(|rest| {
        select(KEYS.to_vec()).prop_map(move |first| {
            rest.iter().fold(Path::from([first]), |path, segment| match segment {
                Segment::Key(key) => path.child(key),
                Segment::Index(index) => path.element(*index),
            })
        })
    })
}

fn field_type() -> impl Strategy<Value = FieldType> {
    let bound = || prop_oneof![-2_i64..3, Just(i64::MIN), Just(i64::MAX)];
    prop_oneof![
        Just(FieldType::Boolean),
        Just(FieldType::String),
        Just(FieldType::NotBlank),
        (bound(), bound()).prop_map(|(one, other)| FieldType::Integer {
            minimum: one.min(other),
            maximum: one.max(other),
        }),
        prop::collection::vec("[a-c]{0,2}", 0..4).prop_map(FieldType::OneOf),
        Just(FieldType::AbsolutePath),
        Just(FieldType::Strings),
        Just(FieldType::Table),
    ]
}

fn schema() -> impl Strategy<Value = Schema> {
    let field = (path(), field_type(), any::<bool>(), any::<bool>()).prop_map(
        |(path, field_type, required, secret)| {
            let field = Field::optional(path, field_type);
            let field = Field { required, ..field };
            if secret { field.secret() } else { field }
        },
    );
    (prop::collection::vec(field, 0..5), any::<bool>()).prop_map(|(fields, carries)| {
        let schema = Schema::new(fields);
        if carries { schema.carrying("carried") } else { schema }
    })
}

/// Any value that JSON Schema sees as we do: no whole number is written with a point or an exponent.
fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        (-3_i64..4).prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        (-3_i64..4, "[0-9]{0,3}[1-9]").prop_map(|(whole, rest)| format!("{whole}.{rest}")),
        select(vec!["-0", "9223372036854775808", "18446744073709551616"]).prop_map(str::to_owned),
    ];
    let text = prop_oneof![
        "[a-c]{0,2}",
        select(vec!["", " \u{3000}\u{85}", "\u{feff}", "/", "/a\n", "/a\0", "\n/a", "//\u{1f980}"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(Value::Number),
        text.prop_map(Value::String),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let member = (select(KEYS.to_vec()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::Array),
            prop::collection::vec(member, 0..3).prop_map(|members| {
                let members: BTreeMap<_, _> = members.into_iter().collect();
                Value::object(members)
            }),
        ]
    })
}

/// A value that the type accepts, if it accepts any.
fn good(field_type: &FieldType) -> Value {
    match field_type {
        FieldType::Boolean => Value::from(true),
        FieldType::String => Value::from(""),
        FieldType::NotBlank => Value::from(" x"),
        FieldType::Integer { minimum, .. } => Value::from(*minimum),
        FieldType::OneOf(texts) => Value::from(texts.last().map_or("", String::as_str)),
        FieldType::AbsolutePath => Value::from("/x"),
        FieldType::Strings => Value::Array(vec![Value::from("x")]),
        FieldType::Table => Value::empty_object(),
    }
}

/// Values that the type only just refuses, or only just accepts.
fn near(field_type: &FieldType) -> Vec<Value> {
    match field_type {
        FieldType::Integer { minimum, maximum } => {
            let bounds = [i128::from(*minimum) - 1, i128::from(*maximum) + 1, i128::from(*maximum)];
            // What 64 bits do not hold is rounded by whoever reads it as a float.
            let whole = bounds.iter().filter_map(|bound| i64::try_from(*bound).ok());
            whole.map(Value::from).chain([Value::Number("0.5".to_owned())]).collect()
        }
        FieldType::OneOf(texts) => {
            texts.iter().map(|text| format!("{text}a").as_str().into()).collect()
        }
        FieldType::AbsolutePath => vec!["x/".into(), "/x\0".into(), "/\n".into()],
        FieldType::NotBlank => vec!["\u{2003}".into(), "\u{200b}".into()],
        FieldType::Strings => {
            vec![Value::Array(vec!["x".into(), 1.into()]), Value::Array(Vec::new())]
        }
        FieldType::Boolean | FieldType::String | FieldType::Table => vec![Value::Null],
    }
}

/// The value with another at this place, or with none. What is in the way is replaced.
fn with(value: Option<&Value>, path: &[Segment], new: Option<&Value>) -> Option<Value> {
    let Some((first, rest)) = path.split_first() else { return new.cloned() };
    match first {
        Segment::Key(key) => {
            let mut members: Vec<_> = value.and_then(Value::members).unwrap_or_default().to_vec();
            let inner = members.iter().find(|(name, _)| name == key).map(|(_, inner)| inner);
            let inner = with(inner, rest, new);
            members.retain(|(name, _)| name != key);
            members.extend(inner.map(|inner| (key.clone(), inner)));
            Some(Value::Object(members))
        }
        Segment::Index(index) => {
            let mut elements = match value {
                Some(Value::Array(elements)) => elements.clone(),
                _ => Vec::new(),
            };
            elements.resize(elements.len().max(index + 1), Value::from("filler"));
            elements[*index] = with(elements.get(*index), rest, new).unwrap_or(Value::Null);
            Some(Value::Array(elements))
        }
    }
}

fn places(value: &Value, path: &Path, found: &mut Vec<Path>) {
    found.push(path.clone());
    for (key, member) in value.members().unwrap_or_default() {
        places(member, &path.child(key), found);
    }
    if let Value::Array(elements) = value {
        for (index, element) in elements.iter().enumerate() {
            places(element, &path.element(index), found);
        }
    }
}

#[derive(Debug, Clone)]
enum Mutation {
    Remove(Index),
    Set(Index, Value),
    Add(Index, &'static str, Value),
    /// A field, and which of the values that are near.
    Near(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        any::<Index>().prop_map(Mutation::Remove),
        (any::<Index>(), value()).prop_map(|(at, value)| Mutation::Set(at, value)),
        (any::<Index>(), select(KEYS.to_vec()), value())
            .prop_map(|(at, key, value)| Mutation::Add(at, key, value)),
        (any::<Index>(), any::<Index>()).prop_map(|(field, which)| Mutation::Near(field, which)),
    ]
}

fn mutated(schema: &Schema, value: &Value, mutation: &Mutation) -> Value {
    let mut found = Vec::new();
    places(value, &Path::root(), &mut found);
    let changed = match mutation {
        Mutation::Remove(at) => with(Some(value), at.get(&found).segments(), None),
        Mutation::Set(at, new) => with(Some(value), at.get(&found).segments(), Some(new)),
        Mutation::Add(at, key, new) => {
            with(Some(value), at.get(&found).child(key).segments(), Some(new))
        }
        Mutation::Near(field, which) => {
            let field = schema.fields.get(field.index(schema.fields.len().max(1)));
            let near = field.map(|field| (field, near(&field.field_type)));
            let near = near.filter(|(_, values)| !values.is_empty());
            near.map_or_else(
                || Some(value.clone()),
                |(field, values)| {
                    with(Some(value), field.path.segments(), Some(which.get(&values)))
                },
            )
        }
    };
    changed.unwrap_or_else(Value::empty_object)
}

/// Valid, if the fields leave each other room, and then changed in a few places.
fn case() -> impl Strategy<Value = (Schema, Value)> {
    let chosen = prop::collection::vec(prop::bool::weighted(0.8), 5);
    (schema(), chosen, prop::collection::vec(mutation(), 0..3)).prop_map(
        |(schema, chosen, mutations)| {
            let there = schema.fields.iter().zip(chosen);
            let there = there.filter(|(field, chosen)| field.required || *chosen);
            let document = there.fold(Value::empty_object(), |value, (field, _)| {
                let new = good(&field.field_type);
                with(Some(&value), field.path.segments(), Some(&new)).unwrap()
            });
            let document = mutations.iter().fold(document, |value, m| mutated(&schema, &value, m));
            (schema, document)
        },
    )
}

/// Compares both, for a schema that is exported with this change, and counts the documents that are accepted and refused.
fn compared(
    configuration: ProptestConfig,
    change: impl Fn(&mut Json),
) -> Result<(u32, u32), proptest::test_runner::TestError<(Schema, Value)>> {
    let mut runner = TestRunner::new(configuration);
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    runner.run(&case(), |(schema, document)| {
        let mut exported = schema.json_schema("");
        change(&mut exported);
        let (ours, instance) = (accepts(&schema, &document).0, instance(&document));
        let theirs = checker::is_valid(&exported, &instance);
        prop_assert_eq!(ours, theirs, "{} {}", exported, instance);
        let count = if ours { &accepted } else { &refused };
        count.set(count.get() + 1);
        Ok(())
    })?;
    Ok((accepted.get(), refused.get()))
}

// trace: test FC-10.1.3
#[test]
fn both_accept_and_refuse_the_same_documents() {
    let source_file = Some(file!());
    let configuration = ProptestConfig { cases: 5000, source_file, ..ProptestConfig::default() };
    let (accepted, refused) = compared(configuration, |_| {}).unwrap();
    // A comparison of nothing but refusals would compare little.
    assert!(accepted > 1000 && refused > 1000, "{accepted} accepted, {refused} refused");
}

/// Takes a keyword out, wherever it is.
fn without(schema: &mut Json, keyword: &str) {
    match schema {
        Json::Object(members) => {
            members.remove(keyword);
            members.values_mut().for_each(|member| without(member, keyword));
        }
        Json::Array(elements) => {
            elements.iter_mut().for_each(|element| without(element, keyword));
        }
        _ => {}
    }
}

#[test]
fn a_keyword_that_is_forgotten_is_noticed() {
    for keyword in [
        "type",
        "enum",
        "minimum",
        "maximum",
        "pattern",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "allOf",
    ] {
        let configuration = ProptestConfig {
            cases: 5000,
            failure_persistence: None,
            max_shrink_iters: 0,
            ..ProptestConfig::default()
        };
        assert!(compared(configuration, |schema| without(schema, keyword)).is_err(), "{keyword}");
    }
}
