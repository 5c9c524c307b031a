//! Journals as homes write them, and what becomes of them when somebody else has a hand in it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]

use integrity::Digest;
use journal::{Authority, DataPolicy, Event, Operation, Record, RecoveredParent, SignedBy};
use versioning::{GenerationNumber, Timestamp, Versions};

use super::{Follower, NotABehaviour, conform};

fn number(generation: u64) -> GenerationNumber {
    GenerationNumber::new(generation)
}

fn digest() -> Digest {
    Digest::of(b"")
}

fn versions() -> Box<Versions> {
    serde_json::from_value(serde_json::json!({
        "runtime": "2.0.0", "configuration": 1, "storage": 2, "capabilities": 1, "extensions": 1, "protocol": { "major": 1, "minor": 0 }
    }))
    .unwrap()
}

/// An event, written as it is told in these tests: its name in small letters, and what the model knows of it.
fn event(text: &str) -> Event {
    let words: Vec<&str> = text.split(' ').collect();
    let at = |index: usize| words[index].parse::<u64>().unwrap();
    let generation = |index: usize| number(at(index));
    let few = |index: usize| u32::try_from(at(index)).unwrap();
    match words[0] {
        "initialized" => initialized(None),
        "replaced" => initialized(Some(digest())),
        "adopt" => authorized(Operation::Adopt, Authority::Standing),
        "upgrade" => authorized(Operation::Upgrade, Authority::Development),
        "signed-upgrade" => authorized(Operation::Upgrade, Authority::Signed),
        "rollback" => authorized(Operation::Rollback, Authority::Development),
        "signed-rollback" => authorized(Operation::Rollback, Authority::Signed),
        "leave-trial" => authorized(Operation::Rollback, Authority::Standing),
        "recover" => authorized(Operation::Recover, Authority::Development),
        "signed-recover" => authorized(Operation::Recover, Authority::Signed),
        "signed-collect" => authorized(Operation::Collect, Authority::Signed),
        "collect" => authorized(Operation::Collect, Authority::Development),
        "refused" => {
            let (operation, operator) = (Operation::Upgrade, String::new());
            let (error, reason) = (String::new(), String::new());
            Event::Refused { operation, operator, error, reason, authorization: None }
        }
        "keyring" => {
            let (epoch, keyring) = (at(1), digest());
            let (node, operator, signers) = (String::new(), String::new(), Vec::new());
            Event::Keyring { epoch, keyring, node, operator, signers }
        }
        "prepared" => {
            let from = (words[1] != "-").then(|| generation(1));
            let (to, previous) = (generation(2), from.map(|_| versions()));
            let (target, plan) = (versions(), digest());
            Event::Prepared { from, to, previous, target, plan, release: None }
        }
        "quiesced" => {
            Event::Quiesced { generation: generation(1), store: digest(), parts: digest() }
        }
        "sealed" => Event::Sealed { generation: generation(1), manifest: digest() },
        "activated" => Event::Activated { generation: generation(1), tries: few(2) },
        "started" => {
            Event::Started { generation: generation(1), runtime: "2.0.0".parse().unwrap() }
        }
        "tried" => Event::Tried { generation: generation(1), left: few(2) },
        "stopped" => Event::Stopped { generation: generation(1), left: few(2) },
        "closed" => Event::Closed { generation: generation(1), seal: digest() },
        "confirmed" => Event::Confirmed { generation: generation(1) },
        "reverted" => {
            let (from, to) = (generation(1), generation(2));
            let (data, reason) = (DataPolicy::SetAside, String::new());
            Event::Reverted { from, to, data, reason, records: None }
        }
        "aborted" => Event::Aborted { reason: String::new() },
        "recovered" => recovered(generation(1), words.get(2).map(|_| generation(2))),
        "collected" => Event::Collected { generation: generation(1) },
        other => panic!("{other}"),
    }
}

fn initialized(replaces: Option<Digest>) -> Event {
    Event::Initialized { format: 1, product: "test".to_owned(), replaces }
}

