//! A crash, and then damage: the last record that was acknowledged is altered on the disk that a crash left. It must be
//! refused. What cannot be told from a torn append would be cut, and with it what somebody was told is done.

use sim::disk::{Disk, Node};
use sim::images::{Effort, Enumeration, Next, Points, Profile, enumerate};
use sim::world::Logged;

use crate::id::StateId;
use crate::model::{Known, Model};
use crate::observe::{Found, Wanted, observe};
use crate::report::Violation;
use crate::scenario::HOME_ON_DISK;
use crate::session::Session;

/// The name under which it is counted.
pub(crate) const NAME: &str = "damage";

/// What is damaged after a crash.
pub(crate) struct Damaged<'d> {
    pub(crate) before: &'d Disk,
    pub(crate) log: &'d [Logged],
    /// With the journal that the log leaves.
    pub(crate) model: &'d Model,
    /// The run that the log is of.
    pub(crate) id: &'d StateId,
    /// Part of a campaign: what another process judges is passed over.
    pub(crate) sharded: bool,
}

impl Damaged<'_> {
    /// Alters the last acknowledged record at every point at which one was acknowledged, on the disk on which nothing is
    /// that was not synced.
    pub(crate) fn explore(&self, session: &mut Session) {
        let Self { before, log, model, id: run, sharded } = *self;
        let known = Known::all(log);
        let mut marks = 0;
        let (profile, effort) = (Profile::Posix, Effort::QUICK);
        let what =
            Enumeration { before, log, profile, seed: run.seed, effort, points: Points::ALL };
        enumerate(what, &mut |image| {
            // Of the images at a mark, the one on which nothing is kept that was pending.
            if image.marks == marks || !image.kept().is_empty() || image.damage.is_some() {
                return Next::GoOn;
            }
            marks = image.marks;
            if sharded && !session.is_ours(marks as u64) {
                return Next::GoOn;
            }
            let acknowledged = known.get(marks).copied().unwrap_or_default();
            let acknowledged = model.acknowledged(acknowledged);
            if acknowledged == 0 || session.is_over() {
                return Next::GoOn;
            }
            let (mut disk, fingerprint) = (image.disk(), image.fingerprint());
            if !alter_last_record(&mut disk) {
                return Next::GoOn;
            }
            let id = format!("{run}:damage:{}", image.point);
            if !session.about_to_judge(&id) {
                return Next::GoOn;
            }
            let found = observe(&disk, Wanted::default()).found;
            *session.report.judged.entry(NAME.to_owned()).or_default() += 1;
            // What replaces a record that was cut, such as the end of the attempt, is not that record.
            let last = acknowledged - 1;
            let told = match &found {
                Found::Home(home) if home.records.get(last) != model.records.get(last) => Some(
                    "a damaged record that was acknowledged is taken for a torn append".to_owned(),
                ),
                Found::Panicked(said) => Some(format!("it panics: {said}")),
                _ => None,
            };
            session.judged(fingerprint.rotate_left(1), told.is_some());
            if let Some(what) = told {
                session.violate(Violation { id, judge: NAME.to_owned(), what });
            }
            Next::GoOn
        });
    }
}

/// Flips a bit in the middle of the last record.
fn alter_last_record(disk: &mut Disk) -> bool {
    let Some(journal) = disk.lookup(&format!("{HOME_ON_DISK}/journal/records.jsonl")) else {
        return false;
    };
    let Some(Node::File(content)) = disk.inode(journal).map(|inode| &inode.node) else {
        return false;
    };
    let bytes = content.bytes();
    let Some(end) = bytes.iter().rposition(|byte| *byte != b'\n') else { return false };
    let line = bytes.get(..end).and_then(|rest| rest.iter().rposition(|byte| *byte == b'\n'));
    let middle = line.map_or(0, |newline| newline + 1).midpoint(end);
    let Some(byte) = bytes.get(middle) else { return false };
    if let Some(content) = disk.content_mut(journal) {
        content.write(middle as u64, &[byte ^ 1]);
    }
    true
}
