use super::*;
use std::fs;

use versioning::GenerationNumber;

fn now() -> Timestamp {
    Timestamp::EPOCH
}

fn confirmed() -> Event {
    Event::Confirmed { generation: GenerationNumber::FIRST }
}

fn aborted(length: usize) -> Event {
    Event::Aborted { reason: "x".repeat(length) }
}

/// A journal with its first record, in a directory that lives as long as what is returned first.
fn journal() -> (tempfile::TempDir, PathBuf, Journal) {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("journal");
    let event = Event::Initialized { format: 1, product: "test".to_owned(), replaces: None };
    let journal = Journal::create(&directory, event, now()).unwrap();
    (root, directory, journal)
}

/// Appends records of some thousand bytes.
fn append_until(journal: &mut Journal, is_enough: impl Fn(&Journal) -> bool) {
    for _ in 0..100 {
        if is_enough(journal) {
            return;
        }
        journal.append(0, aborted(5_000), now()).unwrap();
    }
    panic!("{} bytes are left", journal.reserved());
}

fn size(directory: &Path) -> u64 {
    fs::metadata(directory.join(RECORDS_FILE)).unwrap().len()
}

/// A handle that the operating system refuses to write through.
fn unwritable(path: &Path) -> File {
    File::open(path).unwrap()
}

#[test]
fn a_fresh_journal_has_one_reserve() {
    let (_root, directory, journal) = journal();
    assert_eq!(journal.reserved(), RESERVE_BYTES as u64);
    assert_eq!(size(&directory), journal.end + journal.reserved());
    // Enough for an operation: a record of the largest size at each of its steps.
    assert!(journal.reserved() >= 4 * MAXIMUM_RECORD_BYTES as u64);
}

#[test]
fn a_reserve_is_twice_what_an_operation_needs_whatever_was_used_of_the_last_one() {
    let (_root, directory, mut journal) = journal();
    let reserve = RESERVE_BYTES as u64;
    for _ in 0..3 {
        journal.reserve().unwrap();
        assert!((2 * reserve..=4 * reserve).contains(&journal.reserved()));
        let before = size(&directory);
        assert_eq!(before, journal.end + journal.reserved());
        // There is enough, also behind the next record: nothing is done.
        journal.append(0, confirmed(), now()).unwrap();
        journal.reserve().unwrap();
        assert_eq!(size(&directory), before);
        append_until(&mut journal, |journal| journal.reserved() < 2 * reserve);
        assert_eq!(size(&directory), before);
        assert!(journal.reserved() > reserve);
    }
    assert_eq!(Journal::open(&directory).unwrap().0.records(), journal.records());
}

#[test]
fn an_append_beyond_the_reserve_makes_the_file_longer() {
    let (_root, directory, mut journal) = journal();
    append_until(&mut journal, |journal| journal.reserved() == 0);
    assert_eq!(size(&directory), journal.end);
    let (again, repair) = Journal::open(&directory).unwrap();
    assert_eq!((again.records(), repair), (journal.records(), Repair::None));
    assert_eq!(again.reserved(), 0);
}

#[test]
fn after_an_append_that_failed_nothing_more_goes_through_the_handle() {
    let (_root, directory, mut journal) = journal();
    assert!(!journal.outcome_unknown());
    journal.append(0, confirmed(), now()).unwrap();
    assert!(!journal.outcome_unknown());
    let writable = std::mem::replace(&mut journal.file, unwritable(&directory.join(RECORDS_FILE)));
    assert!(matches!(journal.append(0, confirmed(), now()), Err(Error::File(_))));
    assert!(journal.outcome_unknown());
    // Not even if it could be written to again.
    journal.file = writable;
    assert!(matches!(journal.append(0, confirmed(), now()), Err(Error::OutcomeUnknown)));
    let (again, repair) = Journal::open(&directory).unwrap();
    assert_eq!((again.records().len(), repair), (2, Repair::None));
    assert!(!again.outcome_unknown());
}

