//! The journal on a real file system: what survives, what is cut, what is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]

use std::fs;
use std::path::Path;

use integrity::Digest;
use journal::{Authority, Error, Event, Journal, Operation, RECORDS_FILE, Repair, WITNESS_FILE};
use proptest::prelude::*;
use versioning::{GenerationNumber, Timestamp};

fn at(second: i128) -> Timestamp {
    Timestamp::from_unix_nanoseconds(1_790_000_000_000_000_000 + second * 1_000_000_000).unwrap()
}

fn initialized() -> Event {
    Event::Initialized { format: 1, product: "test".to_owned(), replaces: None }
}

fn activated(generation: u64) -> Event {
    Event::Activated { generation: GenerationNumber::new(generation), tries: 3 }
}

/// A journal of 1 + `appends` records.
fn journal(directory: &Path, appends: u64) -> Journal {
    let mut journal = Journal::create(directory, initialized(), at(0)).unwrap();
    for generation in 1..=appends {
        journal.append(1, activated(generation), at(i128::from(generation))).unwrap();
    }
    journal
}

/// Where each line starts and ends (without its newline).
fn lines(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut start = 0;
    let mut found = Vec::new();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        if at > start {
            found.push((start, at));
        }
        start = at + 1;
    }
    found
}

#[test]
fn what_was_appended_is_read_back_by_everyone() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    let written = journal(&directory, 5).records().to_vec();
    assert_eq!(written.len(), 6);
    assert_eq!(journal::read(&directory).unwrap(), written);
    let (again, repair) = Journal::open(&directory).unwrap();
    assert_eq!((again.records(), repair), (written.as_slice(), Repair::None));
}

#[test]
fn a_hash_is_the_digest_of_the_line_before_the_hash_field() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 3);
    let text = fs::read_to_string(directory.join(RECORDS_FILE)).unwrap();
    let mut previous = Digest::of(b"").to_string();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (body, rest) = line.split_once(",\"hash\":\"").unwrap();
        assert!(body.contains(&format!("\"previous\":\"{previous}\"")), "{line}");
        previous = Digest::of(body.as_bytes()).to_string();
        assert_eq!(rest, format!("{previous}\"}}"));
    }
}

#[test]
fn a_clock_that_goes_back_does_not_disorder_the_history() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    let mut journal = journal(&directory, 3);
    let record = journal.append(1, activated(9), at(-1_000_000)).unwrap();
    assert_eq!(record.time, at(3));
}

#[test]
fn an_attempt_is_numbered_by_its_first_record() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = journal(&root.path().join("journal"), 2);
    let authority = Authority::Development;
    let operation = Operation::Upgrade;
    let (operator, signed) = ("me".to_owned(), None);
    let event = Event::Authorized { operation, authority, operator, signed, clock_behind: false };
    assert_eq!(journal.begin(event, at(9)).unwrap(), 3);
    assert_eq!(journal.records().last().unwrap().attempt, 3);
}

// trace: test FC-7.1 FC-16.3
#[test]
fn every_torn_append_is_cut_and_the_rest_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 3);
    let path = directory.join(RECORDS_FILE);
    let witness = fs::read(directory.join(WITNESS_FILE)).unwrap();
    let mut before = fs::read(&path).unwrap();
    Journal::open(&directory).unwrap().0.append(1, activated(4), at(4)).unwrap();
    let mut after = fs::read(&path).unwrap();
    let (start, end) = lines(&after)[4];
    // Some of the padding is enough.
    before.truncate(end + 600);
    after.truncate(end + 600);
    // The power fails while the line is written: any prefix of it, and any suffix, is on disk, and no witness.
    for cut in start..=end {
        for torn in
            [[&after[..cut], &before[cut..]].concat(), [&before[..cut], &after[cut..]].concat()]
        {
            if torn == after || torn == before {
                continue;
            }
            fs::write(&path, &torn).unwrap();
            fs::write(directory.join(WITNESS_FILE), &witness).unwrap();
            assert_eq!(journal::read(&directory).unwrap().len(), 4);
            let (mut journal, repair) = Journal::open(&directory).unwrap();
            assert_eq!((journal.records().len(), repair), (4, Repair::TornTail), "cut at {cut}");
            assert_eq!(fs::read(&path).unwrap(), before, "cut at {cut}");
            journal.append(1, activated(4), at(4)).unwrap();
            assert_eq!(fs::read(&path).unwrap()[..end], after[..end], "cut at {cut}");
        }
    }
}

