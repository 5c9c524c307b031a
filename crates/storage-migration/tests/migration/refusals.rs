//! What a migration refuses, and by which name.

use std::sync::atomic::{AtomicU64, Ordering};

use storage_migration::{
    Action, Emitter, EngineOptions, MigrationError, MigrationPath, Origin, RecordSource,
    SchemaDefinition, SourceError, Stayed, Visitor, rehearse, verify,
};
use versioning::SchemaVersion;

use crate::toy::{SCHEMAS, Toy, Transform, split};
use crate::work::{Place, path, source, steps};

fn options() -> EngineOptions {
    EngineOptions { memory_budget_bytes: 700, ..EngineOptions::default() }
}

/// Migrates 1 → 2 with an edited first step, and expects a refusal.
fn refusal(edit: impl FnOnce(&mut Toy)) -> MigrationError {
    let mut step = split();
    edit(&mut step);
    let (place, steps) = (Place::new(), [step]);
    let origin = source(50);
    place
        .migrate(&path(&steps, 1, 2), Origin::Records(&origin), &place.fresh(), &options())
        .unwrap_err()
}

/// The same, with another transform.
fn refused_transform(transform: Transform) -> MigrationError {
    refusal(|step| step.transform = transform)
}

macro_rules! assert_error {
    ($error:expr, $pattern:pat $(if $guard:expr)?) => {{
        let error = $error;
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        error
    }};
}

#[test]
fn two_records_under_one_key_are_refused_even_if_they_are_equal() {
    let error = refusal(|step| {
        step.transform = |keyspace, key, _, out| {
            match keyspace {
                "events" => out.emit("audit", b"same", b"value"),
                _ => out.derive("by_name", key, Vec::new()),
            }
            Ok(())
        };
    });
    let error = assert_error!(
        error,
        MigrationError::DuplicateKey { keyspace, key } if keyspace == "audit" && key == b"same"
    );
    assert!(error.to_string().contains("\"same\" of audit"), "{error}");
}

// trace: test FC-6.2 FC-18.1.2
#[test]
fn a_record_that_becomes_nothing_is_refused_by_its_key() {
    let error = refused_transform(|keyspace, key, value, out| {
        if keyspace == "events" && key == 7_u32.to_be_bytes() {
            out.derive("by_name", b"a derived record does not count", b"");
        } else if keyspace == "events" {
            out.emit("audit", key, value);
        }
        Ok(())
    });
    assert_error!(
        error,
        MigrationError::RecordLost { keyspace, key, .. }
            if keyspace == "events" && *key == 7_u32.to_be_bytes()
    );
}

#[test]
fn an_observed_record_may_neither_move_nor_be_archived() {
    let hostile: [Transform; 3] = [
        |_, key, value, out| {
            out.emit("by_name", key, value);
            Ok(())
        },
        |_, key, value, out| {
            out.fragment("by_name", key, value);
            Ok(())
        },
        |_, _, _, out| {
            out.archive("no");
            Ok(())
        },
    ];
    for transform in hostile {
        assert_error!(
            refused_transform(transform),
            MigrationError::RuleBroken { keyspace, .. } if keyspace == "accounts"
        );
    }
}

#[test]
fn a_record_is_not_archived_twice_nor_beside_living_on() {
    let hostile: [Transform; 2] = [
        |keyspace, _, _, out| {
            if keyspace == "events" {
                out.archive("once");
                out.archive("twice");
            }
            Ok(())
        },
        |keyspace, key, value, out| {
            if keyspace == "events" {
                out.emit("log", key, value);
                out.archive("as well");
            }
            Ok(())
        },
    ];
    for transform in hostile {
        let error = refused_transform(transform);
        assert_error!(error, MigrationError::RuleBroken { keyspace, .. } if keyspace == "events");
    }
}

#[test]
fn a_keyspace_that_the_next_schema_lacks_is_refused() {
    let error = refused_transform(|_, key, _, out| {
        out.derive("nowhere", key, Vec::new());
        Ok(())
    });
    assert_error!(error, MigrationError::UnknownKeyspace { keyspace, .. } if keyspace == "nowhere");
    let error = refused_transform(|_, key, _, out| {
        out.derive("archive", key, Vec::new());
        Ok(())
    });
    assert_error!(error, MigrationError::UnknownKeyspace { keyspace, .. } if keyspace == "archive");
}

#[test]
fn nothing_is_added_to_a_keyspace_that_is_kept() {
    let error = refused_transform(|_, key, _, out| {
        out.derive("vault", key, Vec::new());
        Ok(())
    });
    assert_error!(error, MigrationError::EmittedIntoKept { keyspace, .. } if keyspace == "vault");
}

