//! What an operator allows (FC-UPGRADE-0001 §21).
//!
//! Whatever the bytes are: of what is read nothing was passed over, said twice or spelled in a second way; it means the same
//! when it is written and read again; and it allows what it says within its window, the same every time, and nothing else.

use std::collections::BTreeSet;

use integrity::Digest;
use serde_json::Value;
use upgrade::authorization::{
    Action, AuthorizationId, DataPolicy, Denied, GenerationReference, InvalidDocument,
    InvalidStatement, MAXIMUM_WINDOW_DAYS, Situation, Statement,
};
use versioning::{GenerationNumber, Timestamp};

use crate::{Outcome, Verdict, insist, require};

const NANOSECONDS_A_DAY: i128 = 86_400 * 1_000_000_000;

/// What no name can be: it has a control character.
const NOBODY: &str = "\u{1}";

/// What was observed of a statement that was taken.
#[derive(Debug, Clone)]
struct Observed {
    data: Vec<u8>,
    statement: Statement,
    /// The statement, written; none if that is too large.
    written: Option<Vec<u8>>,
    read_again: Option<Statement>,
    /// Whether it allows what it says: asked twice at its first moment, and once at its last.
    allowed: [Result<(), Denied>; 3],
    /// What else it allows, by name.
    also: Vec<&'static str>,
}

/// Hands the bytes to whoever reads statements.
pub fn run(data: &[u8]) -> Outcome {
    match observe(data) {
        None => Outcome::Refused,
        Some(observed) => insist(judge(&observed)),
    }
}

fn observe(data: &[u8]) -> Option<Observed> {
    let statement = Statement::parse(data).ok()?;
    let written = match statement.to_bytes() {
        Ok(bytes) => Some(bytes),
        Err(InvalidStatement::Unwritable(why)) if is_too_large(&why) => None,
        // Told as one that is written as nothing.
        Err(_) => Some(Vec::new()),
    };
    let first = as_it_says(&statement, &statement.grants);
    let last = Situation { now: statement.not_after, ..first };
    Some(Observed {
        data: data.to_vec(),
        read_again: written.as_ref().and_then(|bytes| Statement::parse(bytes).ok()),
        written,
        allowed: [first, first, last].map(|situation| statement.check(&situation)),
        also: also_allowed(&statement),
        statement,
    })
}

fn is_too_large(why: &InvalidStatement) -> bool {
    matches!(why, InvalidStatement::Document(InvalidDocument::TooLarge { .. }))
}

static NONE_USED: BTreeSet<AuthorizationId> = BTreeSet::new();

/// Exactly what the statement allows, at its first moment.
fn as_it_says<'s>(statement: &'s Statement, grants: &'s BTreeSet<String>) -> Situation<'s> {
    Situation {
        now: statement.not_before,
        node: statement.nodes.first().map_or(NOBODY, String::as_str),
        action: &statement.action,
        from: statement.from,
        plan: Some(statement.plan),
        data_policy: statement.data_policy,
        grants,
        keyring_epoch: statement.keyring_epoch,
        consumed: &NONE_USED,
        not_before_at_least: None,
    }
}

/// Everything that differs in one thing from what the statement says, and is allowed all the same.
fn also_allowed(statement: &Statement) -> Vec<&'static str> {
    let as_said = as_it_says(statement, &statement.grants);
    let another = GenerationReference {
        generation: GenerationNumber::new(u64::MAX),
        manifest: Digest::of(b"another"),
    };
    let (target, kind) = (other_target(&statement.action), other_kind(&statement.action));
    let from = if statement.from.is_some() { None } else { Some(another) };
    let data_policy = match statement.data_policy {
        DataPolicy::Preserve => DataPolicy::SetAside,
        DataPolicy::SetAside => DataPolicy::Preserve,
    };
    let mut grants = statement.grants.clone();
    grants.insert(NOBODY.to_owned());
    let used = BTreeSet::from([statement.id]);
    let mut others = vec![
        ("another node", Situation { node: NOBODY, ..as_said }),
        ("another action", Situation { action: &kind, ..as_said }),
        ("another target", Situation { action: &target, ..as_said }),
        ("whether anything is current", Situation { from, ..as_said }),
        ("another current generation", Situation { from: Some(another), ..as_said }),
        ("another plan", Situation { plan: Some(Digest::of(b"another")), ..as_said }),
        ("another data policy", Situation { data_policy, ..as_said }),
        ("another grant", Situation { grants: &grants, ..as_said }),
        (
            "another keyring",
            Situation { keyring_epoch: statement.keyring_epoch.wrapping_add(1), ..as_said },
        ),
        ("once more", Situation { consumed: &used, ..as_said }),
    ];
    if let Some(now) = beside(statement.not_before, -1) {
        others.push(("too early", Situation { now, ..as_said }));
    }
    if let Some(now) = beside(statement.not_after, 1) {
        others.push(("too late", Situation { now, ..as_said }));
    }
    if let Some(began) = beside(statement.not_before, 1) {
        let not_before_at_least = Some(began);
        others.push(("before the journal", Situation { not_before_at_least, ..as_said }));
    }
    let allowed = others.into_iter().filter(|(_, other)| statement.check(other).is_ok());
    allowed.map(|(name, _)| name).collect()
}

fn beside(time: Timestamp, nanoseconds: i128) -> Option<Timestamp> {
    let time = time.unix_nanoseconds().checked_add(nanoseconds)?;
    Timestamp::from_unix_nanoseconds(time)
}

