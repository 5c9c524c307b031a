//! Random configurations of 1.0.x, and edits of what becomes of them.

use std::collections::BTreeSet;

use config_migration::{Path, Value};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use upgrade::Files;

use super::super::{CARRY_TABLE, SECRETS_FILE};
use crate::json_configuration::LEVELS;

/// What 1.0.x knows of each of its sections.
const KNOWN: [(&str, &[&str]); 3] =
    [("brain", &["backend", "model", "api_key"]), ("logging", &["level"]), ("storage", &["path"])];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 .:/\u{e9}-]{1,12}",
        any::<String>(),
        select(vec![
            "",
            "'''\"\"\"",
            "\r\n",
            "\0",
            "\u{7f}\u{85}\u{2028}\u{feff}",
            "#",
            "\\",
            "\u{1f980}"
        ])
        .prop_map(str::to_owned),
    ]
}

fn key() -> impl Strategy<Value = String> {
    let odd = vec![
        "",
        ".",
        "a.b",
        "\"",
        "'",
        "carried_json",
        "position",
        "schema",
        "adopted_from",
        "telemetry",
        "level",
        "secrets",
        "brain",
        "\u{fc}ber",
        "a\nb",
        "[a]",
    ];
    prop_oneof!["[a-z]{1,4}", select(odd).prop_map(str::to_owned), any::<String>()]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?",
        select(vec!["1.10", "1e5", "-0", "-0.0", "1E400"]).prop_map(str::to_owned),
    ]
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((key(), value), 0..4).prop_map(|members| Value::Object(distinct(members)))
}

fn distinct(mut members: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut seen = BTreeSet::new();
    members.retain(|(key, _)| seen.insert(key.clone()));
    members
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::Number),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            object(inner),
        ]
    })
}

fn backend() -> impl Strategy<Value = String> {
    text().prop_map(|text| if text.trim().is_empty() { format!("{text}x") } else { text })
}

fn api_key() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("sk-NOT{text}"))
}

fn absolute() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("/{}", text.replace('\0', "")))
}

fn level() -> impl Strategy<Value = String> {
    select(LEVELS.to_vec()).prop_map(str::to_owned)
}

/// A setting that may be missing, and may be `null` where 1.0.x writes that.
fn setting(
    name: &'static str,
    value: impl Strategy<Value = String>,
    null: bool,
) -> impl Strategy<Value = Option<(String, Value)>> {
    let value =
        (value, prop::bool::weighted(0.2)).prop_map(move |(text, unset)| match unset && null {
            true => Value::Null,
            false => Value::String(text),
        });
    prop::option::weighted(0.7, value.prop_map(|value| (name.to_owned(), value)))
}

/// A section with these settings and others, in any order.
fn section(
    index: usize,
    settings: impl Strategy<Value = Vec<Option<(String, Value)>>>,
) -> impl Strategy<Value = Option<(String, Value)>> {
    let (name, known) = KNOWN[index];
    let others = prop::collection::vec((key(), value()), 0..3);
    let members = (settings, others).prop_map(move |(settings, mut others)| {
        others.retain(|(key, _)| !known.contains(&key.as_str()));
        distinct(settings.into_iter().flatten().chain(others).collect())
    });
    let section =
        members.prop_shuffle().prop_map(|members| (name.to_owned(), Value::Object(members)));
    prop::option::weighted(0.8, section)
}

/// The object of a configuration that 1.0.x takes.
fn old_root() -> impl Strategy<Value = Value> {
    let brain = (
        setting("backend", backend(), false),
        setting("model", text(), true),
        setting("api_key", api_key(), true),
    );
    let brain = section(0, brain.prop_map(|(backend, model, key)| vec![backend, model, key]));
    let logging = section(1, setting("level", level(), false).prop_map(|level| vec![level]));
    let storage = section(2, setting("path", absolute(), false).prop_map(|path| vec![path]));
    let carried = object(value()).prop_map(|table| (CARRY_TABLE.to_owned(), table));
    let carried = prop::option::weighted(0.2, carried);
    let others = prop::collection::vec((key(), value()), 0..4);
    let members = (brain, logging, storage, carried, others).prop_map(
        |(brain, logging, storage, carried, mut others)| {
            let is_free =
                |key: &str| key != CARRY_TABLE && KNOWN.iter().all(|(name, _)| *name != key);
            others.retain(|(key, _)| is_free(key));
            let sections = [brain, logging, storage, carried].into_iter().flatten();
            distinct(sections.chain(others).collect())
        },
    );
    members.prop_shuffle().prop_map(Value::Object)
}

