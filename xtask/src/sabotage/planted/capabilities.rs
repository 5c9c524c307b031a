//! What becomes of capabilities and policies.

use super::{Planted, bug};

const RENAME: &str = "crates/capability-migration/src/rename.rs";
const REGISTRY: &str = "crates/capability-migration/src/migrate_registry.rs";
const MIGRATE_1_0: &str = "crates/capability-migration/src/migrate_1_0.rs";
const MIGRATE_2: &str = "crates/capability-migration/src/migrate_2.rs";
const AUTHORITY: &str = "crates/upgrade/src/plan/authority.rs";

pub(super) const BUGS: &[Planted] = &[
    // trace: sabotage FC-11.1.1
    bug(
        "given-up-id-used-again",
        REGISTRY,
        "if «before.get(id.as_str()).is_some() || self.registry.retired().iter().any(retired)» {",
        "false",
        "an id comes to stand for something else than it did",
    )
    .by_tests(),
    // trace: sabotage FC-11.1.1
    bug(
        "rename-onto-a-taken-id",
        RENAME,
        "if «registry.get(to.as_str()).is_some() || retired()» {",
        "false",
        "two capabilities become one",
    )
    .by_tests(),
    // trace: sabotage FC-11.1.2
    bug(
        "other-parameters-under-one-id",
        REGISTRY,
        "Some(offered) if «meaning(&offered.parameters) != meaning(&kept.parameters)» => {",
        "false",
        "a capability takes other arguments than its policies were written for",
    )
    .by_tests(),
    // trace: sabotage FC-11.1.3
    bug(
        "allowance-not-carried-over",
        MIGRATE_1_0,
        "effect: if «certainly(votes)» {",
        "false",
        "after an upgrade nobody can do what was allowed",
    )
    .by_tests(),
    // trace: sabotage FC-11.1.3
    bug(
        "denial-lost-by-a-rename",
        MIGRATE_2,
        "for (_, new) in lost { rules.push(to(new.as_str())?); }",
        "drop(lost);",
        "what was denied under the former id is not denied under the new one",
    )
    .by_tests(),
    // trace: sabotage FC-11.2
    bug(
        "rule-for-a-free-name-given-to-a-renamed-capability",
        MIGRATE_2,
        "(true, Effect::Allow) => «Ok(vec![])»,",
        "Ok(vec![rule.clone()])",
        "a rule that never had an effect comes to allow something",
    )
    .by_tests(),
    // trace: sabotage FC-11.3
    bug(
        "new-id-not-reported",
        REGISTRY,
        "self.report.note(format_args!(\"capability {from}\"), format!(\"is called {to} from now on\"));",
        "",
        "whoever used a capability cannot see what it is called now",
    )
    .by_tests(),
    // trace: sabotage FC-11.3
    bug(
        "denials-not-shown",
        AUTHORITY,
        "newly_denied: «newly_denied.iter().map(ToString::to_string).collect()»,",
        "Vec::new()",
        "nobody sees what will not be allowed any more",
    )
    .by_tests(),
];