// trace: test FC-16.3
#[test]
fn written_records_that_were_never_acknowledged_are_kept_and_acknowledged() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 3);
    let witness = fs::read(directory.join(WITNESS_FILE)).unwrap();
    // One is what a crash leaves; more are left if a sync of the witness failed before, and its page was lost.
    for appends in 1..4 {
        Journal::open(&directory).unwrap().0.append(1, activated(4), at(4)).unwrap();
        fs::write(directory.join(WITNESS_FILE), &witness).unwrap();
        let bytes = fs::read(directory.join(RECORDS_FILE)).unwrap();
        let (journal, repair) = Journal::open(&directory).unwrap();
        assert_eq!((journal.records().len(), repair), (4 + appends, Repair::Acknowledged));
        assert_eq!(fs::read(directory.join(RECORDS_FILE)).unwrap(), bytes);
        assert_eq!(Journal::open(&directory).unwrap().1, Repair::None);
    }
}

#[test]
fn a_journal_whose_witness_is_lost_is_refused_until_somebody_decides() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    let written = journal(&directory, 3).records().to_vec();
    fs::write(directory.join(WITNESS_FILE), b"rot").unwrap();
    assert!(matches!(Journal::open(&directory), Err(Error::WitnessUnreadable { .. })));
    assert_eq!(journal::replace_witness(&directory).unwrap(), written);
    assert_eq!(Journal::open(&directory).unwrap().0.records(), written);
    // A witness that is there is never replaced: it may be all that tells of what is lost.
    let path = directory.join(RECORDS_FILE);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..=lines(&bytes)[2].1]).unwrap();
    journal::replace_witness(&directory).unwrap();
    assert!(matches!(Journal::open(&directory), Err(Error::Truncated { .. })));
}

#[test]
fn a_journal_that_cannot_be_looked_at_is_not_a_missing_one() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    // A link that leads to itself cannot be followed by anybody, whatever their permissions.
    std::os::unix::fs::symlink(&directory, &directory).unwrap();
    assert!(matches!(journal::read(&directory), Err(Error::File(_))));
}

// trace: test FC-18.1.3 FC-20.2.1
#[test]
fn no_flipped_bit_of_an_acknowledged_record_goes_unnoticed() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 3);
    let path = directory.join(RECORDS_FILE);
    let mut intact = fs::read(&path).unwrap();
    let end = lines(&intact)[3].1;
    // Some of the padding is enough.
    intact.truncate(end + 600);
    for byte in 0..=end {
        let mut bytes = intact.clone();
        bytes[byte] ^= 1 << (byte % 8);
        fs::write(&path, &bytes).unwrap();
        // The newline behind a record is part of it.
        let expected = lines(&intact).iter().take_while(|(_, end)| *end < byte).count() as u64;
        match Journal::open(&directory) {
            Err(Error::BrokenChain { seq, .. }) => assert_eq!(seq, expected, "byte {byte}"),
            other => panic!("byte {byte}: {other:?}"),
        }
        assert!(journal::read(&directory).is_err(), "byte {byte}");
    }
}

#[test]
fn damage_in_the_padding_is_no_damage_to_the_history() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 3);
    let path = directory.join(RECORDS_FILE);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() - 1000;
    bytes[middle] = b'x';
    fs::write(&path, &bytes).unwrap();
    let (journal, repair) = Journal::open(&directory).unwrap();
    assert_eq!((journal.records().len(), repair), (4, Repair::TornTail));
}

