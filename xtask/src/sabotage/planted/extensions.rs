//! What becomes of extensions.

use super::{Planted, bug};

const JUDGE: &str = "crates/extension-migration/src/judge.rs";
const PLANNING: &str = "crates/extension-migration/src/planning.rs";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-12.1.1
    bug(
        "foreign-publisher-takes-over",
        JUDGE,
        "«foreign.into_iter().map(foreign_publisher).collect()»",
        "Vec::new()",
        "somebody else's extension takes the place of one that has its name",
    )
    .by_tests(),
    // trace: sabotage FC-12.1.1
    bug(
        "same-version-with-other-artifacts",
        JUDGE,
        "draft.reasons.extend(same_version_obstacle(installed, offered));",
        "let _ = same_version_obstacle(installed, offered);",
        "an extension that was tampered with passes for the one that its publisher made",
    )
    .by_tests(),
    // trace: sabotage FC-12.1.2
    bug(
        "range-of-an-extension-ignored",
        JUDGE,
        "let holds = «states.holds_for(&runtime, self.offered.unstated)»;",
        "true",
        "an extension is run by a runtime that it says it does not work with",
    )
    .by_tests(),
    // trace: sabotage FC-12.1.3
    bug(
        "permissions-grow-ungranted",
        JUDGE,
        "draft.reasons.push(if «self.consent.grants.contains(&grant)» {",
        "true",
        "a newer extension may do more, and nobody was asked",
    )
    .by_tests(),
    // trace: sabotage FC-12.1.3
    bug(
        "permission-that-nobody-can-withhold",
        JUDGE,
        "«known.is_none_or(|known| known.iter().any(|known| known.covers(permission)))»",
        "true",
        "an extension has a permission that the runtime does not know, and so cannot withhold",
    )
    .by_tests(),
    // trace: sabotage FC-12.2
    bug(
        "obstacle-does-not-reject",
        PLANNING,
        "if «!obstacles.is_empty()» { return self.planned(Fate::Rejected,",
        "false",
        "an extension goes on that does not fit",
    )
    .by_tests(),
    // trace: sabotage FC-12.3
    bug(
        "order-of-extensions-left-to-chance",
        PLANNING,
        "extensions.sort_by(|a, b| (&a.identity, &a.directory).cmp(&(&b.identity, &b.directory)));",
        "static RUNS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0); \
         extensions.sort_by(|a, b| (&a.identity, &a.directory).cmp(&(&b.identity, &b.directory))); \
         if RUNS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2 == 1 { extensions.reverse(); }",
        "two plans for the same home differ, so that no approval holds",
    )
    .by_tests(),
];
