//! What the model remembers: the durable and the volatile part of a home, its processes, and what they were told.

use crate::disk::{Built, Content, Disk, Name};
use crate::history::{Fate, History, Known, Number, Record};
use crate::invariants::Invariant;

/// How many processes want something of the home. Each of them may upgrade, roll back, collect or run as a runtime; the lock
/// makes a third one indistinguishable from the second.
pub const PROCESSES: usize = 2;

/// What is known of the bytes of a record that no history has taken in yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// Written, not synced: a crash of the machine may take it.
    Written,
    /// On the disk.
    Durable,
    /// A sync of it has failed. Everybody who reads sees it, no further sync writes it, and the disk need not have it.
    Shown,
}

/// A record at the end of the journal that a crash may still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tail {
    /// What it says.
    pub record: Record,
    /// Its bytes.
    pub line: Line,
    /// Whether the witness vouches for it, durably.
    pub vouched: bool,
    /// Whether whoever wrote it was told that it is there.
    pub acknowledged: bool,
}

/// The journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Journal {
    /// Whether it is lost, or holds less than the witness vouches for: nothing is decided by it any more.
    pub lost: bool,
    /// What its acknowledged and durable records amount to.
    pub base: History,
    /// What follows them.
    pub tail: Vec<Tail>,
}

impl Journal {
    /// What everybody who reads it sees.
    pub fn seen(&self) -> History {
        let mut history = self.base.clone();
        self.tail.iter().for_each(|tail| history.apply(tail.record));
        history
    }

    /// Takes in what is durable, vouched for and acknowledged.
    pub fn take_in(&mut self) {
        while let Some(tail) = self.tail.first().copied() {
            if !(tail.line == Line::Durable && tail.vouched && tail.acknowledged) {
                break;
            }
            self.base.apply(tail.record);
            self.tail.remove(0);
        }
    }

    /// What a crash of the machine leaves, with what was not certain or without it. Says whether something was lost that
    /// was acknowledged.
    pub fn crash(&mut self, kept: bool) -> bool {
        let mut forgotten = false;
        let mut there = true;
        let (mut tail, mut lost) = (Vec::new(), self.lost);
        for mut record in std::mem::take(&mut self.tail) {
            there = there && (kept || record.line == Line::Durable);
            if there {
                record.line = Line::Durable;
                tail.push(record);
            } else {
                forgotten |= record.acknowledged;
                lost |= record.vouched;
            }
        }
        self.tail = tail;
        self.lost = lost;
        self.take_in();
        forgotten
    }

    fn is_uncertain(&self) -> bool {
        self.tail.iter().any(|tail| tail.line != Line::Durable)
    }
}

/// How far the building of a generation has come: what is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Build {
    /// Make the staging directory.
    Make,
    /// Clone, migrate and place everything, and verify it.
    Fill,
    /// Sync every file and directory.
    Sync,
    /// Rename it.
    Rename,
    /// Sync the directory that holds its name.
    SyncName,
}

/// What a process does next, with the lock held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Next {
    /// Nothing is going on: it begins something, or leaves.
    Idle,
    /// The attempt that is open goes on.
    Attempt,
    /// It builds.
    Build(Build),
    /// What it has built is durable.
    Built,
    /// A runtime is about to execute.
    Boot,
    /// A runtime executes.
    Execute,
    /// A runtime has stopped in good order, and closes the store.
    Stop,
    /// What nobody refers to is removed.
    Tidy,
}

/// How far the recovery has come that every process begins with, and that ends everything that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Settle {
    /// Staging directories are removed.
    Sweep,
    /// The journal is read.
    Read,
    /// A record that nothing vouches for was written once more, and is to be synced.
    Rewritten,
    /// It is synced, and is to be vouched for.
    Resynced,
    /// What nobody refers to is removed.
    Tidy,
}

/// Where a process is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// There is none: it has not begun, has ended, or was killed.
    #[default]
    Gone,
    /// It puts right what it finds.
    Settling {
        /// How far it is.
        at: Settle,
        /// What it goes on with afterwards, if the record that failed turns out to be there.
        resume: Option<Next>,
    },
    /// It decides that a generation is to be current, because the journal is lost: a new one is being made aside.
    Deciding(Number),
    /// It is about to do something.
    At(Next),
    /// It has written a record.
    Writing {
        /// Which.
        record: Record,
        /// Whether it has synced it.
        synced: bool,
        /// What it does once the record is acknowledged.
        next: Next,
    },
}

/// What is told to people and runtimes, and what happened that no disk shows. No process looks at this.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Told {
    /// Writes of runtimes that were acknowledged, a bit each.
    pub writes: u8,
    /// Whether a crash has taken a record that was acknowledged.
    pub forgotten: bool,
    /// Starts on the trial that goes on that were not given back.
    pub executions: u32,
    /// The highest number that a generation was ever announced under.
    pub highest: Number,
    /// What the last process said is current, if it ended with an answer and nobody has begun anything since.
    pub answer: Option<Option<Number>>,
    /// The first rule that a record has broken when it was written.
    pub broken: Option<Invariant>,
}

/// How much of what is bounded has happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Happened {
    /// Processes that were killed, and failures of the machine. A runtime that dies is not counted.
    pub crashes: u8,
    /// Syncs that failed.
    pub faults: u8,
    /// Generations that rotted.
    pub rots: u8,
    /// Journals that were lost.
    pub losses: u8,
}

/// A state of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// The journal.
    pub journal: Journal,
    /// The generations.
    pub disk: Disk,
    /// Whose the lock is.
    pub lock: Option<usize>,
    /// The processes.
    pub processes: [Process; PROCESSES],
    /// What was told.
    pub told: Told,
    /// What has happened.
    pub happened: Happened,
}

impl State {
    /// Before there is a home.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A home that has adopted an installation as generation 1.
    pub fn adopted() -> Self {
        let mut state = Self::default();
        let (number, parent) = (1, None);
        let (name, content) = (Name::Durable, Content::Durable);
        state.disk.place(Built { number, parent, name, content, writes: 0 });
        let (fate, open, adopted) = (Fate::Kept, false, true);
        state.journal.base.begun = true;
        state.journal.base.current = Some(number);
        state.journal.base.known.push(Known { number, parent, fate, open, adopted });
        state.told.highest = number;
        state
    }

    /// Where a process is.
    pub fn process(&self, process: usize) -> Process {
        self.processes.get(process).copied().unwrap_or_default()
    }

    /// Puts a process somewhere. One that is gone holds no lock: the kernel sees to that.
    pub(crate) fn put(&mut self, process: usize, to: Process) {
        if to == Process::Gone && self.lock == Some(process) {
            self.lock = None;
        }
        if let Some(place) = self.processes.get_mut(process) {
            *place = to;
        }
    }

    /// Everything that a crash of the machine may leave of this state, itself included as what is left when only the
    /// processes die.
    pub fn after_a_crash(&self) -> Vec<Self> {
        let mut dead = self.clone();
        (0..PROCESSES).for_each(|process| dead.put(process, Process::Gone));
        let choices = |uncertain: bool| if uncertain { &[true, false][..] } else { &[true][..] };
        let mut left = vec![dead.clone()];
        for journal in choices(self.journal.is_uncertain()) {
            for disk in choices(self.disk.is_uncertain()) {
                let mut crashed = dead.clone();
                crashed.told.forgotten |= crashed.journal.crash(*journal);
                crashed.disk.crash(*disk);
                if !left.contains(&crashed) {
                    left.push(crashed);
                }
            }
        }
        left
    }
}