// trace: test FC-19.1 FC-28.1.4
#[test]
fn a_step_that_answers_differently_each_time_is_refused() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let fickle: Transform = |_, key, _, out| {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        out.derive("by_name", key, call.to_be_bytes());
        Ok(())
    };
    assert_error!(refused_transform(fickle), MigrationError::NotDeterministic { .. });
    let mut step = split();
    step.transform = fickle;
    assert_error!(
        rehearse(&path(&[step], 1, 2)).unwrap_err(),
        MigrationError::NotDeterministic { .. }
    );
}

#[test]
fn what_a_step_refuses_stops_the_migration_with_its_reason() {
    let error = refused_transform(|_, _, _, _| {
        Err(storage_migration::TransformError("not like this".to_owned()))
    });
    let error = assert_error!(error, MigrationError::Transform { .. });
    assert!(error.to_string().ends_with("not like this"), "{error}");
}

#[test]
fn a_group_must_come_to_something_and_to_nothing_but_records() {
    let run = |join: crate::toy::Join| {
        let mut steps = steps();
        steps[1].join = join;
        let (place, origin) = (Place::new(), source(50));
        let path = path(&steps, 1, 3);
        place.migrate(&path, Origin::Records(&origin), &place.fresh(), &options()).unwrap_err()
    };
    assert_error!(run(|_, _, _, _| Ok(())), MigrationError::GroupLost { .. });
    let archiving: crate::toy::Join = |_, _, _, out| {
        out.archive("no");
        Ok(())
    };
    assert_error!(run(archiving), MigrationError::RuleBroken { .. });
    assert_error!(run(crate::toy::no_join), MigrationError::Join { .. });
}

#[test]
fn a_group_beyond_the_memory_limit_is_refused_by_name() {
    let (place, steps, origin) = (Place::new(), steps(), source(2000));
    let options = EngineOptions { maximum_group_bytes: 300, ..options() };
    let path = path(&steps, 1, 3);
    let result = place.migrate(&path, Origin::Records(&origin), &place.fresh(), &options);
    assert_error!(result.unwrap_err(), MigrationError::GroupTooLarge { maximum: 300, .. });
}

#[test]
fn records_that_the_engine_would_panic_on_are_refused_first() {
    let hostile: [Transform; 2] = [
        |_, _, value, out| {
            out.derive("by_name", Vec::new(), value);
            Ok(())
        },
        |_, _, value, out| {
            out.derive("by_name", vec![b'k'; 65_536], value);
            Ok(())
        },
    ];
    for transform in hostile {
        assert_error!(refused_transform(transform), MigrationError::NotStorable { .. });
    }
}

// trace: test FC-8.2.1
#[test]
fn a_source_of_another_schema_is_refused_by_what_it_lacks_and_has_too_much() {
    let (place, steps, mut origin) = (Place::new(), steps(), source(5));
    let notes = origin.keyspaces.remove("notes").unwrap();
    origin.keyspaces.insert("other".to_owned(), notes);
    let path = path(&steps, 1, 2);
    let result = place.migrate(&path, Origin::Records(&origin), &place.fresh(), &options());
    assert_error!(
        result.unwrap_err(),
        MigrationError::SourceNotOfSchema { missing, unexpected, .. }
            if missing == &["notes"] && unexpected == &["other"]
    );
}