/// The JSON of a value, with these blanks wherever blanks may be.
fn json(value: &Value, blank: &str, text: &mut String) {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    match value {
        Value::Null => text.push_str("null"),
        Value::Boolean(truth) => text.push_str(&truth.to_string()),
        Value::Number(literal) | Value::TomlLiteral(literal) => text.push_str(literal),
        Value::String(string) => text.push_str(&quoted(string)),
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                text.push_str(blank);
                json(element, blank, text);
            }
            text.push_str(blank);
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                text.push_str(blank);
                text.push_str(&quoted(key));
                text.push_str(blank);
                text.push(':');
                json(member, blank, text);
            }
            text.push_str(blank);
            text.push('}');
        }
    }
}

/// The files of 1.0.x: one configuration, or none.
pub(super) fn old_files() -> impl Strategy<Value = Files> {
    let blank = select(vec!["", " ", "\n\t", "\r\n  "]);
    let name = select(vec!["config.json", "config/config.json"]);
    let one = (old_root(), blank, name).prop_map(|(root, blank, name)| {
        let mut text = blank.to_owned();
        json(&root, blank, &mut text);
        Files::from([(name.to_owned(), text.into_bytes())])
    });
    prop_oneof![1 => Just(Files::new()), 30 => one]
}

/// Where something is that no schema knows.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Whether 1.0.x itself had it in a table with the name of the carry table.
    own: bool,
    keys: Vec<String>,
}

impl Place {
    fn child(&self, key: &str) -> Self {
        let keys = self.keys.iter().cloned().chain([key.to_owned()]).collect();
        Self { own: self.own, keys }
    }

    /// Where 1.0.x has it.
    pub(super) fn older(&self) -> Vec<&str> {
        self.own
            .then_some(CARRY_TABLE)
            .into_iter()
            .chain(self.keys.iter().map(String::as_str))
            .collect()
    }

    /// Where the newer schemas have it.
    pub(super) fn newer(&self) -> Vec<&str> {
        [CARRY_TABLE].into_iter().chain(self.keys.iter().map(String::as_str)).collect()
    }
}

/// Everything that 1.0.x does not know.
pub(super) fn unknown(root: &Value) -> Vec<(Place, Value)> {
    let mut found = Vec::new();
    for (key, value) in root.members().unwrap() {
        let place = Place { own: false, keys: vec![key.clone()] };
        match KNOWN.iter().find(|(name, _)| name == key) {
            Some((_, known)) => {
                let others = value.members().unwrap().iter();
                let others = others.filter(|(key, _)| !known.contains(&key.as_str()));
                found.extend(others.map(|(key, value)| (place.child(key), value.clone())));
            }
            None if key == CARRY_TABLE => {
                leaves(&Place { own: true, keys: Vec::new() }, value, &mut found);
            }
            None => found.push((place, value.clone())),
        }
    }
    found
}

/// What else is carried goes into the same tables, so only what is no table stays as it is.
fn leaves(place: &Place, value: &Value, found: &mut Vec<(Place, Value)>) {
    match value.members() {
        Some(members) => {
            members.iter().for_each(|(key, member)| leaves(&place.child(key), member, found));
        }
        None => found.push((place.clone(), value.clone())),
    }
}

/// What somebody edits.
#[derive(Debug, Clone, Default)]
pub(super) struct Edits {
    /// Backend, model, key, level and old place of the store: another value, or none any more.
    pub(super) settings: [Option<Option<String>>; 5],
    changed: Option<(Index, Option<Value>)>,
    added: Option<(Place, Value)>,
}

impl Edits {
    /// The edits of what is carried.
    pub(super) fn unknown(&self, places: &[Place]) -> Vec<(Place, Option<Value>)> {
        let changed = self.changed.as_ref().filter(|_| !places.is_empty());
        let changed = changed.map(|(at, value)| (at.get(places).clone(), value.clone()));
        // What is added takes the place of nothing.
        let in_the_way = |added: &Place| {
            places.iter().any(|place| place.own && added.keys.starts_with(&place.keys))
        };
        let added = self.added.as_ref().filter(|(place, _)| !in_the_way(place));
        let added = added.map(|(place, value)| (place.clone(), Some(value.clone())));
        changed.into_iter().chain(added).collect()
    }
}

