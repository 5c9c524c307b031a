//! Bugs of adoption in `crates/upgrade`, and of FemtoClaw's own catalogue.

use super::{Planted, bug};

const ADOPT: &str = "crates/upgrade/src/adopt.rs";
const CATALOGUE: &str = "crates/femtoclaw/src/catalogue.rs";
const SCHEMA_3: &str = "crates/femtoclaw/src/schema3.rs";
const ONE_TO_TWO: &str = "crates/femtoclaw/src/steps/one_to_two.rs";
const TWO_TO_THREE: &str = "crates/femtoclaw/src/steps/two_to_three.rs";

/// Where a file that is adopted lies.
const SOURCE: &str = "let source = «request.source.join(&file.source)»;";
/// The last step of an adoption.
const ACTIVATE: &str = "self.append(attempt, Event::Activated { generation: number, tries: 0 })?;";

pub(super) const BUGS: &[Planted] = &[
    bug(
        "new-home-name-unsynced",
        ADOPT,
        "durable::sync_directory(parent)?;",
        "let _ = parent;",
        "after a power failure a new home is not there",
    ),
    bug(
        "generations-name-unsynced",
        ADOPT,
        "durable::sync_directory(layout.root())?;",
        "",
        "after a power failure a new home has no directory for its generations",
    )
    .redundant("whoever opens a home syncs its directory before relying on what it names"),
    bug(
        "lock-named-before-journal",
        ADOPT,
        "let lock = «HomeLock::acquire_unnamed(&layout, request.lock_timeout)?»;",
        "HomeLock::acquire(&layout, request.lock_timeout)?",
        "what a crash leaves of a lock file is taken for somebody else's, and the adoption is refused for ever",
    ),
    bug(
        "home-not-restricted",
        ADOPT,
        "durable::restrict_directory(layout.root())?;",
        "",
        "a home in a directory that was there already stays open to other users",
    ),
    bug(
        "source-change-not-noticed",
        ADOPT,
        "if «again.files != adoption.files» {",
        "false",
        "an installation that is running is adopted as it never was",
    ),
    bug(
        "copy-not-compared",
        ADOPT,
        "if «Digest::of_file(&copy)? != file.digest» {",
        "let _ = &copy; false",
        "a file that changed while it was copied is adopted half and half",
    ),
    bug(
        "source-marked",
        ADOPT,
        ACTIVATE,
        "self.append(attempt, Event::Activated { generation: number, tries: 0 })?; \
         let _ = std::fs::write(request.source.join(\"ADOPTED\"), b\"\");",
        "an installation that was to stay as it is was written to",
    ),
    bug(
        "source-hard-linked",
        ADOPT,
        "let copy = «staging.copy(file.part, &file.target, &source)?»;",
        "let place = staging.place(file.part, &file.target)?; \
         std::fs::hard_link(&source, &place).map_err(|error| durable::Error::new(durable::Operation::Link, &place, error))?; \
         place",
        "what the old installation writes after its adoption changes the adopted generation",
    ),
    bug(
        "extension-not-adopted",
        ADOPT,
        SOURCE,
        "if file.part == Part::Extensions { continue; } request.source.join(&file.source)",
        "an adopted home has no extensions",
    ),
    bug(
        "set-aside-not-adopted",
        ADOPT,
        SOURCE,
        "if file.part == Part::SetAside { continue; } request.source.join(&file.source)",
        "what could not be read is thrown away",
    ),
    bug(
        "policy-not-adopted",
        ADOPT,
        SOURCE,
        "if file.part == Part::Policy { continue; } request.source.join(&file.source)",
        "an adopted home has no policy",
    ),
    bug(
        "old-configuration-with-new-runtime",
        CATALOGUE,
        "configuration::migrate_files(from, to, files)",
        "let _ = (from, to); Ok(MigratedConfiguration { files: files.clone(), changes: Vec::new(), stretches: Vec::new(), intended: Vec::new() })",
        "the new runtime is activated with the old one's configuration, and does not start",
    )
    .and(CATALOGUE, "configuration::validate(schema, files)", "let _ = (schema, files); Ok(())"),
    bug(
        "configuration-not-validated",
        CATALOGUE,
        "configuration::validate(schema, files)",
        "let _ = (schema, files); Ok(())",
        "a configuration that is not valid becomes current",
    )
    .redundant("what a runtime makes of a configuration is read as strictly, and of one that is not valid there is nothing"),
    bug(
        "damaged-record-dropped",
        ONE_TO_TWO,
        "out.emit(\"set_aside\", key, set_aside.encode());",
        "drop(set_aside);",
        "a record that cannot be decoded stops the upgrade, or is lost",
    ),
    // trace: sabotage FC-5.1.4 FC-6.1.1 FC-18.1.3
    bug(
        "original-bytes-dropped",
        ONE_TO_TWO,
        "let envelope = Envelope { source, unknown, decoded, original: «value.to_vec()» };",
        "Vec::new()",
        "what 1.0.x wrote cannot be given back byte for byte",
    ),
    // trace: sabotage FC-6.1.3
    bug(
        "execution-of-the-log-dropped",
        TWO_TO_THREE,
        "if «!EXECUTION_EVENTS.contains(&event.event_type.as_str())» {",
        "true",
        "executions that were interrupted are not found after an upgrade",
    ),
    bug(
        "audit-out-of-order",
        TWO_TO_THREE,
        "out.emit(\"audit\", «event_key(&entry.timestamp, envelope.source)», value);",
        "let mut key = event_key(&entry.timestamp, envelope.source); key.reverse(); key",
        "the audit is not in the order of time any more",
    ),
    // trace: sabotage FC-5.1.4 FC-6.1.2
    bug(
        "two-records-one-key",
        SCHEMA_3,
        "key.extend_from_slice(&source.encode());",
        "let _ = source;",
        "two audit entries of the same moment stop an upgrade, or are one after it",
    ),
];
