//! Migration metadata, exactly with what was migrated.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;
use sim::disk::Fingerprint;
use upgrade::Event;

use super::{Case, Judge, Verdict, file, generation_path, member};
use crate::observe::{Found, State};

// trace: invariant FC-23.2
// trace: invariant FC-9.1 FC-9.2.1 FC-9.2.2 FC-9.2.3 FC-9.3
pub(super) const JUDGE: Judge = Judge {
    name: "metadata",
    claim: "migration metadata is there with every migrated generation, as the journal has it, and with no other",
    clause: "§9",
    judge,
};

/// Plan and target of a migration, as a manifest has them; none if it was adopted.
type Metadata = Option<(String, Value)>;

/// So many manifests are remembered.
const MOST_REMEMBERED: usize = 100_000;

thread_local! {
    /// Manifests that were read before, by their fingerprint.
    static READ: RefCell<BTreeMap<Fingerprint, Metadata>> = const { RefCell::new(BTreeMap::new()) };
}

fn judge(case: &Case<'_>) -> Verdict {
    let (Found::Home(home), Some(State::Home { contents, .. })) =
        (&case.seen.found, case.seen.found.state())
    else {
        return Verdict::NotApplicable;
    };
    for number in contents.keys() {
        let prepared = home.records.iter().rev().find_map(|record| match &record.event {
            Event::Prepared { from, to, target, plan, .. } if to == number => {
                Some((from.is_some(), plan.to_string(), serde_json::to_value(target).ok()?))
            }
            _ => None,
        });
        // Of what a journal that was lost knew, nothing is known.
        let Some((migrated, plan, target)) = prepared else { continue };
        let path = format!("{}/manifest.json", generation_path(*number));
        let found = case.seen.disk.fingerprint_below(&path).and_then(|fingerprint| {
            READ.with_borrow_mut(|read| {
                if read.len() >= MOST_REMEMBERED {
                    read.clear();
                }
                let entry = read.entry(fingerprint);
                Some(entry.or_insert_with(|| metadata(file(&case.seen.disk, &path)?)).clone())
            })
        });
        let wanted = migrated.then_some((plan, target));
        if found != Some(wanted) {
            return Verdict::Broken(format!(
                "the migration metadata of generation {number} is not what the journal has"
            ));
        }
    }
    Verdict::Held
}

fn metadata(manifest: Vec<u8>) -> Metadata {
    let manifest: Value = serde_json::from_slice(&manifest).ok()?;
    let migration = member(&manifest, "migration")?;
    Some((migration.get("plan")?.as_str()?.to_owned(), migration.get("target")?.clone()))
}