#[test]
fn a_source_out_of_order_or_failing_is_refused() {
    struct Bad(fn(&mut Visitor<'_>) -> Result<(), SourceError>);
    impl RecordSource for Bad {
        fn keyspaces(&self) -> Vec<String> {
            ["accounts", "events", "notes", "plain", "vault"].map(str::to_owned).to_vec()
        }
        fn scan(&self, _: &str, visit: &mut Visitor<'_>) -> Result<(), SourceError> {
            (self.0)(visit)
        }
    }
    let run = |source: &Bad| {
        let (place, steps) = (Place::new(), steps());
        let path = path(&steps, 1, 1);
        place.migrate(&path, Origin::Records(source), &place.fresh(), &options()).unwrap_err()
    };
    let repeating = Bad(|visit| {
        visit(b"a", b"")?;
        visit(b"a", b"")
    });
    assert_error!(run(&repeating), MigrationError::OutOfOrder { .. });
    let failing = Bad(|_| {
        let (keyspace, origin) = ("accounts".to_owned(), "accounts.json".to_owned());
        Err(SourceError { keyspace, origin, reason: "line 3 is no JSON".to_owned() })
    });
    let error = assert_error!(run(&failing), MigrationError::Source(_));
    assert!(error.to_string().contains("line 3"), "{error}");
}

// trace: test FC-8.2.1
#[test]
fn a_path_is_refused_by_what_it_lacks() {
    let steps = steps();
    let resolve = |schemas: &[SchemaDefinition], chosen: &[usize], from, to| {
        let step = |index: &usize| &steps[*index] as &dyn storage_migration::MigrationStep;
        let chosen: Vec<_> = chosen.iter().map(step).collect();
        let (from, to) = (SchemaVersion::new(from), SchemaVersion::new(to));
        MigrationPath::resolve(schemas, &chosen, from, to).map(|path| path.steps().len())
    };
    assert_eq!(resolve(&SCHEMAS, &[2, 0, 1], 1, 4).unwrap(), 3);
    assert_eq!(resolve(&SCHEMAS, &[], 2, 2).unwrap(), 0);
    let error = resolve(&SCHEMAS, &[0, 2], 1, 4).unwrap_err();
    let error =
        assert_error!(error, MigrationError::NoPath { reachable, .. } if reachable.len() == 2);
    assert!(error.to_string().contains("lead to 1, 2, and none"), "{error}");
    assert_error!(resolve(&SCHEMAS, &[0, 1, 2], 4, 1).unwrap_err(), MigrationError::NoPath { .. });
    assert_error!(
        resolve(&SCHEMAS[..3], &[0, 1, 2], 1, 4).unwrap_err(),
        MigrationError::UnknownSchema { .. }
    );
    let doubled = [SCHEMAS[0], SCHEMAS[0]];
    assert_error!(resolve(&doubled, &[], 1, 1).unwrap_err(), MigrationError::InvalidSchema { .. });
}

#[test]
fn the_shortest_path_is_taken_and_ties_do_not_depend_on_the_order_of_the_steps() {
    let keep_all: Transform = |_, _, _, _: &mut Emitter| Ok(());
    let step = |name, from, to| Toy {
        name,
        from,
        to,
        action: |_| Action::Keep,
        transform: keep_all,
        join: crate::toy::no_join,
        examples: Vec::new(),
    };
    let schemas: Vec<SchemaDefinition> = (1..=4)
        .map(|number| SchemaDefinition { version: SchemaVersion::new(number), ..SCHEMAS[0] })
        .collect();
    let steps =
        [step("a", 1, 2), step("b", 2, 4), step("c", 1, 3), step("d", 3, 4), step("e", 2, 3)];
    let names = |order: &[usize]| -> Vec<&str> {
        let steps: Vec<_> = order
            .iter()
            .map(|index| &steps[*index] as &dyn storage_migration::MigrationStep)
            .collect();
        let (from, to) = (SchemaVersion::new(1), SchemaVersion::new(4));
        let path = MigrationPath::resolve(&schemas, &steps, from, to).unwrap();
        path.steps().iter().map(|step| step.name()).collect()
    };
    assert_eq!(names(&[0, 1, 2, 3, 4]), ["a", "b"]);
    assert_eq!(names(&[4, 3, 2, 1, 0]), ["a", "b"]);
}

#[test]
fn a_kept_keyspace_must_exist_in_the_next_schema() {
    let mut step = split();
    step.action = |_| Action::Keep;
    let (from, to) = (SchemaVersion::new(1), SchemaVersion::new(2));
    let error = MigrationPath::resolve(&SCHEMAS, &[&step], from, to).unwrap_err();
    assert_error!(error, MigrationError::KeptKeyspaceVanishes { keyspace: "events", .. });
}

// trace: test FC-8.2.3 FC-18.1.1
#[test]
fn a_record_that_breaks_its_schema_is_found_when_it_is_read_back() {
    let mut steps = steps();
    steps[2].transform = |keyspace, key, value, out| {
        match keyspace {
            "accounts" => out.emit("accounts", key, value),
            "plain" => out.derive("history", [b"p", key].concat(), Vec::new()),
            _ => out.emit("history", [keyspace.as_bytes(), key].concat(), value),
        }
        Ok(())
    };
    let (place, origin) = (Place::new(), source(50));
    let directory = place.fresh();
    let path = path(&steps, 1, 4);
    let report = place.migrate(&path, Origin::Records(&origin), &directory, &options()).unwrap();
    let error =
        verify(&directory, &report, path.target(), None, Stayed::Read, &options(), &mut |_| {});
    assert_error!(
        error.unwrap_err(),
        MigrationError::InvariantBroken { keyspace, .. } if keyspace == "accounts"
    );
    assert_error!(rehearse(&path).unwrap_err(), MigrationError::InvariantBroken { .. });
}
