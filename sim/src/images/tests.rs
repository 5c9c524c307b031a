use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::disk::{Content, Node, ROOT};
use crate::world::Mark;

fn logged(operation: Operation) -> Logged {
    Logged::Operation { operation, path: Arc::from(""), site: None }
}

fn file(inode: InodeNumber, name: &str) -> [Operation; 2] {
    [
        Operation::Create { inode, node: Node::File(Content::default()), mode: 0o600 },
        Operation::Enter { directory: ROOT, name: Arc::from(name), inode },
    ]
}

/// A file is made, written, synced, its directory synced, and something acknowledged.
fn log(with_file_sync: bool, with_directory_sync: bool) -> Vec<Logged> {
    let mut operations = file(2, "file").to_vec();
    let data = Arc::from(*b"acknowledged");
    operations.push(Operation::Write { inode: 2, offset: 0, data });
    if with_file_sync {
        operations.push(Operation::Sync { inode: 2 });
    }
    if with_directory_sync {
        operations.push(Operation::Sync { inode: ROOT });
    }
    let mut log: Vec<_> = operations.into_iter().map(logged).collect();
    log.push(Logged::Mark(Mark::Done(0)));
    log
}

fn all(log: &[Logged], profile: Profile, visit: &mut dyn FnMut(&Image<'_>)) -> Coverage {
    let before = &Disk::default();
    let what =
        Enumeration { before, log, profile, seed: 1, effort: Effort::FULL, points: Points::ALL };
    enumerate(what, &mut |image| {
        visit(image);
        Next::GoOn
    })
}

/// Contents of the file in every image after the mark; none where there is no file.
fn after_mark(log: &[Logged], profile: Profile) -> BTreeSet<Option<Vec<u8>>> {
    let mut found = BTreeSet::new();
    all(log, profile, &mut |image| {
        if image.marks == 1 {
            let disk = image.disk();
            let content = disk.lookup("file").and_then(|inode| match &disk.inode(inode)?.node {
                Node::File(content) => Some(content.bytes()),
                _ => None,
            });
            found.insert(content);
        }
    });
    found
}

/// Two files of several pages, one of them synced in between, and a sync that fails.
fn several() -> Vec<Logged> {
    let write = |inode, offset| {
        let data = Arc::from([b'x'; 20_000]);
        Operation::Write { inode, offset, data }
    };
    let [[make_a, name_a], [make_b, name_b]] = [file(2, "a"), file(3, "b")];
    let (sync, failed) = (Operation::Sync { inode: 3 }, Operation::SyncFailed { inode: 2 });
    let begin = [make_a, name_a, make_b, name_b, write(2, 0), write(3, 0), sync];
    let end = [write(2, 20_000), failed, write(3, 20_000), write(2, 40_000)];
    let mut log: Vec<_> = begin.into_iter().chain(end).map(logged).collect();
    log.push(Logged::Mark(Mark::Done(0)));
    log
}

#[test]
fn every_image_is_what_is_pending_at_its_point_without_what_it_loses() {
    let (before, log, effort) = (&Disk::default(), &several(), Effort::FULL);
    for profile in Profile::ALL {
        let (mut losing, mut damaged) = (0, 0);
        all(log, profile, &mut |image| {
            let what = Enumeration { before, log, profile, seed: 1, effort, points: Points::ALL };
            let pending = Pending::at(what, image.point);
            let lost = image.lost();
            assert!(pending.allows(&lost, image.damage), "{profile:?} {} {lost:?}", image.point);
            assert_eq!(pending.disk(&lost, image.damage), image.disk(), "{profile:?} {image:?}");
            assert_eq!(pending.marks, image.marks);
            losing += usize::from(!lost.is_empty());
            damaged += usize::from(image.damage.is_some());
        });
        assert_eq!(losing > 0, profile != Profile::Kill, "{profile:?}");
        assert!(damaged > 0, "{profile:?}");
    }
}

#[test]
fn a_profile_allows_that_what_came_last_is_lost_and_not_what_came_before_it() {
    let (before, log, effort) = (&Disk::default(), &several(), Effort::FULL);
    let allows = |profile, lost: &[usize]| {
        let what = Enumeration { before, log, profile, seed: 1, effort, points: Points::ALL };
        // The names are 1 and 3, the writes that are pending here 4 and 7, of one file.
        Pending::at(what, 8).allows(lost, None)
    };
    for lost in [&[7][..], &[4, 7], &[1, 3, 4, 7], &[]] {
        assert!(allows(Profile::Posix, lost), "{lost:?}");
    }
    assert!(allows(Profile::Posix, &[1]), "one name without the other");
    assert!(!allows(Profile::Posix, &[4]), "what was written to a file before what is there");
    assert!(!allows(Profile::Posix, &[5, 7]), "what was synced");
    assert!(!allows(Profile::Posix, &[0]), "an inode as such");
    assert!(!allows(Profile::Ordered, &[1]), "a sync has made every name durable");
    assert!(allows(Profile::Ordered, &[4, 7]));
    assert!(allows(Profile::Kill, &[]) && !allows(Profile::Kill, &[7]));
}

#[test]
fn what_was_synced_is_in_every_image_after_it_was_acknowledged() {
    let whole = BTreeSet::from([Some(b"acknowledged".to_vec())]);
    for profile in Profile::ALL {
        assert_eq!(after_mark(&log(true, true), profile), whole, "{profile:?}");
    }
}

#[test]
fn what_was_not_synced_is_missing_from_some_image() {
    assert_eq!(after_mark(&log(false, false), Profile::Kill).len(), 1, "a kill takes nothing");
    let posix = after_mark(&log(false, false), Profile::Posix);
    assert!(posix.contains(&None) && posix.contains(&Some(Vec::new())), "{posix:?}");
    assert!(after_mark(&log(true, false), Profile::Posix).contains(&None), "the name");
    let unsynced = log(false, true);
    assert!(after_mark(&unsynced, Profile::Posix).contains(&Some(Vec::new())), "the bytes");
    assert!(
        after_mark(&unsynced, Profile::Ordered).contains(&Some(Vec::new())),
        "the bytes, though the name is durable"
    );
}

#[test]
fn before_it_is_acknowledged_anything_may_be_there() {
    let mut images = 0;
    let coverage = all(&log(true, true), Profile::Posix, &mut |_| images += 1);
    assert_eq!(coverage.images, images);
    assert!(coverage.points >= 3 && coverage.exhaustive == coverage.points, "{coverage:?}");
}

#[test]
fn a_write_may_be_torn_have_a_hole_or_be_nothing_but_a_size() {
    let mut operations = file(2, "file").to_vec();
    operations.push(Operation::Write { inode: 2, offset: 100, data: vec![7; 20_000].into() });
    let log: Vec<_> = operations.into_iter().map(logged).collect();
    let mut found = BTreeSet::new();
    all(&log, Profile::Posix, &mut |image| {
        found.extend(image.damage.map(|damage| format!("{damage:?}")));
    });
    let wanted = [
        "Hole { from: 3996, to: 8092 }",
        "SizeOnly { garbage: false }",
        "SizeOnly { garbage: true }",
        "Torn { after: 3996 }",
        "Torn { after: 4096 }",
        "Torn { after: 412 }",
        "Torn { after: 512 }",
    ];
    assert_eq!(found, BTreeSet::from(wanted.map(str::to_owned)));
}

#[test]
fn behind_a_fault_only_some_of_many_are_lost_alone() {
    let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let operations = (2..).zip(&names).flat_map(|(inode, name)| file(inode, name));
    let log: Vec<_> = operations.map(logged).collect();
    let lost_alone = |effort| {
        let (before, from) = (&Disk::default(), log.len());
        let what = Enumeration {
            before,
            log: &log,
            profile: Profile::Posix,
            seed: 1,
            effort,
            points: Points::from(from),
        };
        let mut alone = BTreeSet::new();
        enumerate(what, &mut |image| {
            alone.extend(<[usize; 1]>::try_from(image.lost()).ok().map(|[lost]| lost));
            Next::GoOn
        });
        alone
    };
    assert_eq!(lost_alone(Effort::QUICK).len(), 100);
    let some = lost_alone(Effort::AFTER_FAULT);
    assert!(some.len() > 16 && some.len() <= 32, "{some:?}");
    assert!(some.iter().any(|lost| *lost > 150), "not spread over all: {some:?}");
}

#[test]
fn no_two_images_have_the_same_number() {
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let mut operations: Vec<_> =
        (2..).zip(&names).flat_map(|(inode, name)| file(inode, name)).collect();
    operations.extend([Operation::Sync { inode: 2 }, Operation::Sync { inode: ROOT }]);
    let log: Vec<_> = operations.into_iter().map(logged).collect();
    for profile in Profile::ALL {
        let (before, log, effort) = (&Disk::default(), &log, Effort::QUICK);
        let mut numbers = BTreeSet::new();
        let mut count = 0;
        enumerate(
            Enumeration { before, log, profile, seed: 1, effort, points: Points::ALL },
            &mut |image| {
                numbers.insert((image.point, image.index));
                count += 1;
                Next::GoOn
            },
        );
        assert_eq!(numbers.len(), count, "{}", profile.name());
    }
}

#[test]
fn images_have_the_same_numbers_wherever_they_are_taken() {
    let names: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    let mut operations: Vec<_> =
        (2..).zip(&names).flat_map(|(inode, name)| file(inode, name)).collect();
    // Behind the first sync little is pending, and what was not taken before it has to be taken at the second all the same.
    let write = |inode| Operation::Write { inode, offset: 0, data: Arc::from(*b"x") };
    operations.extend([write(2), Operation::Sync { inode: ROOT }, write(3)]);
    operations.extend([Operation::Sync { inode: 3 }, write(2)]);
    let log: Vec<_> = operations.into_iter().map(logged).collect();
    for profile in Profile::ALL {
        let taken = |points| {
            let (before, log, effort) = (&Disk::default(), &log, Effort::QUICK);
            let mut taken = Vec::new();
            let what = Enumeration { before, log, profile, seed: 1, effort, points };
            enumerate(what, &mut |image| {
                taken.push((image.point, image.index, image.lost(), image.damage));
                Next::GoOn
            });
            taken
        };
        let all = taken(Points::ALL);
        for from in 0..=log.len() {
            for points in [Points::from(from), Points::spread(from, log.len(), 3)] {
                let wanted = all.iter().filter(|image| points.take(image.0, log.len()));
                let wanted: Vec<_> = wanted.cloned().collect();
                assert_eq!(taken(points), wanted, "{}, {points:?}", profile.name());
            }
        }
    }
}

/// Every disk that a crash could leave, by trying everything: the definition, without any economy.
fn by_definition(log: &[Logged]) -> BTreeSet<(Fingerprint, usize)> {
    let mut found = BTreeSet::new();
    let (mut durable, mut pending, mut marks) = (Disk::default(), Vec::new(), 0);
    for at in 0..=log.len() {
        for chosen in 0..1_u32 << pending.len() {
            let kept = |at: usize| chosen & (1 << at) != 0;
            // Of a file what is kept is kept in order.
            let in_order = |at: usize, operation: &&Operation| {
                let earlier = pending.iter().take(at).enumerate();
                let same = |other: &&Operation| {
                    let of_file = |operation: &Operation| {
                        matches!(operation, Operation::Write { .. } | Operation::Resize { .. })
                    };
                    of_file(operation) && of_file(other) && other.owner() == operation.owner()
                };
                earlier.into_iter().all(|(at, other)| !same(other) || kept(at))
            };
            if !pending
                .iter()
                .enumerate()
                .all(|(at, operation)| !kept(at) || in_order(at, operation))
            {
                continue;
            }
            let mut disk: Disk = durable.clone();
            for (at, operation) in pending.iter().enumerate() {
                if kept(at) || matches!(operation, Operation::Create { .. }) {
                    disk.apply(operation);
                }
            }
            found.insert((disk.settle(), marks));
        }
        match log.get(at) {
            Some(Logged::Mark(_)) => marks += 1,
            Some(Logged::Operation { operation: Operation::Sync { inode }, .. }) => {
                let owned =
                    |operation: &Operation| operation.owner().is_none_or(|owner| owner == *inode);
                for operation in pending.extract_if(.., |operation| owned(operation)) {
                    durable.apply(operation);
                }
            }
            Some(Logged::Operation { operation, .. }) => pending.push(operation),
            None => {}
        }
    }
    found
}

fn any_operation() -> impl Strategy<Value = Logged> {
    let inode = 2_u64..5;
    let name = |number: u64| -> Arc<str> { Arc::from(format!("n{number}")) };
    prop_oneof![
        (inode.clone(), 0_u64..3).prop_map(move |(inode, number)| logged(Operation::Enter {
            directory: ROOT,
            name: name(number),
            inode
        })),
        (0_u64..3).prop_map(move |number| logged(Operation::Leave {
            directory: ROOT,
            name: name(number)
        })),
        (inode.clone(), any::<u8>()).prop_map(|(inode, byte)| logged(Operation::Write {
            inode,
            offset: 0,
            data: Arc::from([byte])
        })),
        (inode.clone(), 0_u64..3)
            .prop_map(|(inode, size)| logged(Operation::Resize { inode, size })),
        inode.prop_map(|inode| logged(Operation::Sync { inode })),
        Just(logged(Operation::Sync { inode: ROOT })),
        Just(Logged::Mark(Mark::Record)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    /// What is taken operation by operation, with all economy, is exactly what the definition allows.
    #[test]
    fn every_disk_that_a_crash_could_leave_is_among_the_images(
        operations in proptest::collection::vec(any_operation(), 0..8)
    ) {
        let created = (2..5).map(|inode| {
            logged(Operation::Create { inode, node: Node::File(Content::default()), mode: 0o600 })
        });
        let mut log: Vec<Logged> = created.collect();
        log.push(logged(Operation::Sync { inode: ROOT }));
        log.extend(operations);
        let mut found = BTreeSet::new();
        let coverage = all(&log, Profile::Posix, &mut |image| {
            if image.damage.is_none() {
                found.insert((image.fingerprint(), image.marks));
            }
        });
        prop_assert_eq!(coverage.points, coverage.exhaustive);
        prop_assert_eq!(found, by_definition(&log));
    }
}

#[test]
fn points_are_spread_from_the_first_to_the_end() {
    let taken = |points: Points, length| -> Vec<usize> {
        (0..=length).filter(|point| points.take(*point, length)).collect()
    };
    assert_eq!(taken(Points::spread(0, 10, 4), 10), [0, 2, 4, 6, 8, 10]);
    assert_eq!(taken(Points::spread(3, 14, 2), 14), [3, 7, 11, 14]);
    assert_eq!(taken(Points::spread(9, 10, 4), 10), [9, 10]);
    assert_eq!(taken(Points::spread(10, 10, 4), 10), [10]);
    assert_eq!(taken(Points::spread(0, 10, 0), 10), [0, 10]);
    assert_eq!(taken(Points::from(8), 10), [8, 9, 10]);
    assert_eq!(taken(Points::NONE, 10), [0; 0]);
}
