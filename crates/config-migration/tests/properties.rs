//! What must hold for every configuration.
#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use config_migration::{
    ConfigurationError, Document, DocumentName, Documents, Field, FieldType, MAXIMUM_DEPTH, Path,
    Schema, SecretPaths, Step, TomlDocument, Value, migrate, to_toml,
};
use proptest::prelude::*;

const SENTINEL: &str = "sk-SENTINEL-7f3a9";

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?",
        prop::sample::select(vec!["1.10", "1e5", "-0", "-0.0", "1E400", "1e-400", "0e0"])
            .prop_map(str::to_owned),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-c]{0,2}",
        prop::sample::select(vec![
            "",
            ".",
            "a.b",
            "\"",
            "'",
            "'''\"\"\"",
            "\r\n",
            "\0",
            "\u{7f}\u{85}\u{2028}\u{feff}",
            "#",
            "carried_json",
            "position",
            "[secret]",
            "\\",
            "inf",
            "1979-05-27",
            "\n\n\"\"\"",
        ])
        .prop_map(str::to_owned),
    ]
}

fn object(value: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    prop::collection::vec((text(), value), 0..6).prop_map(|mut members| {
        let mut seen = std::collections::BTreeSet::new();
        members.retain(|(key, _)| seen.insert(key.clone()));
        Value::object(members)
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::Number),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            object(inner.clone()),
            object(inner),
        ]
    })
}

fn root() -> impl Strategy<Value = Value> {
    object(value())
}

/// Every place of a tree that keys lead to.
fn places(value: &Value, path: &Path, found: &mut Vec<Path>) {
    for (key, member) in value.members().unwrap_or_default() {
        let child = path.child(key);
        found.push(child.clone());
        places(member, &child, found);
    }
}

/// A place of the tree, or next to one.
fn place(root: &Value, choice: &prop::sample::Index, beside: bool) -> Path {
    let mut found = Vec::new();
    places(root, &Path::root(), &mut found);
    if found.is_empty() {
        return Path::from(["new"]);
    }
    let path = choice.get(&found).clone();
    if beside { path.child("new") } else { path }
}

fn plain(root: Value) -> Documents {
    Documents::new(Document::new(root, SecretPaths::none()))
}

/// The values that are no tables. Tables come and go with what is in them; that they come back is for the undo to show.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value.members() {
        Some(members) => members.iter().for_each(|(_, member)| leaves(member, found)),
        None => {
            let document = Document::new(value.clone(), SecretPaths::none());
            found.push(document.to_json().unwrap().expose().to_owned());
        }
    }
}

fn all_leaves(documents: &Documents) -> Vec<String> {
    let mut found = Vec::new();
    leaves(documents.configuration.root(), &mut found);
    leaves(documents.secrets.root(), &mut found);
    found.sort();
    found
}

fn steps() -> impl Strategy<Value = Vec<(u8, prop::sample::Index, prop::sample::Index, bool)>> {
    prop::collection::vec(
        (0_u8..8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()),
        0..6,
    )
}

/// A random step that moves values about, for these documents.
fn step(root: &Value, drawn: &(u8, prop::sample::Index, prop::sample::Index, bool)) -> Step {
    let (kind, one, other, beside) = drawn;
    let (from, to) = (place(root, one, false), place(root, other, *beside));
    match kind {
        0 => Step::relocate(from, to),
        1 => Step::rename(from, "renamed"),
        2 => Step::move_secret(from, to),
        3 => Step::Wrap { path: from, key: "wrapped".to_owned() },
        4 => Step::Retire { path: from, under: "carried".to_owned() },
        5 => Step::carry(vec![from, to], "carried"),
        6 => Step::relocate(from, ["fresh", "table", "key"]),
        _ => match from.split_last() {
            Some((path, key)) => Step::Unwrap { path, key: key.to_owned() },
            None => Step::relocate(from, to),
        },
    }
}

