//! Bugs of `crates/rollback`: building, sealing, locking, sweeping and removing generations.

use super::{Planted, bug};

const STAGING: &str = "crates/rollback/src/staging.rs";
const GENERATION: &str = "crates/rollback/src/generation.rs";
const LAYOUT: &str = "crates/rollback/src/layout.rs";
const LOCK: &str = "crates/rollback/src/lock.rs";
const RUNNING: &str = "crates/rollback/src/running.rs";
const APPLY: &str = "crates/upgrade/src/apply/mod.rs";
const ADOPT: &str = "crates/upgrade/src/adopt.rs";

/// The tree is made durable.
const TREE: &str = "durable::sync_tree(&self.path)?;";
/// The manifest's name is made durable.
const MANIFEST_NAME: &str = "durable::sync_directory(&self.path)?;";
/// The generation gets its name.
const RENAME: &str = "durable::rename(&self.path, &self.layout.generation(self.number))?;";
/// The same, without its sync.
const RENAME_UNSYNCED: &str = "std::fs::rename(&self.path, self.layout.generation(self.number))\
    .map_err(|error| FileError::new(Operation::Rename, &self.path, error))?;";
/// The commit point.
const ACTIVATE: &str = "home.append(quiesced.attempt, event)?; drop(quiesced.guard);";
/// The same, of an adoption.
const ACTIVATE_ADOPTED: &str =
    "self.append(attempt, Event::Activated { generation: number, tries: 0 })?;";
/// The seal is put on record.
const PUT_SEAL_ON_RECORD: &str = "home.append(staged.quiesced.attempt, event)?;";
/// The same, of an adoption.
const PUT_ADOPTED_SEAL_ON_RECORD: &str =
    "self.append(attempt, Event::Sealed { generation: number, manifest })?;";

