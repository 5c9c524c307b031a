//! What becomes of a configuration.

use super::{Planted, bug};

const MIGRATION: &str = "crates/config-migration/src/migration.rs";
const VALUE: &str = "crates/config-migration/src/value.rs";
const EFFECTIVE: &str = "crates/config-migration/src/effective.rs";
const SCHEMA: &str = "crates/config-migration/src/schema.rs";
const PLAN: &str = "crates/upgrade/src/plan/configuration.rs";
const BOOT: &str = "crates/upgrade/src/boot.rs";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-10.1.1
    bug(
        "configuration-value-overwritten",
        VALUE,
        "if «members.iter().any(|(name, _)| name == key)» {",
        "{ members.retain(|(name, _)| name != key); false }",
        "a value that somebody set is gone, because another one moved into its place",
    )
    .by_tests(),
    // trace: sabotage FC-10.1.1
    bug(
        "unknown-setting-dropped",
        MIGRATION,
        "self.relocate(&from, &to, ChangeKind::Carried)?;",
        "let position = self.position(&from)?; \
         let value = self.documents.get(&from).cloned().unwrap_or(Value::Null); \
         self.edit(Edit::Remove { at: from.clone(), position, value, secret: false })?;",
        "a setting that the runtime does not know is lost",
    )
    .by_tests(),
    // trace: sabotage FC-10.1.2
    bug(
        "newly-set-field-overlooked",
        EFFECTIVE,
        ".filter(|(_, (before, after))| «before != after»)",
        "before.is_some() && before != after",
        "a migrated configuration makes the runtime do something that it was never told",
    )
    .by_tests(),
    // trace: sabotage FC-10.1.3
    bug(
        "migrated-configuration-not-validated",
        PLAN,
        "if let Err(found) = «validation» {",
        "Ok::<(), Vec<String>>(())",
        "a configuration is planned that the new runtime refuses",
    )
    .by_tests(),
    // trace: sabotage FC-10.1.3
    bug(
        "bounds-of-numbers-not-held-to",
        SCHEMA,
        "«value.as_integer().is_some_and(|number| (*minimum..=*maximum).contains(&number))»",
        "value.as_integer().is_some()",
        "a configuration with a number that means nothing passes for valid",
    )
    .by_tests(),
    // trace: sabotage FC-10.2
    bug(
        "started-on-an-invalid-configuration",
        BOOT,
        "self.environment.catalogue.validate_configuration(versions.configuration, &configuration)\
         .map_err(|violations| Cause::InvalidConfiguration { generation: number, violations })?;",
        "",
        "a runtime starts with a configuration that its own schema refuses",
    )
    .by_tests(),
    // trace: sabotage FC-10.3
    bug(
        "order-of-carried-settings-left-to-chance",
        MIGRATION,
        "unknown.retain(|path| !path.starts_with(&carry_table));",
        "unknown.retain(|path| !path.starts_with(&carry_table)); \
         static RUNS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0); \
         if RUNS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2 == 1 { unknown.reverse(); }",
        "the same configuration becomes another file on every machine",
    )
    .by_tests(),
];
