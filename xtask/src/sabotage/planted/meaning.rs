//! What an upgrade may do, and what it means: compatibility, configuration, policy, extensions.

use super::{Planted, bug};

const RELEASE: &str = "crates/upgrade/src/plan/release.rs";
const STORAGE: &str = "crates/upgrade/src/plan/storage.rs";
const CONFIGURATION: &str = "crates/upgrade/src/plan/configuration.rs";
const EXTENSIONS: &str = "crates/upgrade/src/plan/extensions.rs";
const FILES: &str = "crates/upgrade/src/plan/files.rs";
const APPLY: &str = "crates/upgrade/src/apply/mod.rs";
const MIGRATE: &str = "crates/capability-migration/src/migrate.rs";
const MIGRATE_REGISTRY: &str = "crates/capability-migration/src/migrate_registry.rs";

/// What is not touched is carried over.
const PARTS: &str = "parts: «PARTS.map(part).into()»";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-13.3 FC-14.3
    bug(
        "verdict-not-heeded",
        RELEASE,
        "refusals.extend(verdict.of(compatibility::Severity::Refuse).map(Refusal::from));",
        "",
        "a release is taken that cannot be reached from what is installed",
    ),
    // trace: sabotage FC-14.1.3
    bug(
        "edited-migration-not-noticed",
        STORAGE,
        "if «found != applied.fingerprint» {",
        "false",
        "history says that another migration was applied than the one that was",
    ),
    // trace: sabotage FC-10.1.2 FC-14.3
    bug(
        "meaning-not-compared",
        CONFIGURATION,
        "refuse(\"meaning-changed\", undeclared.iter().map(sentence).collect(), refusals);",
        "let _ = (undeclared, sentence);",
        "a migrated configuration makes the runtime do something else",
    ),
    // trace: sabotage FC-11.2 FC-14.3
    bug(
        "widening-not-refused",
        MIGRATE,
        "if «!examined.widenings.is_empty()» {",
        "false",
        "after an upgrade somebody can do what was never allowed",
    ),
    // trace: sabotage FC-11.2
    bug(
        "new-capability-switched-on",
        MIGRATE_REGISTRY,
        "Capability { enabled: «false», ..offered.clone() }",
        "true",
        "what is new can be used without anybody having said so",
    ),
    // trace: sabotage FC-12.2
    bug(
        "rejected-extension-taken-along",
        EXTENSIONS,
        "plan.extensions.iter().filter(|planned| «planned.fate == Fate::Rejected»)",
        "{ let _ = planned; false }",
        "an extension is enabled in a runtime that does not host it",
    ),
    // trace: sabotage FC-23.1.3
    bug(
        "replaced-files-dropped",
        FILES,
        "let target = replaced_path(self.generation.number(), part, path); \
         if let Some(file) = self.files(part).remove(path) { «self.insert(Part::SetAside, target, file);» }",
        "drop((target, file));",
        "once the old generation is collected, nobody can say what the policy was",
    ),
    // trace: sabotage FC-23.1.2
    bug(
        "data-of-replaced-extension-lost",
        FILES,
        "if «is_artifact» {",
        "{ let _ = is_artifact; true }",
        "what an extension wrote is gone once it is replaced",
    ),
    bug(
        "replaced-script-not-executable",
        APPLY,
        "Source::Written(bytes) if «file.seal.executable» =>",
        "false",
        "an extension that was replaced cannot be run",
    )
    .and(APPLY, "if «seal.digest(\"\") != planned.digest» {", "let _ = &seal; false"),
    bug(
        "policy-not-carried-over",
        FILES,
        PARTS,
        "[Part::Extensions, Part::SetAside].map(part).into()",
        "after an upgrade the runtime has no policy, or nobody can say what it was",
    ),
    // trace: sabotage FC-23.1.2
    bug(
        "extensions-not-carried-over",
        FILES,
        PARTS,
        "[Part::Policy, Part::SetAside].map(part).into()",
        "after an upgrade the extensions are gone",
    ),
    // trace: sabotage FC-23.1.3
    bug(
        "set-aside-not-carried-over",
        FILES,
        PARTS,
        "[Part::Policy, Part::Extensions].map(part).into()",
        "after the next collection what could not be read is gone for good",
    ),
];
