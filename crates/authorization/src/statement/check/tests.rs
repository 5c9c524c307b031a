use integrity::Digest;
use versioning::{GenerationNumber, RuntimeVersion};

use super::*;
use crate::made::at;

fn generation(number: u64) -> GenerationReference {
    let manifest = Digest::of(&number.to_be_bytes());
    GenerationReference { generation: GenerationNumber::new(number), manifest }
}

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn upgrade(release: &[u8], security_epoch: u64) -> Action {
    let version = RuntimeVersion::new(2, 0, 0);
    Action::Upgrade { release: Digest::of(release), version, security_epoch }
}

fn statement() -> Statement {
    Statement {
        id: AuthorizationId::new([1; 16]),
        action: upgrade(b"release", 3),
        nodes: texts(&["node-1", "node-2"]),
        from: Some(generation(7)),
        plan: Digest::of(b"plan"),
        data_policy: DataPolicy::Preserve,
        grants: texts(&["network", "shell"]),
        keyring_epoch: 2,
        not_before: at("2026-11-23T00:00:00Z"),
        not_after: at("2026-11-30T00:00:00Z"),
        reason: String::new(),
    }
}

/// What a situation borrows.
struct World {
    action: Action,
    grants: BTreeSet<String>,
    consumed: BTreeSet<AuthorizationId>,
}

impl World {
    /// Where everything is as the statement says.
    fn new() -> Self {
        let consumed = BTreeSet::from([AuthorizationId::new([2; 16])]);
        Self { action: statement().action, grants: texts(&["shell"]), consumed }
    }

    fn situation(&self) -> Situation<'_> {
        Situation {
            now: at("2026-11-25T00:00:00Z"),
            node: "node-2",
            action: &self.action,
            from: Some(generation(7)),
            plan: Some(Digest::of(b"plan")),
            data_policy: DataPolicy::Preserve,
            grants: &self.grants,
            keyring_epoch: 2,
            consumed: &self.consumed,
            not_before_at_least: None,
        }
    }
}

#[test]
fn what_is_as_it_says_is_allowed() {
    let world = World::new();
    assert_eq!(statement().check(&world.situation()), Ok(()));
    // What is granted and not needed is no reason; nor is a plan that there is not.
    let no_grants = BTreeSet::new();
    let situation = Situation { grants: &no_grants, plan: None, ..world.situation() };
    assert_eq!(statement().check(&situation), Ok(()));
    let began = Some(statement().not_before);
    let situation = Situation { not_before_at_least: began, ..world.situation() };
    assert_eq!(statement().check(&situation), Ok(()));
}

#[test]
fn both_ends_of_the_window_are_in_it() {
    let world = World::new();
    let at = |now| statement().check(&Situation { now, ..world.situation() });
    let (first, last) = (statement().not_before, statement().not_after);
    let moved = |time: Timestamp, by| {
        Timestamp::from_unix_nanoseconds(time.unix_nanoseconds() + by).unwrap()
    };
    assert_eq!(at(first), Ok(()));
    assert_eq!(at(last), Ok(()));
    let (early, late) = (moved(first, -1), moved(last, 1));
    assert_eq!(at(early), Err(Denied::NotYetValid { expected: first, found: early }));
    assert_eq!(at(late), Err(Denied::Expired { expected: last, found: late }));
}

#[test]
fn a_window_is_not_empty_and_no_longer_than_a_year_and_a_day() {
    let world = World::new();
    let until = |not_after: &str| {
        Statement { not_after: at(not_after), ..statement() }.check(&world.situation())
    };
    // 366 days from 2026-11-23: there is no 29 February in between.
    assert_eq!(until("2027-11-24T00:00:00Z"), Ok(()));
    assert!(matches!(until("2027-11-24T00:00:00.000000001Z"), Err(Denied::WindowTooLong { .. })));
    for end in ["2026-11-23T00:00:00Z", "2026-11-22T00:00:00Z"] {
        assert!(matches!(until(end), Err(Denied::WindowEmpty { .. })), "{end}");
    }
}

/// Makes one thing differ, which gives one reason.
type Change = fn(&mut Statement);