// trace: test FC-18.1.3
#[test]
fn lost_spliced_swapped_and_replayed_records_are_each_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 4);
    let path = directory.join(RECORDS_FILE);
    let intact = fs::read(&path).unwrap();
    let line = |n: usize| intact[lines(&intact)[n].0..=lines(&intact)[n].1].to_vec();
    let with = |order: &[usize]| {
        let bytes = order.iter().flat_map(|n| line(*n)).collect::<Vec<_>>();
        fs::write(&path, bytes).unwrap();
        Journal::open(&directory).unwrap_err()
    };
    let truncated = with(&[0, 1, 2, 3]);
    assert_eq!(
        truncated.to_string(),
        "the journal ends at record 3, but record 4 was acknowledged"
    );
    assert!(matches!(with(&[0, 1, 3, 4]), Error::BrokenChain { seq: 2, .. }));
    assert!(matches!(with(&[0, 2, 1, 3, 4]), Error::BrokenChain { seq: 1, .. }));
    assert!(matches!(with(&[0, 1, 2, 3, 4, 4]), Error::BrokenChain { seq: 5, .. }));
    assert!(matches!(with(&[1, 2, 3, 4]), Error::BrokenChain { seq: 0, .. }));
    fs::write(&path, b"").unwrap();
    let emptied = Journal::open(&directory).unwrap_err();
    assert!(matches!(emptied, Error::Truncated { acknowledged: 4, .. }));
    assert!(emptied.to_string().contains("ends at record none, but record 4"), "{emptied}");
}

#[test]
fn another_history_is_not_mistaken_for_the_acknowledged_one() {
    let root = tempfile::tempdir().unwrap();
    let (ours, theirs) = (root.path().join("ours"), root.path().join("theirs"));
    journal(&ours, 3);
    let mut other = Journal::create(&theirs, initialized(), at(1)).unwrap();
    (1..=3).for_each(|generation| {
        other.append(1, activated(generation), at(5)).unwrap();
    });
    fs::copy(theirs.join(RECORDS_FILE), ours.join(RECORDS_FILE)).unwrap();
    assert!(matches!(Journal::open(&ours), Err(Error::Forked { seq: 3, .. })));
    fs::remove_file(ours.join(WITNESS_FILE)).unwrap();
    assert!(matches!(Journal::open(&ours), Err(Error::WitnessUnreadable { .. })));
    fs::remove_file(ours.join(RECORDS_FILE)).unwrap();
    assert!(matches!(Journal::open(&ours), Err(Error::Missing { .. })));
}

#[test]
fn a_record_of_a_later_version_is_refused_and_never_cut_off() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 1);
    let path = directory.join(RECORDS_FILE);
    let bytes = fs::read(&path).unwrap();
    let (start, end) = lines(&bytes)[1];
    let line = String::from_utf8(bytes[start..end].to_vec()).unwrap();
    let body = line.split_once(",\"hash\"").unwrap().0.replace("ACTIVATED", "TELEPORTED");
    let hash = Digest::of(body.as_bytes());
    let bytes = [&bytes[..start], format!("{body},\"hash\":\"{hash}\"}}\n").as_bytes()].concat();
    fs::write(&path, bytes).unwrap();
    let error = Journal::open(&directory).unwrap_err();
    assert!(matches!(error, Error::UnknownRecord { seq: 1, .. }), "{error}");
    assert!(error.to_string().contains("TELEPORTED"), "{error}");
}

#[test]
fn appends_into_the_reserve_do_not_grow_the_file() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    let mut journal = journal(&directory, 1);
    journal.reserve().unwrap();
    let size = || fs::metadata(directory.join(RECORDS_FILE)).unwrap().len();
    let before = size();
    for generation in 2..600 {
        journal.append(1, activated(generation), at(9)).unwrap();
    }
    assert_eq!(size(), before);
    journal.reserve().unwrap();
    assert!(size() > before);
    assert_eq!(Journal::open(&directory).unwrap().0.records().len(), 600);
}

#[test]
fn an_event_that_does_not_fit_is_refused_before_anything_is_written() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    let mut journal = journal(&directory, 1);
    let event = Event::Aborted { reason: "x".repeat(20_000) };
    assert!(matches!(journal.append(1, event, at(9)), Err(Error::EventTooLarge { .. })));
    journal.append(1, activated(2), at(9)).unwrap();
    assert_eq!(Journal::open(&directory).unwrap().0.records().len(), 3);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic_or_invent_a_history(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        keep in 0_usize..4,
    ) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("journal");
        let written = journal(&directory, 3).records().to_vec();
        let path = directory.join(RECORDS_FILE);
        let intact = fs::read(&path).unwrap();
        let start = lines(&intact)[keep].0;
        fs::write(&path, [&intact[..start], bytes.as_slice()].concat()).unwrap();
        if let Ok((journal, _)) = Journal::open(&directory) {
            prop_assert_eq!(journal.records(), written.as_slice());
        }
    }
}

