//! Syncs of a recording that are left out in turn: the simulator does that by itself, and here it is asked scenario by scenario.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What came of the syncs of several scenarios together.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    planted: u64,
    caught: u64,
    /// How many are redundant, by the reason.
    redundant: BTreeMap<String, u64>,
    missed: Vec<Value>,
}

impl LeftOut {
    /// Adds what the simulator says of one scenario. Returns how many syncs were left out there, and how many of them were caught.
    ///
    /// # Errors
    /// If that is not what it says of left-out syncs.
    pub(super) fn add(&mut self, said: &Value) -> Result<[u64; 2], String> {
        let strange = || format!("the simulator says of the syncs that it left out: {said}");
        let count = |name: &str| said.get(name).and_then(Value::as_u64).ok_or_else(strange);
        let list = |name: &str| said.get(name).and_then(Value::as_array).ok_or_else(strange);
        let [planted, caught] = [count("planted")?, count("caught")?];
        self.planted += planted;
        self.caught += caught;
        for entry in list("redundant")? {
            let parts = entry.as_str().and_then(|entry| entry.split_once(": "));
            let (number, why) = parts.ok_or_else(strange)?;
            let number: u64 = number.parse().map_err(|_| strange())?;
            *self.redundant.entry(why.to_owned()).or_default() += number;
        }
        self.missed.extend_from_slice(list("missed")?);
        Ok([planted, caught])
    }

    /// What the simulator would say of all of them.
    pub(super) fn together(&self) -> Value {
        let redundant = self.redundant.iter().map(|(why, number)| format!("{number}: {why}"));
        json!({
            "type": "sabotage", "planted": self.planted, "caught": self.caught,
            "redundant": redundant.collect::<Vec<_>>(), "missed": self.missed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_added_up() {
        let one =
            json!({"planted": 5, "caught": 2, "redundant": ["2: a: b", "1: c"], "missed": []});
        let two = json!({"planted": 3, "caught": 1, "redundant": ["1: c"], "missed": ["x"]});
        let mut all = LeftOut::default();
        assert_eq!(all.add(&one), Ok([5, 2]));
        assert_eq!(all.add(&two), Ok([3, 1]));
        let together = all.together();
        assert_eq!((&together["planted"], &together["caught"]), (&json!(8), &json!(3)));
        assert_eq!(together["redundant"], json!(["2: a: b", "2: c"]));
        assert_eq!(together["missed"], json!(["x"]));
    }

    #[test]
    fn what_is_not_said_is_not_taken_for_nothing() {
        let said = json!({"planted": 5, "caught": 2, "redundant": [], "missed": []});
        LeftOut::default().add(&said).unwrap();
        for name in ["planted", "caught", "redundant", "missed"] {
            let mut without = said.clone();
            without.as_object_mut().unwrap().remove(name);
            assert!(LeftOut::default().add(&without).is_err(), "{name}");
        }
        for entry in [json!("many: a"), json!("a"), json!(3)] {
            let mut other = said.clone();
            other["redundant"] = json!([entry]);
            assert!(LeftOut::default().add(&other).is_err(), "{entry}");
        }
    }
}