fn set(value: &Value, path: &Path, new: &Value) -> Value {
    let Some((first, rest)) = path.segments().split_first() else { return new.clone() };
    let rest = rest.iter().fold(Path::root(), |path, segment| match segment {
        config_migration::Segment::Key(key) => path.child(key),
        config_migration::Segment::Index(index) => path.element(*index),
    });
    let members = value.members().unwrap_or_default().iter().map(|(key, member)| {
        let here = *first == config_migration::Segment::Key(key.clone());
        (key.clone(), if here { set(member, &rest, new) } else { member.clone() })
    });
    Value::object(members)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn json_reads_back_as_it_was(root in value()) {
        let document = Document::new(root, SecretPaths::none());
        let json = document.to_json().unwrap();
        let read = Document::from_json(json.expose(), SecretPaths::none()).unwrap();
        prop_assert!(read == document);
    }

    #[test]
    fn toml_reads_back_as_the_json_it_was(root in root(), header in any::<String>()) {
        let document = Document::new(root, SecretPaths::none());
        let write = || to_toml(&document, DocumentName::Configuration, &[&header]).unwrap();
        let written = write();
        let read = Document::from_toml(written.text.expose(), SecretPaths::none()).unwrap();
        prop_assert!(read.with_carried_restored().unwrap() == document);
        prop_assert_eq!(written, write());
    }

    // trace: test FC-10.1.1
    #[test]
    fn steps_lose_nothing_and_undo_exactly(root in root(), drawn in steps()) {
        let before = plain(root);
        let mut documents = before.clone();
        let mut undos = Vec::new();
        for drawn in &drawn {
            let step = step(documents.configuration.root(), drawn);
            let Ok(migrated) = migrate(&documents, &[step]) else { continue };
            prop_assert!(migrated.undo.apply(&migrated.documents).unwrap() == documents);
            undos.push(migrated.undo);
            documents = migrated.documents;
        }
        prop_assert_eq!(all_leaves(&documents), all_leaves(&before));
        for undo in undos.iter().rev() {
            documents = undo.apply(&documents).unwrap();
        }
        prop_assert!(documents == before);
    }

    // trace: test FC-10.3
    #[test]
    fn the_same_documents_and_steps_give_the_same_result_to_the_last_byte(
        root in root(), drawn in steps(),
    ) {
        let documents = plain(root);
        let steps: Vec<Step> =
            drawn.iter().map(|drawn| step(documents.configuration.root(), drawn)).collect();
        let told = |migrated: &config_migration::Migrated| {
            let json = |document: &Document| document.to_json().unwrap().expose().to_owned();
            let Documents { configuration, secrets } = &migrated.documents;
            (json(configuration), json(secrets), migrated.report.to_string())
        };
        let (one, other) = (migrate(&documents, &steps), migrate(&documents, &steps));
        prop_assert_eq!(
            one.as_ref().map(told).map_err(ToString::to_string),
            other.as_ref().map(told).map_err(ToString::to_string)
        );
        prop_assert!(one.ok() == other.ok());
    }

    #[test]
    fn every_leaf_is_in_the_report(root in root(), one: prop::sample::Index, other: prop::sample::Index) {
        let known = vec![place(&root, &one, false), place(&root, &other, false)];
        let migrated = migrate(&plain(root.clone()), &[Step::carry(known, "carried")]).unwrap();
        let mut found = Vec::new();
        places(&root, &Path::root(), &mut found);
        for path in found {
            let reported = migrated.report.changes.iter().any(|change| {
                let from = &change.from.as_ref().unwrap().path;
                path.starts_with(from) || from.starts_with(&path)
            });
            // The carry table itself is left alone, and covered there by the mark of what was carried.
            prop_assert!(reported || path.starts_with(&Path::from(["carried"])));
        }
    }

    #[test]
    fn a_secret_is_shown_nowhere(root in root(), choice: prop::sample::Index, drawn in steps()) {
        let path = place(&root, &choice, false);
        let root = set(&root, &path, &Value::from(SENTINEL));
        let mut shown = String::new();
        let mut documents =
            Documents::new(Document::new(root, SecretPaths::new([path.clone()])));
        for drawn in &drawn {
            let step = step(documents.configuration.root(), drawn);
            let result = migrate(&documents, &[step]);
            shown += &format!("{result:?}");
            match result {
                Ok(migrated) => {
                    shown += &migrated.report.to_string();
                    shown += &serde_json::to_string(&migrated.report).unwrap();
                    shown += &format!("{:?}", migrated.undo.apply(&documents));
                    documents = migrated.documents;
                }
                Err(error) => shown += &error.to_string(),
            }
        }
        let schema = Schema::new([Field::required(path, FieldType::Boolean)]);
        for (document, name) in [
            (&documents.configuration, DocumentName::Configuration),
            (&documents.secrets, DocumentName::Secrets),
        ] {
            shown += &format!("{document:?} {:?}", schema.check(document));
            let written = to_toml(document, name, &[]).unwrap();
            shown += &format!("{written:?} {}", written.text);
            let toml = TomlDocument::parse(written.text.expose(), document.secrets().clone());
            shown += &format!("{toml:?} {:?}", toml.as_ref().unwrap().edit(&[]));
        }
        prop_assert!(!shown.contains(SENTINEL), "{}", shown);
    }

    #[test]
    fn the_keys_inside_a_secret_are_not_shown(root in root(), choice: prop::sample::Index) {
        let path = place(&root, &choice, false);
        let hidden = Value::object([(SENTINEL, Value::object([(SENTINEL, Value::Null)]))]);
        let root = set(&root, &path, &hidden);
        let documents = Documents::new(Document::new(root, SecretPaths::new([path.clone()])));
        let carried = migrate(&documents, &[Step::carry(Vec::new(), "carried")]).unwrap();
        let inside = path.child("other");
        let known = migrate(&documents, &[Step::carry(vec![inside.clone()], "carried")]).unwrap();
        let schema = Schema::new([Field::required(inside, FieldType::Boolean)]);
        let violations = schema.violations(&documents.configuration);
        let written =
            to_toml(&documents.configuration, DocumentName::Configuration, &[]).unwrap();
        let shown = format!("{} {} {violations:?} {written:?} {documents:?}", carried.report, known.report);
        prop_assert!(!shown.contains(SENTINEL), "{}", shown);
    }

    #[test]
    fn a_renaming_in_toml_leaves_every_other_line_alone(root in root(), choice: prop::sample::Index) {
        let document = Document::new(root, SecretPaths::none());
        let written = to_toml(&document, DocumentName::Configuration, &["Head"]).unwrap();
        let text: String = written.text.expose().lines().map(|line| format!("{line}\n")).collect();
        let Ok(toml) = TomlDocument::parse(&text, SecretPaths::none()) else { return Ok(()) };
        let tree = toml.document().unwrap();
        let from = place(tree.root(), &choice, false);
        let Some((parent, _)) = from.split_last() else { return Ok(()) };
        let to = parent.child("renamed-key");
        let Ok(edited) = toml.edit(&[Step::relocate(from.clone(), to.clone())]) else {
            return Ok(());
        };
        let after = edited.text.expose();
        prop_assert_eq!(after.lines().count(), text.lines().count());
        for (old, new) in text.lines().zip(after.lines()) {
            prop_assert!(old == new || new.contains("renamed-key"), "{} became {}", old, new);
        }
        // And back: the same bytes, but for quotes that a key did not need.
        if tree.get(&from).is_some() {
            let back = TomlDocument::parse(after, SecretPaths::none()).unwrap();
            let back = back.edit(&[Step::relocate(to, from)]).unwrap();
            prop_assert_eq!(back.text.expose(), text);
        }
    }

    #[test]
    fn steps_in_place_give_what_steps_on_the_tree_give(root in root(), drawn in steps()) {
        let document = Document::new(root, SecretPaths::none());
        let written = to_toml(&document, DocumentName::Configuration, &[]).unwrap();
        let mut commented = String::new();
        for (index, line) in written.text.expose().lines().enumerate() {
            // A line that may be inside a text of several lines is left alone.
            if !written.text.expose().contains("\"\"\"") && !written.text.expose().contains("'''") {
                commented += &format!("# comment {index}\n");
            }
            commented += &format!("{line}\n");
        }
        let mut toml = TomlDocument::parse(&commented, SecretPaths::none()).unwrap();
        for drawn in &drawn {
            let step = step(toml.document().unwrap().root(), drawn);
            match toml.edit(&[step]) {
                // What it gives is compared with the tree by `edit` itself, and so are the comments.
                Ok(edited) => match TomlDocument::parse(edited.text.expose(), SecretPaths::none()) {
                    Ok(next) => toml = next,
                    Err(error) => prop_assert_eq!(error, ConfigurationError::LayoutNotKept),
                },
                Err(error) => prop_assert!(
                    !matches!(error, ConfigurationError::NotReproduced { .. }),
                    "{} in {}", error, commented
                ),
            }
        }
    }

    #[test]
    fn no_text_makes_reading_panic(
        text in prop_oneof![
            any::<String>(),
            "[\\[\\]{}\",:=.#'a0 \\n\\\\-]{0,60}",
            "(a|\\.|=|\\{|\\}|\\[|\\]|\"|'|\n|,| |1|#|\"\"\"|'''){0,40}",
        ],
    ) {
        let _ = Document::from_json(&text, SecretPaths::none());
        if let Ok(document) = Document::from_toml(&text, SecretPaths::none()) {
            let _ = document.with_carried_restored();
            let written = to_toml(&document, DocumentName::Configuration, &[]);
            prop_assert!(written.is_ok(), "{:?}", written);
        }
        if let Ok(document) = TomlDocument::parse(&text, SecretPaths::none()) {
            let steps = [Step::rename(["a"], "b"), Step::set_default(["a", "b"], 1)];
            let _ = document.edit(&steps);
        }
    }

    #[test]
    fn a_text_cut_off_or_with_zeros_is_refused_without_a_word_of_it(
        root in root(),
        cut: prop::sample::Index,
        zeros in 1_usize..9,
    ) {
        let secret = Value::object([("api_key", Value::from(SENTINEL)), ("rest", root)]);
        let document = Document::new(secret, SecretPaths::none());
        let json = document.to_json().unwrap().expose().trim_end().to_owned();
        let end = (0..=cut.index(json.len())).rev().find(|end| json.is_char_boundary(*end)).unwrap();
        let toml = to_toml(&document, DocumentName::Configuration, &[]).unwrap();
        for text in [json[..end].to_owned(), format!("{json}{}", "\0".repeat(zeros))] {
            let error = Document::from_json(&text, SecretPaths::none()).unwrap_err();
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(SENTINEL));
        }
        let text = format!("{}{}", toml.text.expose(), "\0".repeat(zeros));
        let error = Document::from_toml(&text, SecretPaths::none()).unwrap_err();
        let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(SENTINEL));
    }
}

#[test]
fn nesting_up_to_the_bound_survives_toml() {
    for depth in [1, 31, 63, 64, 65, 79, 80, 81, MAXIMUM_DEPTH - 1] {
        for (open, close) in [("{\"a\":", "}"), ("{\"a\":[", "]}")] {
            let levels = if open.len() > 5 { depth / 2 } else { depth };
            let json = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            let Ok(document) = Document::from_json(&json, SecretPaths::none()) else {
                panic!("{depth}")
            };
            if levels > 0 {
                to_toml(&document, DocumentName::Configuration, &[]).unwrap();
            }
        }
    }
}
