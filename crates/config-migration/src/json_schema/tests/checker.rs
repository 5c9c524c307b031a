//! A second opinion: JSON Schema as its specification has it, as far as our schemas use it. What they do not use is an error,
//! so that a misspelled keyword is not passed over.

use serde_json::{Map, Value as Json};

/// True if the schema accepts the instance (JSON Schema 2020-12, Validation §6 and Core §10).
pub(super) fn is_valid(schema: &Json, instance: &Json) -> bool {
    let schema = schema.as_object().expect("a schema is an object");
    schema.iter().all(|(keyword, value)| keeps(schema, keyword, value, instance))
}

fn keeps(schema: &Map<String, Json>, keyword: &str, value: &Json, instance: &Json) -> bool {
    match keyword {
        "$schema" => value == "https://json-schema.org/draft/2020-12/schema",
        "title" | "description" => value.is_string(),
        "writeOnly" => value.is_boolean(),
        "type" => has_type(value.as_str().unwrap(), instance),
        "enum" => value.as_array().unwrap().contains(instance),
        "minimum" => compare(instance, value).is_none_or(std::cmp::Ordering::is_ge),
        "maximum" => compare(instance, value).is_none_or(std::cmp::Ordering::is_le),
        "pattern" => {
            instance.as_str().is_none_or(|text| Pattern::new(value.as_str().unwrap()).finds(text))
        }
        "allOf" => value.as_array().unwrap().iter().all(|schema| is_valid(schema, instance)),
        "not" => !is_valid(value, instance),
        "properties" | "required" | "additionalProperties" => {
            instance.as_object().is_none_or(|members| keeps_members(schema, keyword, members))
        }
        "items" | "prefixItems" | "minItems" => {
            instance.as_array().is_none_or(|elements| keeps_elements(schema, keyword, elements))
        }
        _ => panic!("{keyword} is no keyword that we use"),
    }
}

fn keeps_members(schema: &Map<String, Json>, keyword: &str, members: &Map<String, Json>) -> bool {
    let value = &schema[keyword];
    match keyword {
        "required" => value.as_array().unwrap().iter().all(|key| {
            let key = key.as_str().unwrap();
            members.contains_key(key)
        }),
        "properties" => value
            .as_object()
            .unwrap()
            .iter()
            .all(|(key, schema)| members.get(key).is_none_or(|member| is_valid(schema, member))),
        _ => {
            assert_eq!(value, false);
            let known = schema.get("properties").and_then(Json::as_object);
            members.keys().all(|key| known.is_some_and(|known| known.contains_key(key)))
        }
    }
}

fn keeps_elements(schema: &Map<String, Json>, keyword: &str, elements: &[Json]) -> bool {
    let value = &schema[keyword];
    match keyword {
        "minItems" => elements.len() as u64 >= value.as_u64().unwrap(),
        "prefixItems" => {
            let schemas = value.as_array().unwrap();
            schemas.iter().zip(elements).all(|(schema, element)| is_valid(schema, element))
        }
        _ => {
            let prefix = schema.get("prefixItems").and_then(Json::as_array).map_or(0, Vec::len);
            elements.iter().skip(prefix).all(|element| is_valid(value, element))
        }
    }
}

fn has_type(name: &str, instance: &Json) -> bool {
    match name {
        "boolean" => instance.is_boolean(),
        "string" => instance.is_string(),
        "array" => instance.is_array(),
        "object" => instance.is_object(),
        "integer" => whole(instance).is_some(),
        _ => panic!("{name} is no type that we use"),
    }
}

/// A number without a fraction, however it is written.
fn whole(instance: &Json) -> Option<i128> {
    let number = instance.as_number()?;
    let float = || number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i128);
    number.as_i128().or_else(float)
}

fn compare(instance: &Json, bound: &Json) -> Option<std::cmp::Ordering> {
    let bound = whole(bound).unwrap();
    match whole(instance) {
        Some(number) => Some(number.cmp(&bound)),
        None => instance.as_f64()?.partial_cmp(&(bound as f64)),
    }
}

/// A regular expression of characters and classes, each perhaps with a star.
struct Pattern {
    from_start: bool,
    to_end: bool,
    atoms: Vec<Atom>,
}

struct Atom {
    negated: bool,
    ranges: Vec<(char, char)>,
    many: bool,
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let from_start = pattern.starts_with('^');
        let to_end = pattern.ends_with('$');
        let body = pattern.strip_prefix('^').unwrap_or(pattern);
        let body = body.strip_suffix('$').unwrap_or(body);
        let characters = unescaped(body);
        let mut atoms: Vec<Atom> = Vec::new();
        let mut rest = characters.as_slice();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                ('*', false) => atoms.last_mut().unwrap().many = true,
                ('[', false) => {
                    let end = rest.iter().position(|token| *token == (']', false)).unwrap();
                    let (class, after) = rest.split_at(end);
                    rest = &after[1..];
                    atoms.push(Atom::class(class));
                }
                ('.' | '+' | '?' | '(' | ')' | '|' | '{' | '^' | '$', false) => panic!("{pattern}"),
                (character, _) => {
                    let ranges = vec![(*character, *character)];
                    atoms.push(Atom { negated: false, ranges, many: false });
                }
            }
        }
        Self { from_start, to_end, atoms }
    }

    fn finds(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().collect();
        let starts = if self.from_start { 0..=0 } else { 0..=characters.len() };
        starts.into_iter().any(|start| self.matches(&self.atoms, &characters[start..]))
    }

    fn matches(&self, atoms: &[Atom], text: &[char]) -> bool {
        let Some((atom, rest)) = atoms.split_first() else {
            return !self.to_end || text.is_empty();
        };
        if !atom.many {
            let first = text.split_first();
            return first
                .is_some_and(|(first, after)| atom.is(*first) && self.matches(rest, after));
        }
        let most = text.iter().take_while(|character| atom.is(**character)).count();
        (0..=most).any(|taken| self.matches(rest, &text[taken..]))
    }
}

impl Atom {
    fn class(class: &[(char, bool)]) -> Self {
        let negated = class.first() == Some(&('^', false));
        let mut rest = &class[usize::from(negated)..];
        let mut ranges = Vec::new();
        while let Some(((first, _), after)) = rest.split_first() {
            match after {
                [('-', false), (last, _), after @ ..] => {
                    ranges.push((*first, *last));
                    rest = after;
                }
                _ => {
                    ranges.push((*first, *first));
                    rest = after;
                }
            }
        }
        Self { negated, ranges, many: false }
    }

    fn is(&self, character: char) -> bool {
        self.ranges.iter().any(|(first, last)| (first..=last).contains(&&character)) != self.negated
    }
}

/// Each character, and whether an escape gave it, so that it has no meaning of its own.
fn unescaped(pattern: &str) -> Vec<(char, bool)> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let digits = rest.strip_prefix("\\u").map(|after| &after[..4]);
        match digits {
            Some(digits) => {
                let number = u32::from_str_radix(digits, 16).unwrap();
                found.push((char::from_u32(number).unwrap(), true));
                rest = &rest[6..];
            }
            None => {
                assert_ne!(first, '\\', "{pattern}");
                found.push((first, false));
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    found
}