/// The intact records that an inspection finds, by their number.
fn found(inspection: &journal::Inspection) -> Vec<u64> {
    inspection.records().map(|record| record.seq).collect()
}

#[test]
fn an_inspection_of_a_sound_journal_is_its_records_and_their_bytes() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    let written = journal(&directory, 4).records().to_vec();
    let bytes = fs::read(directory.join(RECORDS_FILE)).unwrap();
    let end = lines(&bytes).last().unwrap().1 + 1;
    let inspection = journal::inspect(&directory).unwrap();
    assert!(inspection.damage.is_none());
    assert_eq!(inspection.records().cloned().collect::<Vec<_>>(), written);
    assert_eq!(inspection.lines(), &bytes[..end]);
    assert_eq!(inspection.acknowledged, Some(4));
    for (stretch, (start, end)) in inspection.stretches().iter().zip(lines(&bytes)) {
        assert_eq!(stretch.at(), start..end);
        assert!(matches!(stretch, journal::Stretch::Record { misplaced: None, .. }));
    }
    // What is torn behind the records is no part of them.
    fs::write(directory.join(RECORDS_FILE), [&bytes[..end], b"{\"seq\":5,"].concat()).unwrap();
    let inspection = journal::inspect(&directory).unwrap();
    assert!(inspection.damage.is_none());
    assert_eq!(inspection.lines(), &bytes[..end]);
}

#[test]
fn whatever_byte_is_damaged_every_other_record_is_still_found() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 3);
    let path = directory.join(RECORDS_FILE);
    let bytes = fs::read(&path).unwrap();
    let lines = lines(&bytes);
    let end = lines.last().unwrap().1 + 1;
    for at in 0..end {
        let mut altered = bytes[..end].to_vec();
        altered[at] ^= 1;
        fs::write(&path, &altered).unwrap();
        let inspection = journal::inspect(&directory).unwrap();
        assert!(inspection.damage.is_some(), "byte {at}");
        assert_eq!(inspection.lines(), altered, "byte {at}");
        // A newline that is gone takes the record behind it along.
        let lost: Vec<u64> = (0..4)
            .filter(|line| {
                let (start, end) = lines[*line as usize];
                (start..=end).contains(&at) || start == at + 1
            })
            .collect();
        let expected: Vec<u64> = (0..4).filter(|seq| !lost.contains(seq)).collect();
        assert_eq!(found(&inspection), expected, "byte {at}");
    }
}

#[test]
fn a_record_that_is_missing_is_told_by_the_one_behind_it() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 3);
    let path = directory.join(RECORDS_FILE);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').filter(|line| *line != "\n").collect();
    fs::write(&path, [lines[0], lines[2], lines[3]].concat()).unwrap();
    let inspection = journal::inspect(&directory).unwrap();
    assert!(matches!(inspection.damage, Some(Error::BrokenChain { seq: 1, .. })));
    assert_eq!(found(&inspection), [0, 2, 3]);
    let misplaced: Vec<bool> = inspection
        .stretches()
        .iter()
        .map(|stretch| matches!(stretch, journal::Stretch::Record { misplaced: Some(_), .. }))
        .collect();
    assert_eq!(misplaced, [false, true, false]);
}

#[test]
fn rubbish_is_one_stretch_however_much_there_is_of_it() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 1);
    let path = directory.join(RECORDS_FILE);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').filter(|line| *line != "\n").collect();
    let rubbish = "x\n\n".repeat(100_000);
    fs::write(&path, [lines[0], &rubbish, lines[1]].concat()).unwrap();
    let inspection = journal::inspect(&directory).unwrap();
    assert_eq!(inspection.stretches().len(), 3);
    assert_eq!(found(&inspection), [0, 1]);
}

#[test]
fn a_lost_or_damaged_witness_hides_no_record() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    journal(&directory, 2);
    fs::remove_file(directory.join(WITNESS_FILE)).unwrap();
    let inspection = journal::inspect(&directory).unwrap();
    assert!(matches!(inspection.damage, Some(Error::WitnessUnreadable { .. })));
    assert_eq!((found(&inspection), inspection.acknowledged), (vec![0, 1, 2], None));
    fs::remove_file(directory.join(RECORDS_FILE)).unwrap();
    assert!(matches!(journal::inspect(&directory), Err(Error::Missing { .. })));
}