fn authorized(operation: Operation, authority: Authority) -> Event {
    let signed = (authority == Authority::Signed).then(|| {
        let (id, statement) = ("id".to_owned(), digest());
        Box::new(SignedBy { id, statement, keyring_epoch: 1, signers: Vec::new() })
    });
    Event::Authorized { operation, authority, operator: String::new(), signed, clock_behind: false }
}

fn recovered(generation: GenerationNumber, parent: Option<GenerationNumber>) -> Event {
    let parent = parent.map(|generation| {
        let (manifest, versions) = (digest(), *versions());
        Box::new(RecoveredParent { generation, manifest, versions, as_sealed: true })
    });
    let (manifest, versions, reason) = (digest(), versions(), String::new());
    let (as_sealed, release) = (false, None);
    Event::Recovered { generation, manifest, versions, as_sealed, parent, reason, release }
}

/// The records of these events, numbered as a journal would number them: only their order and what they say is in question.
fn records(events: &[&str]) -> Vec<Record> {
    let mut open = None;
    let mut records = Vec::new();
    for (seq, text) in (0..).zip(events) {
        let event = event(text);
        let attempt = open.unwrap_or(seq);
        match &event {
            Event::Authorized { .. } => open = Some(attempt),
            Event::Activated { .. }
            | Event::Reverted { .. }
            | Event::Aborted { .. }
            | Event::Recovered { .. }
            | Event::Collected { .. } => open = None,
            _ => {}
        }
        let time = Timestamp::from_unix_nanoseconds(i128::from(seq)).unwrap();
        let (previous, hash) = (digest(), digest());
        records.push(Record { seq, time, attempt, event, previous, hash });
    }
    records
}

const ADOPTED: [&str; 5] = ["initialized", "adopt", "prepared - 1", "sealed 1", "activated 1 0"];

/// From generation 1 to a trial of generation 2.
const UPGRADED: [&str; 5] = ["upgrade", "prepared 1 2", "quiesced 1", "sealed 2", "activated 2 3"];