/// The same action, leading elsewhere.
fn other_target(action: &Action) -> Action {
    let elsewhere = |to: &GenerationReference| GenerationReference {
        generation: to.generation,
        manifest: Digest::of(to.manifest.to_string().as_bytes()),
    };
    match action {
        Action::Upgrade { release, version, security_epoch } => Action::Upgrade {
            release: *release,
            version: version.clone(),
            security_epoch: security_epoch.wrapping_add(1),
        },
        Action::Rollback(to) => Action::Rollback(elsewhere(to)),
        Action::Recover(to) => Action::Recover(elsewhere(to)),
        Action::Collect { generations } => {
            let mut fewer = generations.clone();
            fewer.pop_last();
            Action::Collect { generations: fewer }
        }
    }
}

/// Another action, leading to the same where there is such a one.
fn other_kind(action: &Action) -> Action {
    match action {
        Action::Rollback(to) => Action::Recover(*to),
        Action::Recover(to) => Action::Rollback(*to),
        Action::Upgrade { .. } | Action::Collect { .. } => Action::Rollback(GenerationReference {
            generation: GenerationNumber::FIRST,
            manifest: Digest::of(b""),
        }),
    }
}

fn judge(observed: &Observed) -> Verdict {
    let Observed { data, statement, written, read_again, allowed, also } = observed;
    let said: Value =
        serde_json::from_slice(data).map_err(|error| format!("it is no JSON: {error}"))?;
    if let Some(written) = written {
        require(read_again.as_ref() == Some(statement), "written and read again it is another")?;
        let written: Value = serde_json::from_slice(written)
            .map_err(|error| format!("what is written is no JSON: {error}"))?;
        // Whoever reads the document with other eyes reads the same.
        require(in_order(&said) == in_order(&written), "something is spelled in a second way")?;
    }
    let is_plain = !data.contains(&b'\\');
    let length = said.to_string().len();
    require(!is_plain || squeezed(data) == length, "something is said twice")?;
    let window = statement.not_after.unix_nanoseconds() - statement.not_before.unix_nanoseconds();
    let is_window = window > 0 && window <= i128::from(MAXIMUM_WINDOW_DAYS) * NANOSECONDS_A_DAY;
    let [first, again, last] = allowed;
    require(first == again, "the same question has two answers")?;
    require(first.is_ok() == is_window, "what it says is not what it allows at its first moment")?;
    require(last.is_ok() == is_window, "what it says is not what it allows at its last moment")?;
    match also.first() {
        Some(also) => Err(format!("it allows {also} as well")),
        None => Ok(Outcome::Accepted),
    }
}

/// The same, with every list in one order: those of a statement are sets.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Array(values) => {
            let mut values: Vec<Value> = values.iter().map(in_order).collect();
            values.sort_by_key(Value::to_string);
            Value::Array(values)
        }
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), in_order(value))).collect(),
        ),
        other => other.clone(),
    }
}

/// How many bytes there are, but for the white space between values.
fn squeezed(json: &[u8]) -> usize {
    let mut is_text = false;
    let mut counts = |byte: &u8| {
        is_text ^= *byte == b'"';
        is_text || !byte.is_ascii_whitespace()
    };
    json.iter().filter(|byte| counts(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn statements_are_read_and_what_is_none_is_refused() {
        for (name, bytes) in seeds::statements() {
            let expected = if name == "repeated" { Outcome::Refused } else { Outcome::Accepted };
            assert_eq!(run(&bytes), expected, "{name}");
        }
        assert_eq!(run(b"{}"), Outcome::Refused);
    }

    #[test]
    fn white_space_is_counted_within_texts_only() {
        assert_eq!(squeezed(b"{ \"a b\" :\n[ 1 ] }"), "{\"a b\":[1]}".len());
    }

    /// The oracle is shown what a broken statement would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let seed = |wanted| {
            let found = seeds::statements().into_iter().find(|(name, _)| *name == wanted);
            observe(&found.unwrap().1).unwrap()
        };
        let (observed, other) = (seed("upgrade"), seed("window"));
        assert_eq!(judge(&observed), Ok(Outcome::Accepted));
        let replaced = |from: &str, to: &str| {
            let text = String::from_utf8(observed.data.clone()).unwrap();
            assert!(text.contains(from), "{from}");
            Observed { data: text.replacen(from, to, 1).into_bytes(), ..observed.clone() }
        };
        let denied = || Err(Denied::AlreadyUsed);
        let sabotages = [
            replaced("{", "{\"id\": \"another\","),
            replaced("{", "{\"more\": 1,"),
            replaced("00:00:00Z", "00:00:00+00:00"),
            Observed { read_again: None, ..observed.clone() },
            Observed { written: Some(Vec::new()), ..observed.clone() },
            Observed { written: other.written.clone(), ..observed.clone() },
            Observed { allowed: [Ok(()), denied(), Ok(())], ..observed.clone() },
            Observed { allowed: [denied(), denied(), Ok(())], ..observed.clone() },
            Observed { allowed: [Ok(()), Ok(()), denied()], ..observed.clone() },
            Observed { allowed: [Ok(()), Ok(()), Ok(())], ..other },
            Observed { also: vec!["another plan"], ..observed },
        ];
        for (number, sabotage) in sabotages.iter().enumerate() {
            assert!(judge(sabotage).is_err(), "sabotage {number}");
        }
    }
}
