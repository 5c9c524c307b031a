//! One check made again that is not about a state that a crash left: damage behind a crash, what was relied on, rot and
//! forgery. The part of the campaign that came to it makes it, and nothing else is judged there.

use serde_json::json;
use sim::images::Profile;

use crate::campaign::Campaign;
use crate::hooks;
use crate::report::Violation;
use crate::scenario::Scenario;
use crate::session::Session;

/// The name of something that is no state that a crash left, such as `rot:rollback:1:/home/journal/records.jsonl:bit-rot@7.3`,
/// `confirm:1:posix-quick:damage:12` or `confirm:1:kill-quick:12.again`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) id: String,
    scenario: Scenario,
    seed: u64,
}

impl Check {
    /// Reads its name.
    pub(crate) fn named(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.split(':').collect();
        let (name, seed) = match parts.as_slice() {
            ["rot" | "forgery", name, seed, _, ..] => (name, seed),
            [name, seed, _, "damage", _] | [name, seed, _, _, _] => (name, seed),
            [name, seed, _, again] if again.ends_with(".again") => (name, seed),
            _ => return None,
        };
        let (scenario, _) = name.split_once('+').unwrap_or((name, ""));
        let (scenario, seed) = (Scenario::named(scenario)?, seed.parse().ok()?);
        Some(Self { id: id.to_owned(), scenario, seed })
    }

    /// Makes it again, and tells what is broken. Returns whether everything holds.
    pub(crate) fn run(&self, keep: bool, json: bool) -> bool {
        let id = &self.id;
        let found = match self.judge() {
            Ok(found) => found,
            Err(why) => {
                eprintln!("{id}: {why}");
                return false;
            }
        };
        let ok = found.is_none();
        let said = match &found {
            None if json => json!({ "type": "replay", "id": id, "ok": ok }).to_string(),
            None => format!("{id}: everything holds"),
            Some(Violation { judge, what, .. }) if json => {
                let line =
                    json!({ "type": "replay", "id": id, "ok": ok, "judge": judge, "what": what });
                line.to_string()
            }
            Some(Violation { judge, what, .. }) => format!("{id}: {judge} says: {what}"),
        };
        if let Some(Violation { judge, what, .. }) = found.as_ref().filter(|_| keep) {
            super::keep(id, judge, what);
        }
        println!("{said}");
        ok
    }

    /// Makes it again. Returns what is broken, if anything is.
    ///
    /// # Errors
    /// If no campaign comes to it.
    pub(super) fn judge(&self) -> Result<Option<Violation>, String> {
        for quick in [true, false] {
            let campaign = Campaign {
                seed: self.seed,
                scenarios: vec![self.scenario.clone()],
                profiles: Profile::ALL.to_vec(),
                states: None,
                budget: None,
                depth: Some(1),
                shard: (0, 1),
                quick,
            };
            hooks::freeze(self.seed);
            let mut session = Session::new((0, 1), None, u64::MAX).judging_only(&self.id);
            campaign.run_beside_crashes(&mut session);
            if session.came_to_it() {
                let kept = session.report.kept;
                return Ok(kept.into_iter().find(|violation| violation.id == self.id));
            }
        }
        Err("no campaign comes to it".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_state_of_a_crash_has_a_name_too() {
        for id in [
            "rot:rollback:1:/home/journal/records.jsonl:bit-rot@7.3",
            "forgery:rollback:1:/home/lock:-it-is-gone",
            "confirm:1:posix-quick:damage:12",
            "confirm+sync-eio@3:1:kill-quick:damage:12",
            "confirm:1:kill-quick:12.3:posix",
            "confirm:1:kill-quick:12.again",
        ] {
            assert_eq!(Check::named(id).unwrap().seed, 1, "{id}");
        }
        for id in
            ["banana", "confirm:1", "rot:nothing:1:/home/lock:bit-rot@7.3", "confirm:1:kill:1.1"]
        {
            assert_eq!(Check::named(id), None, "{id}");
        }
    }
}