pub(super) fn edits() -> impl Strategy<Value = Edits> {
    let set = |value: BoxedStrategy<String>| prop::option::of(value.prop_map(Some));
    let set_or_unset =
        |value: BoxedStrategy<String>| prop::option::of(prop::option::weighted(0.6, value));
    let settings = (
        set(backend().boxed()),
        set_or_unset(text().boxed()),
        set_or_unset(api_key().boxed()),
        set(level().boxed()),
        set_or_unset(absolute().boxed()),
    );
    let settings =
        settings.prop_map(|(backend, model, key, level, path)| [backend, model, key, level, path]);
    let within = select(vec![None, Some("brain"), Some("logging"), Some("storage")]);
    let added = (within, "new-[a-z]{1,4}", value()).prop_map(|(section, key, value)| {
        let keys = section.map(str::to_owned).into_iter().chain([key]).collect();
        (Place { own: false, keys }, value)
    });
    let changed = (any::<Index>(), prop::option::weighted(0.7, value()));
    (settings, prop::option::of(changed), prop::option::of(added))
        .prop_map(|(settings, changed, added)| Edits { settings, changed, added })
}

/// One change of a text by hand.
#[derive(Debug, Clone)]
pub(super) enum Stroke {
    Remove(Index),
    Insert(Index, &'static str),
    Repeat(Index, Index),
}

const LINES: [&str; 14] = [
    "model = 'm'",
    "brain.model = 'm'",
    "storage.adopted_from = '/x'",
    "adopted_from = 'x'",
    "level = 'warn'",
    "[storage]",
    "[carried]",
    "[carried.brain]",
    "[carried.new.table]",
    "carried.x.y = 0x10",
    "z = [ 1, # one\n 2 ]",
    "since = 1979-05-27",
    "[carried_json]",
    "'carried.n' = { position = 0, json = 'null' }",
];

impl Stroke {
    /// Secrets are left alone but for lines that come or go.
    pub(super) fn is_for(&self, name: &str) -> bool {
        name != SECRETS_FILE || matches!(self, Self::Remove(_))
    }

    pub(super) fn done(&self, text: &str) -> String {
        let mut lines: Vec<&str> = text.lines().collect();
        match self {
            Self::Remove(at) if !lines.is_empty() => drop(lines.remove(at.index(lines.len()))),
            Self::Insert(at, line) => lines.insert(at.index(lines.len() + 1), line),
            Self::Repeat(one, at) if !lines.is_empty() => {
                let line = *one.get(&lines);
                lines.insert(at.index(lines.len() + 1), line);
            }
            Self::Remove(_) | Self::Repeat(..) => {}
        }
        lines.into_iter().flat_map(|line| [line, "\n"]).collect()
    }
}

pub(super) fn strokes() -> impl Strategy<Value = Vec<Stroke>> {
    let stroke = prop_oneof![
        1 => any::<Index>().prop_map(Stroke::Remove),
        4 => (any::<Index>(), select(LINES.to_vec())).prop_map(|(at, it)| Stroke::Insert(at, it)),
        1 => any::<(Index, Index)>().prop_map(|(one, at)| Stroke::Repeat(one, at)),
    ];
    prop::collection::vec(stroke, 0..4)
}

/// The value at these keys.
pub(super) fn member<'value>(value: &'value Value, keys: &[&str]) -> Option<&'value Value> {
    value.get(&Path::keys(keys.iter().copied()))
}

/// The value with another at these keys, or with none.
pub(super) fn with(value: &Value, keys: &[&str], new: Option<&Value>) -> Value {
    let Some((first, rest)) = keys.split_first() else {
        return new.cloned().unwrap_or_else(Value::empty_object);
    };
    let mut members = value.members().unwrap_or_default().to_vec();
    if rest.is_empty() && new.is_none() {
        members.retain(|(key, _)| key != first);
        return Value::Object(members);
    }
    match members.iter_mut().find(|(key, _)| key == first) {
        Some((_, inner)) => *inner = with(inner, rest, new),
        None if new.is_some() => {
            members.push(((*first).to_owned(), with(&Value::empty_object(), rest, new)));
        }
        None => {}
    }
    Value::Object(members)
}