pub(super) const BUGS: &[Planted] = &[
    bug(
        "sealed-tree-unsynced",
        STAGING,
        TREE,
        "",
        "after a power failure files of the current generation are empty",
    ),
    bug(
        "tree-synced-after-activation",
        STAGING,
        TREE,
        "",
        "after a power failure at the wrong moment files of the current generation are empty",
    )
    .and(
        APPLY,
        ACTIVATE,
        "home.append(quiesced.attempt, event)?; durable::sync_tree(generation.path())?; drop(quiesced.guard);",
    )
    .and(
        ADOPT,
        ACTIVATE_ADOPTED,
        "self.append(attempt, Event::Activated { generation: number, tries: 0 })?; durable::sync_tree(generation.path())?;",
    ),
    bug(
        "tree-synced-after-manifest",
        STAGING,
        TREE,
        "",
        "none: the order that the law asks for is not kept",
    )
    .and(STAGING, MANIFEST_NAME, "durable::sync_tree(&self.path)?;")
    .redundant("nothing refers to what is in staging, whatever order it is synced in"),
    bug(
        "manifest-unsynced",
        STAGING,
        "durable::write_file(&self.path.join(MANIFEST_FILE), &bytes)?;",
        "durable::create_file(&self.path.join(MANIFEST_FILE), &bytes)?;",
        "after a power failure the current generation has an empty manifest",
    ),
    bug(
        "manifest-name-unsynced",
        STAGING,
        MANIFEST_NAME,
        "",
        "after a power failure the current generation has no manifest",
    ),
    bug(
        "generation-name-unsynced",
        STAGING,
        RENAME,
        RENAME_UNSYNCED,
        "after a power failure the current generation is not there",
    ),
    bug(
        "activated-before-name-is-durable",
        STAGING,
        RENAME,
        RENAME_UNSYNCED,
        "after a power failure at the wrong moment the current generation is not there",
    )
    .and(
        APPLY,
        ACTIVATE,
        "home.append(quiesced.attempt, event)?; durable::sync_directory(&home.layout.generations())?; drop(quiesced.guard);",
    )
    .and(
        ADOPT,
        ACTIVATE_ADOPTED,
        "self.append(attempt, Event::Activated { generation: number, tries: 0 })?; \
         durable::sync_directory(&self.layout.generations())?;",
    ),
    bug(
        "sealed-before-name-is-durable",
        STAGING,
        RENAME,
        RENAME_UNSYNCED,
        "none: the order that the law asks for is not kept",
    )
    .and(
        APPLY,
        PUT_SEAL_ON_RECORD,
        "home.append(staged.quiesced.attempt, event)?; durable::sync_directory(&home.layout.generations())?;",
    )
    .and(
        ADOPT,
        PUT_ADOPTED_SEAL_ON_RECORD,
        "self.append(attempt, Event::Sealed { generation: number, manifest })?; \
         durable::sync_directory(&self.layout.generations())?;",
    ),
    bug(
        "permissions-not-restricted",
        STAGING,
        "durable::restrict_tree(&self.path)?;",
        "",
        "what an engine or a copy left readable for others stays so",
    ),
    bug(
        "runtime-not-executable",
        STAGING,
        "make_executable(&placed)",
        "let _ = placed; Ok(())",
        "the new generation's runtime cannot be started",
    ),
    // trace: sabotage FC-18.2
    bug(
        "document-not-read-back",
        STAGING,
        "durable::create_file(path, bytes)?; «hold_to(path, Digest::of(bytes))»",
        "Ok(())",
        "an inventory that rotted on its way to the disk is sealed",
    ),
    bug(
        "left-over-staging-kept",
        STAGING,
        "durable::remove_tree(&path)?;",
        "",
        "an attempt fails because of what an earlier one left",
    )
    .redundant("a number is never used again, so there is never anything in its staging directory"),
    // trace: sabotage FC-9.3 FC-20.1
    bug(
        "manifest-digest-not-compared",
        GENERATION,
        "expected.filter(|expected| «*expected != digest»)",
        "{ let _ = expected; false }",
        "a manifest that was exchanged is believed, and with it every file that it names",
    ),
    bug(
        "violations-not-reported",
        GENERATION,
        "if «violations.is_empty()» {",
        "true",
        "damage of any kind is found and not told",
    ),
    bug(
        "sealed-bytes-not-compared",
        GENERATION,
        "if «found != seal.digest» {",
        "false",
        "a configuration that has rotted is migrated and used",
    )
    .redundant("whoever upgrades has held the whole generation to its seal before"),
    // trace: sabotage FC-7.2.2 FC-7.3
    bug(
        "staging-not-swept",
        LAYOUT,
        "self.names()?.into_iter().filter(|name| «name.starts_with(STAGING_PREFIX)»);",
        "{ let _ = name; false }",
        "every interrupted upgrade leaves its gigabytes behind for good",
    ),
    // trace: sabotage FC-7.2.2 FC-16.2.2
    bug(
        "sweep-takes-generations",
        LAYOUT,
        "self.names()?.into_iter().filter(|name| «name.starts_with(STAGING_PREFIX)»);",
        "!name.starts_with('1')",
        "recovery removes sealed generations",
    ),
    // trace: sabotage FC-7.3
    bug(
        "seal-of-what-is-gone-left",
        LAYOUT,
        "Ok(durable::exists(&self.generation(number))? || «durable::exists(&self.store_seal(number))?»)",
        "false",
        "an interrupted collection leaves the seal of a store behind that is gone",
    ),
    bug(
        "generation-removed-in-place",
        LAYOUT,
        "if «durable::exists(&place)?» {",
        "{ durable::remove_tree(&place)?; false }",
        "a crash leaves half a generation under its own name",
    )
    .redundant("only what is on record as gone is removed, and whoever opens the home removes the rest of it"),
    bug(
        "removal-only-renames",
        LAYOUT,
        "Ok(durable::remove_tree(&staging)?)",
        "Ok(())",
        "collecting generations gives no space back until the home is opened again",
    ),
    bug(
        "lock-not-taken",
        LOCK,
        "match «directory.try_lock()» {",
        "Ok::<(), TryLockError>(())",
        "two upgrades at the same time write one journal",
    ),
    bug(
        "lock-leaked",
        LOCK,
        "Ok(Self { _directory: «directory» })",
        "std::mem::forget(directory.try_clone().map_err(|error| failed(Operation::Open, error))?); directory",
        "a long-running process keeps the home locked for ever",
    ),
    bug(
        "running-looked-at-first",
        RUNNING,
        "let directory = «open_directory(&path)?»;",
        "path.symlink_metadata()\
            .map_err(|error| FileError::new(Operation::Inspect, &path, error))\
            .and_then(|_| open_directory(&path))?",
        "on a disk that cannot look at a directory, a rollback is made under a runtime that was launched",
    ),
    // trace: sabotage FC-20.3
    bug(
        "manifest-state-not-compared",
        GENERATION,
        "if «manifest.logical().state() != manifest.state» {",
        "false",
        "a recovery without a journal believes a manifest that rotted where it tells of its records",
    )
    .by_tests(),
];