#[test]
fn a_record_whose_acknowledgement_failed_is_acknowledged_by_whoever_opens_next() {
    let (_root, directory, mut journal) = journal();
    journal.witness = unwritable(&directory.join(WITNESS_FILE));
    assert!(matches!(journal.append(0, confirmed(), now()), Err(Error::File(_))));
    assert!(journal.outcome_unknown());
    assert_eq!(journal.records().len(), 1);
    let (again, repair) = Journal::open(&directory).unwrap();
    assert_eq!((again.records().len(), repair), (2, Repair::Acknowledged));
}

#[test]
fn a_reserve_that_cannot_be_made_leaves_the_handle_usable() {
    let (_root, directory, mut journal) = journal();
    let writable = std::mem::replace(&mut journal.file, unwritable(&directory.join(RECORDS_FILE)));
    assert!(matches!(journal.reserve(), Err(Error::File(_))));
    journal.file = writable;
    assert_eq!(journal.reserved(), RESERVE_BYTES as u64);
    journal.append(0, confirmed(), now()).unwrap();
    assert_eq!(Journal::open(&directory).unwrap().0.records().len(), 2);
}

#[test]
fn an_event_fits_if_its_line_is_of_the_largest_size_and_not_if_it_is_larger() {
    let (_root, directory, mut journal) = journal();
    let around = journal.end;
    journal.append(0, aborted(0), now()).unwrap();
    // Of a record of as many digits, without its newline.
    let around = usize::try_from(journal.end - around).unwrap() - 1;
    let fits = MAXIMUM_RECORD_BYTES - around;
    let before = size(&directory);
    match journal.append(0, aborted(fits + 1), now()) {
        Err(Error::EventTooLarge { bytes, limit }) => {
            assert_eq!((bytes, limit), (MAXIMUM_RECORD_BYTES as u64 + 1, bytes - 1));
        }
        other => panic!("{other:?}"),
    }
    assert!(!journal.outcome_unknown());
    journal.append(0, aborted(fits), now()).unwrap();
    // A reason that takes pages is still an event.
    journal.append(0, aborted(10_000), now()).unwrap();
    assert_eq!(size(&directory), before);
    let (again, repair) = Journal::open(&directory).unwrap();
    assert_eq!((again.records(), repair), (journal.records(), Repair::None));
}

#[test]
fn what_is_torn_is_gone_from_the_disk_once_the_journal_is_open() {
    let (_root, directory, mut journal) = journal();
    journal.append(0, confirmed(), now()).unwrap();
    let path = directory.join(RECORDS_FILE);
    let (end, size) = (usize::try_from(journal.end).unwrap(), size(&directory));
    let sound = fs::read(&path).unwrap();
    // Longer than the record that will be written over its beginning.
    let torn = [&sound[..end], &[b'x'; 3000], &sound[end + 3000..]].concat();
    fs::write(&path, torn).unwrap();
    let (again, repair) = Journal::open(&directory).unwrap();
    assert_eq!((again.records().len(), repair), (2, Repair::TornTail));
    assert_eq!(fs::read(&path).unwrap(), sound);
    assert_eq!(again.end + again.reserved(), size);
}

#[test]
fn a_witness_that_can_be_read_is_never_replaced() {
    let (_root, directory, mut journal) = journal();
    journal.append(0, confirmed(), now()).unwrap();
    let path = directory.join(WITNESS_FILE);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(replace_witness(&directory).unwrap(), journal.records());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    // What stands behind the records may have been acknowledged: without a witness nobody can tell.
    fs::remove_file(&path).unwrap();
    let records = directory.join(RECORDS_FILE);
    let mut torn = fs::read(&records).unwrap();
    torn.extend(b"{\"seq\":2");
    fs::write(&records, torn).unwrap();
    assert!(matches!(replace_witness(&directory), Err(Error::WitnessUnreadable { .. })));
    assert!(!path.exists());
}