/// One change for each reason, in the order in which the reasons are documented.
const CHANGES: [(&str, Change); 14] = [
    ("for rollback, not for upgrade", |s| s.action = Action::Rollback(generation(6))),
    ("is for node-1, not for node-2", |s| s.nodes = texts(&["node-1"])),
    ("starts from generation 6 (", |s| s.from = Some(generation(6))),
    ("is for the upgrade to 2.0.0 (", |s| s.action = upgrade(b"other", 3)),
    ("is for the plan blake3:", |s| s.plan = Digest::of(b"other")),
    ("has the data policy set-aside, not preserve", |s| s.data_policy = DataPolicy::SetAside),
    ("does not grant shell", |s| s.grants = texts(&["network"])),
    ("is for epoch 1 of the keyring, and 2 is in force", |s| s.keyring_epoch = 1),
    ("is empty", |s| s.not_after = s.not_before),
    ("is longer than 366 days", |s| s.not_after = at("2028-01-01T00:00:00Z")),
    ("before the present journal began", |s| s.not_before = at("2026-11-21T00:00:00Z")),
    ("holds from 2026-11-26T00:00:00Z on", |s| s.not_before = at("2026-11-26T00:00:00Z")),
    ("held until 2026-11-24T00:00:00Z", |s| s.not_after = at("2026-11-24T00:00:00Z")),
    ("was used already", |s| s.id = AuthorizationId::new([2; 16])),
];

fn denied(changes: &[Change]) -> Denied {
    let mut statement = statement();
    changes.iter().for_each(|change| change(&mut statement));
    let world = World::new();
    let began = Some(at("2026-11-22T00:00:00Z"));
    let situation = Situation { not_before_at_least: began, ..world.situation() };
    statement.check(&situation).unwrap_err()
}

// trace: test FC-21.2
#[test]
fn everything_that_differs_has_its_reason() {
    for (expected, change) in CHANGES {
        let sentence = denied(&[change]).to_string();
        assert!(sentence.contains(expected), "{sentence}\nshould say {expected}");
    }
}

/// Two things differ: the reason is the one that is documented first, unless both changes are of the same field.
#[test]
fn the_first_reason_is_told() {
    let same_field = |a: usize, b: usize| {
        let fields = [0, 1, 2, 0, 4, 5, 6, 7, 8, 8, 10, 10, 8, 13];
        // An end that is moved can make a window with a moved beginning empty or short.
        let window = |n: usize| matches!(n, 8..=12);
        fields[a] == fields[b] || (window(a) && window(b))
    };
    let mut pairs = 0;
    for (first, (expected, change)) in CHANGES.iter().enumerate() {
        for (second, (_, other)) in CHANGES.iter().enumerate().skip(first + 1) {
            if same_field(first, second) {
                continue;
            }
            for order in [[*change, *other], [*other, *change]] {
                let sentence = denied(&order).to_string();
                assert!(sentence.contains(expected), "{first}, {second}: {sentence}");
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, 14 * 13 / 2 - 1 - 10);
}

#[test]
fn every_part_of_a_target_counts() {
    let world = World::new();
    for action in [upgrade(b"other", 3), upgrade(b"release", 4)] {
        let statement = Statement { action, ..statement() };
        assert!(matches!(statement.check(&world.situation()), Err(Denied::OtherTarget { .. })));
    }
    let numbers = |numbers: &[u64]| Action::Collect {
        generations: numbers.iter().copied().map(GenerationNumber::new).collect(),
    };
    let collect = Statement { action: numbers(&[3, 4]), ..statement() };
    for (asked, allowed) in [(&[3, 4][..], true), (&[3], false), (&[3, 4, 5], false)] {
        let action = numbers(asked);
        let verdict = collect.check(&Situation { action: &action, ..world.situation() });
        assert_eq!(verdict.is_ok(), allowed, "{asked:?}");
    }
    let back = Action::Rollback(GenerationReference { manifest: Digest::of(b""), ..generation(6) });
    let rollback = Statement { action: Action::Rollback(generation(6)), ..statement() };
    let verdict = rollback.check(&Situation { action: &back, ..world.situation() });
    assert!(matches!(verdict, Err(Denied::OtherTarget { .. })));
}

#[test]
fn a_journal_that_is_lost_for_one_side_only_is_a_difference() {
    let world = World::new();
    let recover = Action::Recover(generation(6));
    let lost = Statement { action: recover.clone(), from: None, ..statement() };
    let situation = Situation { action: &recover, ..world.situation() };
    assert!(matches!(lost.check(&situation), Err(Denied::FromChanged { expected: None, .. })));
    assert_eq!(lost.check(&Situation { from: None, ..situation }), Ok(()));
    let known = Statement { action: recover.clone(), ..statement() };
    let denied = known.check(&Situation { from: None, ..situation });
    assert!(matches!(denied, Err(Denied::FromChanged { found: None, .. })));
}
