//! Migration metadata, exactly with what was migrated.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;
use sim::disk::{Disk, Fingerprint};
use upgrade::Event;
use versioning::GenerationNumber;

use super::{Case, Judge, Verdict, file, generation_path, member};
use crate::observe::{Found, State};

// trace: invariant FC-23.2
// trace: invariant FC-9.1 FC-9.2.1 FC-9.2.2 FC-9.2.3 FC-9.3
pub(super) const JUDGE: Judge = Judge {
    name: "metadata",
    claim: "migration metadata is there with every migrated generation, as the journal has it, and with no other; it goes on from that before",
    clause: "§9",
    judge,
};

/// What a manifest tells of how its generation came to be.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    /// Plan, previous and target versions of the migration; none if it was adopted.
    migration: Option<(String, Value, Value)>,
    /// Every migration since the adoption.
    applied: Vec<Value>,
    /// Whether records were carried back into it: then it goes on from an older one than it was built from.
    carried_back: bool,
}

/// So many manifests are remembered.
const MOST_REMEMBERED: usize = 100_000;

thread_local! {
    /// Manifests that were read before, by their fingerprint; none if it is none.
    static READ: RefCell<BTreeMap<Fingerprint, Option<Told>>> = const { RefCell::new(BTreeMap::new()) };
}

fn judge(case: &Case<'_>) -> Verdict {
    let (Found::Home(home), Some(State::Home { contents, .. })) =
        (&case.seen.found, case.seen.found.state())
    else {
        return Verdict::NotApplicable;
    };
    for number in contents.keys() {
        let prepared = home.records.iter().rev().find_map(|record| match &record.event {
            Event::Prepared { from, to, previous, target, plan, .. } if to == number => {
                let versions = [previous.as_ref()?, target].map(serde_json::to_value);
                let [Ok(previous), Ok(target)] = versions else { return None };
                Some((*from, Some((plan.to_string(), previous, target))))
            }
            Event::Prepared { to, previous: None, .. } if to == number => Some((None, None)),
            _ => None,
        });
        // Of what a journal that was lost knew, nothing is known.
        let Some((from, migration)) = prepared else { continue };
        let Some(found) = told(&case.seen.disk, *number).filter(|told| told.migration == migration)
        else {
            return Verdict::Broken(format!(
                "the migration metadata of generation {number} is not what the journal has"
            ));
        };
        let before = from.filter(|from| contents.contains_key(from) && !found.carried_back);
        let before = before.and_then(|from| told(&case.seen.disk, from));
        if before.is_some_and(|before| !found.applied.starts_with(&before.applied)) {
            return Verdict::Broken(format!(
                "the migrations of generation {number} do not go on from those before"
            ));
        }
    }
    Verdict::Held
}

/// What the manifest of a generation tells.
fn told(disk: &Disk, number: GenerationNumber) -> Option<Told> {
    let path = format!("{}/manifest.json", generation_path(number));
    let fingerprint = disk.fingerprint_below(&path)?;
    READ.with_borrow_mut(|read| {
        if read.len() >= MOST_REMEMBERED {
            read.clear();
        }
        read.entry(fingerprint).or_insert_with(|| parse(&file(disk, &path)?)).clone()
    })
}

fn parse(manifest: &[u8]) -> Option<Told> {
    let manifest: Value = serde_json::from_slice(manifest).ok()?;
    let migration = member(&manifest, "migration").and_then(|migration| {
        let plan = migration.get("plan")?.as_str()?.to_owned();
        Some((plan, migration.get("previous")?.clone(), migration.get("target")?.clone()))
    });
    let applied = manifest.get("applied")?.as_array()?.clone();
    let carried_back = member(&manifest, "carried_from").is_some();
    Some(Told { migration, applied, carried_back })
}
