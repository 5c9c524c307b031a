//! A crash of one run is looked for in another that does nearly the same.

use std::collections::BTreeMap;

use sim::timeline::Action;
use sim::world::Logged;

use super::made::Crash;

/// How temporary names begin; what follows is random.
const TEMPORARY: &str = "/.tmp";

/// The same crash of another log: what it took, and what came just before it, is the how manieth of its kind that it was.
/// None if something of it is not done there.
pub(super) fn found_again(crash: &Crash, old: &[Logged], new: &[Logged]) -> Option<Crash> {
    let issued = old.get(..crash.point)?;
    if std::ptr::eq(old, new) || new.get(..crash.point).is_some_and(|new| are_same(issued, new)) {
        return Some(crash.clone());
    }
    let found: BTreeMap<_, _> =
        numbered(new).into_iter().enumerate().map(|(at, deed)| (deed, at)).collect();
    let deeds = numbered(issued);
    let place = |at: usize| deeds.get(at).and_then(|deed| found.get(deed)).copied();
    let lost: Option<Vec<usize>> = crash.lost.iter().map(|at| place(*at)).collect();
    let mut lost = lost?;
    lost.sort_unstable();
    let point = match crash.point.checked_sub(1) {
        Some(last) => place(last)? + 1,
        None => 0,
    };
    let is_issued = lost.last().is_none_or(|last| *last < point);
    is_issued.then_some(Crash { point, lost, damage: crash.damage })
}

fn are_same(old: &[Logged], new: &[Logged]) -> bool {
    old.iter().zip(new).all(|pair| match pair {
        (Logged::Mark(old), Logged::Mark(new)) => old == new,
        (old, new) => old.operation() == new.operation() && old.path() == new.path(),
    })
}

/// What is done, and the how manieth time it is.
fn numbered(log: &[Logged]) -> Vec<(String, usize)> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let deeds = log.iter().map(|logged| match logged {
        Logged::Mark(mark) => format!("{mark:?}"),
        Logged::Operation { operation, path, .. } => {
            let (path, _) = path.split_once(TEMPORARY).unwrap_or((path, ""));
            format!("{path} {:?}", Action::of(operation))
        }
    });
    deeds
        .map(|deed| {
            let time = times.entry(deed.clone()).or_default();
            *time += 1;
            (deed, *time)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sim::disk::{Operation, ROOT};
    use sim::world::Mark;

    use super::*;

    fn write(path: &str, inode: u64, data: &[u8]) -> Logged {
        let operation = Operation::Write { inode, offset: 0, data: Arc::from(data) };
        Logged::Operation { operation, path: path.into(), site: None }
    }

    fn sync() -> Logged {
        let operation = Operation::Sync { inode: ROOT };
        Logged::Operation { operation, path: "/home".into(), site: None }
    }

    #[test]
    fn a_crash_is_found_again_by_what_was_done() {
        let old = [sync(), write("/a", 2, b"1"), write("/b", 3, b"1"), Logged::Mark(Mark::Record)];
        let crash = Crash { point: 4, lost: vec![1], damage: None };
        assert_eq!(found_again(&crash, &old, &old), Some(crash.clone()));
        // Two syncs and a file more, which have moved everything, and given other numbers to the files.
        let moved = [sync(), sync(), write("/c", 2, b"1"), sync()];
        let new = [moved.as_slice(), &[write("/a", 4, b"1"), write("/b", 5, b"1")]].concat();
        assert_eq!(found_again(&crash, &old, &new), None, "the mark is not there");
        let new = [new.as_slice(), &[Logged::Mark(Mark::Record), sync()]].concat();
        let there = Crash { point: 7, lost: vec![4], damage: None };
        assert_eq!(found_again(&crash, &old, &new), Some(there));
    }

    #[test]
    fn what_is_not_done_again_is_not_found() {
        let old = [write("/a", 2, b"1"), sync(), write("/a", 2, b"1"), sync()];
        let crash = Crash { point: 4, lost: vec![2], damage: None };
        let once = [write("/a", 2, b"1"), sync(), sync()];
        assert_eq!(found_again(&crash, &old, &once), None, "it is written once");
        let otherwise = [write("/a", 2, b"1"), sync(), write("/a", 2, b"22"), sync()];
        assert_eq!(found_again(&crash, &old, &otherwise), None, "something else is written");
        let late = [write("/a", 2, b"1"), sync(), sync(), write("/a", 2, b"1")];
        assert_eq!(found_again(&crash, &old, &late), None, "it is written behind the crash");
    }
}
