//! Damage that somebody does, or a disk that confuses two blocks: a file is added, cut, made executable, or gone; the
//! journal is cut at a record, and records are exchanged for others that are intact.

use std::sync::Arc;

use sim::disk::{Content, Disk, InodeNumber, Node, Operation};

use crate::scenario::HOME_ON_DISK;

/// The class under which all of it is counted.
pub(crate) const CLASS: &str = "forgery";

/// So many of the last records of a journal are cut off.
const CUT_RECORDS: usize = 3;

/// Every forgery of a home, each with what it is. `others` are the same home with other pasts: their records are
/// intact, and others.
pub(crate) fn all(disk: &Disk, others: &[Disk]) -> Vec<(String, Disk)> {
    let mut forged = of_journal(disk, others).unwrap_or_default();
    forged.extend(of_files(disk));
    forged
}

/// Of the journal: its end is cut off, or records are exchanged.
fn of_journal(disk: &Disk, others: &[Disk]) -> Option<Vec<(String, Disk)>> {
    let mut forged = Vec::new();
    let journal = format!("{HOME_ON_DISK}/journal/records.jsonl");
    let ours = lines(disk, &journal)?;
    for cut in 1..=CUT_RECORDS.min(ours.len().saturating_sub(1)) {
        let kept = ours.get(..ours.len() - cut).unwrap_or_default().to_vec();
        forged.extend(with_lines(
            disk,
            &journal,
            &kept,
            &format!("the last {cut} records are cut off"),
        ));
    }
    for (past, other) in others.iter().enumerate() {
        let theirs = lines(other, &journal)?;
        for (at, (record, own)) in theirs.iter().zip(&ours).enumerate() {
            if record == own {
                continue;
            }
            let mut exchanged = ours.clone();
            exchanged[at].clone_from(record);
            let what = format!("record {at} is exchanged for an intact one of past {past}");
            forged.extend(with_lines(disk, &journal, &exchanged, &what));
        }
        let what = format!("all records are those of past {past}");
        forged.extend(with_lines(disk, &journal, &theirs, &what));
    }
    Some(forged)
}

/// Of each file of the home: one beside it, a byte less, executable or not, gone.
fn of_files(disk: &Disk) -> Vec<(String, Disk)> {
    let mut forged = Vec::new();
    for (path, inode) in disk.paths() {
        let in_home = path.starts_with(&format!("{HOME_ON_DISK}/"));
        let in_generation = path.starts_with(&format!("{HOME_ON_DISK}/generations/"));
        let Some(Node::File(content)) = disk.inode(inode).map(|inode| &inode.node) else {
            continue;
        };
        let Some((directory, name)) = path.rsplit_once('/').filter(|_| in_home) else {
            continue;
        };
        let Some(directory) = disk.lookup(directory) else { continue };
        let name: Arc<str> = Arc::from(name);
        let size = content.size();
        let mode = disk.inode(inode).map_or(0, |inode| inode.mode);
        let changes = [
            ("somebody has added a file beside it", added(disk, directory)),
            (
                "it is a byte shorter",
                vec![Operation::Resize { inode, size: size.saturating_sub(1) }],
            ),
            (
                "it can be executed, or no longer",
                vec![Operation::Mode { inode, mode: mode ^ 0o100 }],
            ),
            ("it is gone", vec![Operation::Leave { directory, name }]),
        ];
        for (what, operations) in changes {
            // Nothing can be shorter than nothing; and nobody asks whether a manifest, or what is of no generation, can be
            // executed.
            let pointless = match operations.first() {
                Some(Operation::Resize { .. }) => size == 0,
                Some(Operation::Mode { .. }) => !in_generation || path.ends_with("/manifest.json"),
                _ => false,
            };
            if pointless {
                continue;
            }
            let mut disk = disk.clone();
            operations.iter().for_each(|operation| disk.apply(operation));
            disk.settle();
            forged.push((format!("{path}: {what}"), disk));
        }
    }
    forged
}

fn added(disk: &Disk, directory: InodeNumber) -> Vec<Operation> {
    let inode = disk.next_inode();
    let node = Node::File(Content::default());
    vec![
        Operation::Create { inode, node, mode: 0o600 },
        Operation::Enter { directory, name: Arc::from("added"), inode },
    ]
}

/// The records of a journal, without what is reserved behind them.
fn lines(disk: &Disk, path: &str) -> Option<Vec<Vec<u8>>> {
    let Node::File(content) = &disk.inode(disk.lookup(path)?)?.node else { return None };
    let bytes = content.bytes();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Some(lines.map(<[u8]>::to_vec).collect())
}

/// The same disk with a journal of these records, as long as it was.
fn with_lines(disk: &Disk, path: &str, lines: &[Vec<u8>], what: &str) -> Option<(String, Disk)> {
    let mut disk = disk.clone();
    let inode = disk.lookup(path)?;
    let content = disk.content_mut(inode)?;
    let size = content.size();
    let mut bytes = lines.join(&b'\n');
    bytes.push(b'\n');
    bytes.resize(bytes.len().max(usize::try_from(size).ok()?), b'\n');
    content.write(0, &bytes);
    Some((format!("{path}: {what}"), disk))
}