/// A home that was adopted, and this.
fn adopted(events: &[&'static str]) -> Vec<&'static str> {
    [&ADOPTED[..], events].concat()
}

/// A home that was adopted and upgraded, and this.
fn upgraded(events: &[&'static str]) -> Vec<&'static str> {
    [&ADOPTED[..], &UPGRADED, events].concat()
}

/// A journal as homes write them, and which of its mutations are behaviours too: all others must be refused.
type Typical = (Vec<&'static str>, &'static [&'static str]);

fn typical() -> Vec<Typical> {
    vec![
        // Tried, stopped, tried again, confirmed; then a runtime that is killed, and another upgrade.
        (
            upgraded(&[
                "started 2",
                "tried 2 2",
                "stopped 2 3",
                "closed 2",
                "started 2",
                "tried 2 2",
                "confirmed 2",
                "closed 2",
                "started 2",
                "upgrade",
                "prepared 2 3",
                "closed 2",
                "quiesced 2",
                "sealed 3",
                "activated 3 1",
                "refused",
            ]),
            // Somebody may confirm what is not running, and then it is run.
            &["without 15 (tried 2 2)", "twice 25 (refused)", "without 25 (refused)"],
        ),
        // An attempt that fails, another one, a trial that runs out, and an upgrade that is rolled back.
        (
            adopted(&[
                "upgrade",
                "prepared 1 2",
                "aborted",
                "upgrade",
                "prepared 1 3",
                "quiesced 1",
                "sealed 3",
                "aborted",
                "upgrade",
                "prepared 1 4",
                "quiesced 1",
                "sealed 4",
                "activated 4 2",
                "started 4",
                "tried 4 1",
                "tried 4 0",
                "leave-trial",
                "reverted 4 1",
                "upgrade",
                "prepared 1 5",
                "quiesced 1",
                "sealed 5",
                "activated 5 1",
                "rollback",
                "quiesced 5",
                "reverted 5 1",
            ]),
            &[
                "without 11 (sealed 3)",
                // A runtime may say that it fails while there are tries.
                "without 20 (tried 4 0)",
                // What is left may be unreadable.
                "without 29 (quiesced 5)",
                "without 30 (reverted 5 1)",
            ],
        ),
        // What was written since is carried back into a generation of its own; the first attempt fails.
        (
            upgraded(&[
                "started 2",
                "tried 2 2",
                "rollback",
                "prepared 2 3",
                "closed 2",
                "aborted",
                "rollback",
                "prepared 2 4",
                "quiesced 2",
                "sealed 4",
                "reverted 2 4",
                "started 4",
            ]),
            // A start that was not counted cannot be told from one of before starts were.
            &["without 11 (tried 2 2)", "without 21 (started 4)"],
        ),
        // A keyring, somebody who is turned away, and what is allowed and does not happen.
        (
            adopted(&[
                "refused",
                "keyring 1",
                "signed-upgrade",
                "prepared 1 2",
                "quiesced 1",
                "sealed 2",
                "activated 2 1",
                "confirmed 2",
                "keyring 2",
                "signed-rollback",
                "aborted",
            ]),
            &[
                "without 5 (refused)",
                "twice 5 (refused)",
                "swapped 5 (refused, keyring 1)",
                "without 12 (confirmed 2)",
                "swapped 12 (confirmed 2, keyring 2)",
                "without 13 (keyring 2)",
                "without 15 (aborted)",
            ],
        ),
        // Space is given back.
        (
            upgraded(&[
                "confirmed 2",
                "upgrade",
                "prepared 2 3",
                "quiesced 2",
                "sealed 3",
                "activated 3 1",
                "confirmed 3",
                "collect",
                "collected 1",
            ]),
            &["without 18 (collected 1)"],
        ),
        // A journal that was lost; the decision is interrupted, and made again.
        (
            vec![
                "replaced",
                "keyring 7",
                "signed-recover",
                "aborted",
                "signed-recover",
                "recovered 5 4",
                "keyring 8",
                "signed-upgrade",
                "prepared 5 9",
                "closed 5",
                "quiesced 5",
                "sealed 9",
                "activated 9 2",
                "signed-rollback",
                "quiesced 9",
                "reverted 9 5",
            ],
            &["without 6 (keyring 8)", "without 14 (quiesced 9)", "without 15 (reverted 9 5)"],
        ),
    ]
}

/// Every record left out, told twice, and exchanged with the next.
fn mutations(journal: &[&'static str]) -> Vec<(String, Vec<&'static str>)> {
    let mut all = Vec::new();
    for at in 0..journal.len() {
        let mut without = journal.to_vec();
        let left_out = without.remove(at);
        all.push((format!("without {at} ({left_out})"), without));
        let mut twice = journal.to_vec();
        twice.insert(at, journal[at]);
        all.push((format!("twice {at} ({})", journal[at]), twice));
        if at + 1 < journal.len() && journal[at] != journal[at + 1] {
            let mut swapped = journal.to_vec();
            swapped.swap(at, at + 1);
            all.push((format!("swapped {at} ({}, {})", journal[at], journal[at + 1]), swapped));
        }
    }
    all
}

#[test]
fn what_homes_write_is_a_behaviour_as_far_as_it_goes() {
    for (journal, _) in typical() {
        for end in 0..=journal.len() {
            let found = conform(&records(&journal[..end]));
            assert_eq!(found, Ok(end as u64), "{journal:?}");
        }
    }
}

#[test]
fn of_all_mutations_only_those_pass_that_a_home_could_have_written() {
    let mut refused = 0;
    for (journal, allowed) in typical() {
        let mut passed = Vec::new();
        for (name, mutated) in mutations(&journal) {
            match conform(&records(&mutated)) {
                Ok(_) => passed.push(name),
                Err(_) => refused += 1,
            }
        }
        let allowed: Vec<_> = allowed.iter().map(|name| (*name).to_owned()).collect();
        passed.sort();
        let mut expected = allowed;
        expected.sort();
        assert_eq!(passed, expected, "{journal:?}");
    }
    assert!(refused > 200, "{refused}");
}

/// Journals that the product's table of phases would take, or nearly; and why no home writes them.
#[test]
fn what_no_home_writes_is_refused() {
    let wrong: [(&str, Vec<&'static str>); 21] = [
        ("what was adopted is not run", adopted(&["started 1"])),
        ("a try is counted on a store that is on record as started", upgraded(&["tried 2 2"])),
        ("a start is counted, or it has not happened", upgraded(&["started 2", "closed 2"])),
        ("what runs on is not started again", upgraded(&["started 2", "started 2"])),
        ("no try is counted twice", upgraded(&["started 2", "tried 2 1"])),
        ("no try comes from nowhere", upgraded(&["started 2", "tried 2 2", "stopped 2 2"])),
        (
            "who died gives nothing back",
            upgraded(&["started 2", "tried 2 2", "refused", "stopped 2 3"]),
        ),
        ("who died closes nothing", upgraded(&["started 2", "tried 2 2", "closed 2"])),
        (
            "who has stopped is done",
            upgraded(&["started 2", "tried 2 2", "stopped 2 3", "refused", "closed 2"]),
        ),
        ("a trial is no time for an upgrade", upgraded(&["upgrade"])),
        ("a trial is no time to collect", upgraded(&["collect"])),
        ("what is confirmed is not left by itself", upgraded(&["confirmed 2", "leave-trial"])),
        ("numbers follow each other", adopted(&["upgrade", "prepared 1 3"])),
        (
            "an upgrade closes what it leaves",
            upgraded(&["confirmed 2", "started 2", "upgrade", "prepared 2 3", "quiesced 2"]),
        ),
        (
            "nobody knows what a runtime has left",
            upgraded(&["started 2", "tried 2 2", "rollback", "quiesced 2"]),
        ),
        ("what is rolled back to is the parent", upgraded(&["rollback", "reverted 2 2"])),
        ("what was rolled back is kept", upgraded(&["rollback", "reverted 2 1", "collect"])),
        ("what was rolled back stays", upgraded(&["rollback", "reverted 2 1", "rollback"])),
        ("nobody has signed", adopted(&["signed-upgrade"])),
        ("somebody has to sign", adopted(&["keyring 1", "upgrade"])),
        ("only a lost journal is recovered", adopted(&["recover"])),
    ];
    for (why, journal) in wrong {
        let last = journal.len() as u64 - 1;
        let found = conform(&records(&journal)).expect_err(why);
        assert_eq!(found.seq(), last, "{why}: {found}");
        assert!(matches!(found, NotABehaviour::Impossible { .. }), "{why}: {found}");
    }
}

#[test]
fn a_record_is_told_by_its_place_its_attempt_and_what_could_stand_there() {
    let told = |records: &[Record]| conform(records).unwrap_err().to_string();
    let mut out_of_place = records(&ADOPTED);
    out_of_place[3].seq = 4;
    assert_eq!(told(&out_of_place), "record 4 stands in the place of record 3");
    let mut stranger = records(&ADOPTED);
    stranger[3].attempt = 3;
    assert_eq!(told(&stranger), "record 3 (SEALED) says it belongs to attempt 3, not to 1");
    let mut confirming = records(&ADOPTED);
    confirming[1].event = authorized(Operation::Confirm, Authority::Standing);
    assert_eq!(told(&confirming), "record 1 (AUTHORIZED) says what no record says");
    assert_eq!(
        told(&records(&adopted(&["upgrade", "sealed 2"]))),
        "record 6 (SEALED) cannot stand here, only ABORTED, PREPARED"
    );
    assert_eq!(
        told(&records(&adopted(&["upgrade", "prepared 1 4"]))),
        "record 6 (PREPARED) cannot say this here"
    );
    assert_eq!(
        told(&records(&upgraded(&["aborted"]))),
        "record 10 (ABORTED) cannot stand here, only AUTHORIZED, CONFIRMED, KEYRING, REFUSED, STARTED"
    );
}

#[test]
fn after_an_error_a_follower_goes_on_where_it_stood() {
    let mut follower = Follower::new();
    let good = records(&ADOPTED);
    let bad = records(&["initialized", "adopt", "sealed 1"]);
    follower.step(&good[0]).unwrap();
    follower.step(&good[1]).unwrap();
    assert!(follower.step(&bad[2]).is_err());
    good[2..].iter().for_each(|record| follower.step(record).unwrap());
    assert_eq!(follower.steps(), 5);
}
