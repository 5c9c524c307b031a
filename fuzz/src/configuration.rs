//! The configuration of FemtoClaw 1.0.3, on its way to 2.0.0 (FC-UPGRADE-0001 §10).
//!
//! Whatever the bytes are: what comes out is a valid configuration of 2.0.0, the same on every run, and nobody is shown the
//! key, neither by the report nor by a refusal.

use femtoclaw_catalogue::FemtoClaw;
use serde_json::Value;
use upgrade::{Catalogue, Files, MigratedConfiguration};
use versioning::ConfigurationSchema;

use crate::{Outcome, Verdict, insist, require};

/// Shorter keys may well be part of a word that a message needs.
const SHORTEST_KEY: usize = 12;

type Migrated = Result<MigratedConfiguration, Vec<String>>;

/// What was observed.
#[derive(Debug, Clone)]
struct Observed {
    first: Migrated,
    second: Migrated,
    /// What 2.0.0 says of the files that came out.
    validated: Option<Result<(), Vec<String>>>,
    /// The key, if there is one that is long enough to be told from other text.
    key: Option<String>,
}

/// Hands the bytes to the migration.
pub fn run(data: &[u8]) -> Outcome {
    insist(judge(&observe(data)))
}

fn observe(data: &[u8]) -> Observed {
    let files = Files::from([("config/config.json".to_owned(), data.to_vec())]);
    let (from, to) = (ConfigurationSchema::new(1), ConfigurationSchema::new(2));
    let migrate = || FemtoClaw.migrate_configuration(from, to, &files);
    let first = migrate();
    let validated =
        first.as_ref().ok().map(|migrated| FemtoClaw.validate_configuration(to, &migrated.files));
    Observed { first, second: migrate(), validated, key: key_of(data) }
}

fn key_of(data: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(data).ok()?;
    let key = value.get("brain")?.get("api_key")?.as_str()?.to_owned();
    // What is part of anything else in there is not given away by a message that names that.
    let occurs_once = String::from_utf8_lossy(data).matches(&key).count() == 1;
    (key.len() >= SHORTEST_KEY && occurs_once).then_some(key)
}

fn judge(observed: &Observed) -> Verdict {
    require(observed.first == observed.second, "the same configuration gives different results")?;
    let shown = match &observed.first {
        Ok(migrated) => &migrated.changes,
        Err(reasons) => reasons,
    };
    let shows_key = |key: &String| shown.iter().any(|sentence| sentence.contains(key.as_str()));
    require(!observed.key.as_ref().is_some_and(shows_key), "the key is shown")?;
    require(!shown.is_empty(), "neither a change nor a reason is given")?;
    match (&observed.first, &observed.validated) {
        (Err(_), _) => Ok(Outcome::Refused),
        (Ok(_), Some(Ok(()))) => Ok(Outcome::Accepted),
        (Ok(_), other) => Err(format!("what comes out is not valid: {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = br#"{"brain":{"backend":"openai","api_key":"sk-NOT-A-REAL-KEY"},"logging":{"level":"info"}}"#;

    #[test]
    fn a_configuration_is_taken_and_what_is_none_refused() {
        assert_eq!(run(GOOD), Outcome::Accepted);
        for bad in [&b""[..], b"[]", b"{", b"{\"brain\":{\"backend\":7}}", b"\xff"] {
            assert_eq!(run(bad), Outcome::Refused, "{}", String::from_utf8_lossy(bad));
        }
    }

    /// The oracle is shown what a broken migration would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let observed = observe(GOOD);
        assert!(observed.key.is_some());
        let telling = vec!["brain.api_key: sk-NOT-A-REAL-KEY".to_owned()];
        let mut shown = observed.first.clone().unwrap();
        shown.changes.clone_from(&telling);
        let mut silent = observed.first.clone().unwrap();
        silent.changes.clear();
        let both = |result: Migrated| Observed {
            first: result.clone(),
            second: result,
            ..observed.clone()
        };
        let sabotages = [
            both(Ok(shown)),
            both(Err(telling)),
            both(Ok(silent)),
            both(Err(Vec::new())),
            Observed { second: Err(vec!["another".to_owned()]), ..observed.clone() },
            Observed { validated: Some(Err(vec!["not valid".to_owned()])), ..observed.clone() },
        ];
        for sabotage in sabotages {
            assert!(judge(&sabotage).is_err(), "{sabotage:?}");
        }
    }
}
