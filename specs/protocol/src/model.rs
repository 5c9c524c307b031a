//! What may happen in a state.

use crate::disk::{Content, Disk};
use crate::flaw::Flaw;
use crate::history::{
    Authority, Fate, FoundParent, History, Number, Operation, Record, Stage, Trial,
};
use crate::state::{Build, Next, PROCESSES, Process, Settle, State};

/// How much may happen. Everything within these bounds is explored; nothing is said of what lies beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// The highest number of a generation.
    pub generations: Number,
    /// Processes that are killed, and failures of the machine, together. That a runtime dies is always possible.
    pub crashes: u8,
    /// Syncs that fail.
    pub faults: u8,
    /// Generations that rot while they are not current.
    pub rots: u8,
    /// Journals that are lost.
    pub losses: u8,
    /// Writes of runtimes, at most eight.
    pub writes: u8,
    /// Epochs of the keyring.
    pub keyrings: u64,
    /// Starts that a generation has to prove itself.
    pub tries: u32,
}

/// The protocol: which actions a state allows, and what they lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Model {
    /// How much may happen.
    pub bounds: Bounds,
    /// What is wrong with it; nothing, but to see that the invariants can fail.
    pub flaw: Option<Flaw>,
    /// The record that a trace has next. Then there are no bounds, one process is enough, and what the disk would have
    /// said of generations that no journal knows any more is taken from that record.
    pub(crate) trace: Option<Record>,
}

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A process begins, and takes the lock.
    Begin(usize),
    /// A process does the one thing that comes next.
    Step(usize),
    /// A process writes a record; it does the rest once the record is acknowledged.
    Write(usize, Record, Next),
    /// A process lets a runtime boot that has been on record before.
    Boot(usize),
    /// A runtime stops in good order, without a try to give back.
    Stop(usize),
    /// A runtime acknowledges a write of its own.
    Acknowledge(usize),
    /// A process cannot go on with its attempt, for a reason of its own.
    GiveUp(usize),
    /// A process ends with an answer, and releases the lock.
    Leave(usize),
    /// A person decides what is current, because the journal is lost.
    Decide(usize, Number),
    /// What a process syncs fails; whether what was written can still be read.
    Fail(usize, bool),
    /// A process dies.
    Kill(usize),
    /// The machine fails; whether the journal and the generations keep what was not certain.
    PowerLoss(bool, bool),
    /// A generation rots that is not current.
    Rot(Number),
    /// The journal is lost.
    LoseJournal,
    /// Only with [`Flaw::SweepsWithoutLock`].
    Sweep,
    /// Only with [`Flaw::BuildsBesideRuntime`].
    StrayWrite,
}

impl Model {
    /// The protocol as it is.
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, flaw: None, trace: None }
    }

    /// The protocol with something wrong.
    pub const fn flawed(bounds: Bounds, flaw: Flaw) -> Self {
        Self { bounds, flaw: Some(flaw), trace: None }
    }

    /// The protocol as far as a trace shows it that has this record next.
    pub(crate) const fn tracing(record: Record) -> Self {
        let bounds = Bounds {
            generations: Number::MAX,
            crashes: 0,
            faults: 0,
            rots: 0,
            losses: 0,
            writes: 0,
            keyrings: u64::MAX,
            tries: 1,
        };
        Self { bounds, flaw: None, trace: Some(record) }
    }

    /// Whether this is what is wrong.
    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Everything that may happen in a state, in a fixed order.
    pub fn actions(&self, state: &State) -> Vec<Action> {
        let mut actions = Vec::new();
        let processes = if self.trace.is_some() { 1 } else { PROCESSES };
        (0..processes).for_each(|process| self.of_process(state, process, &mut actions));
        if self.trace.is_none() {
            self.of_the_world(state, &mut actions);
        }
        actions
    }

    fn of_process(&self, state: &State, process: usize, actions: &mut Vec<Action>) {
        let point = state.process(process);
        match point {
            Process::Gone => {
                if state.lock.is_none() || self.has(Flaw::IgnoresLock) {
                    actions.push(Action::Begin(process));
                }
                return;
            }
            Process::Settling { at: Settle::Read, .. } if state.journal.lost => {
                let whole = state.disk.built.iter().filter(|built| built.is_whole());
                actions.extend(whole.map(|built| Action::Decide(process, built.number)));
                actions.push(Action::Leave(process));
            }
            Process::Settling { .. } | Process::Deciding(_) | Process::Writing { .. } => {
                actions.push(Action::Step(process));
            }
            Process::At(next) => self.of_next(state, process, next, actions),
        }
        // A trace does not show whether a record was killed that is not there.
        let is_shown = self.trace.is_none() || matches!(point, Process::At(_));
        let dies = point == Process::At(Next::Execute);
        if is_shown && (dies || self.trace.is_some() || self.may_crash(state)) {
            actions.push(Action::Kill(process));
        }
        if state.happened.faults < self.bounds.faults && syncs(point) {
            actions.extend([Action::Fail(process, true), Action::Fail(process, false)]);
        }
    }

    fn may_crash(&self, state: &State) -> bool {
        state.happened.crashes < self.bounds.crashes
    }

    fn of_next(&self, state: &State, process: usize, next: Next, actions: &mut Vec<Action>) {
        let history = state.journal.seen();
        let mut write = |record, next| actions.push(Action::Write(process, record, next));
        match next {
            Next::Idle => self.of_idle(state, &history, process, actions),
            Next::Attempt => {
                self.of_attempt(&state.disk, &history, &mut write);
                actions.push(Action::GiveUp(process));
            }
            Next::Build(_) => actions.extend([Action::Step(process), Action::GiveUp(process)]),
            Next::Built => {
                if let Some(generation) = history.attempt.and_then(|attempt| attempt.to) {
                    write(Record::Sealed { generation }, Next::Attempt);
                }
                actions.push(Action::GiveUp(process));
            }
            Next::Boot => match (history.current, history.trial) {
                (Some(generation), Some(trial)) if !self.has(Flaw::CountsAfterStart) => {
                    write(tried(generation, trial), Next::Execute);
                }
                _ => actions.push(Action::Step(process)),
            },
            Next::Execute => self.of_runtime(state, &history, process, actions),
            Next::Stop => {
                if let Some(generation) = history.current {
                    write(Record::Closed { generation }, Next::Idle);
                }
                actions.push(Action::Leave(process));
            }
            // Whoever arrives there settles.
            Next::Tidy => {}
        }
    }

    /// What may be begun while nothing is going on.
    fn of_idle(&self, state: &State, history: &History, process: usize, actions: &mut Vec<Action>) {
        actions.push(Action::Leave(process));
        let mut write = |record, next| actions.push(Action::Write(process, record, next));
        let authority =
            if history.keyring == 0 { Authority::Development } else { Authority::Signed };
        let begin = |operation, authority| Record::Authorized { operation, authority };
        if !history.begun {
            let replaces = self.trace == Some(Record::Initialized { replaces: true });
            write(Record::Initialized { replaces }, Next::Idle);
            return;
        }
        if self.trace.is_some() {
            write(Record::Refused, Next::Idle);
        }
        if let Some(epoch) = self.next_epoch(history) {
            write(Record::Keyring { epoch }, Next::Idle);
        }
        let Some(current) = history.current else {
            if history.replaces {
                write(begin(Operation::Recover, authority), Next::Attempt);
            } else if self.next_number(state, history).is_some() {
                write(begin(Operation::Adopt, Authority::Standing), Next::Attempt);
            }
            return;
        };
        let on_trial = history.trial.is_some();
        let back = self.targets(&state.disk, history).next().is_some();
        if back {
            write(begin(Operation::Rollback, authority), Next::Attempt);
        }
        if back && (on_trial || self.has(Flaw::RevertsConfirmed)) {
            write(begin(Operation::Rollback, Authority::Standing), Next::Attempt);
        }
        if !on_trial && self.next_number(state, history).is_some() {
            write(begin(Operation::Upgrade, authority), Next::Attempt);
        }
        if self.collectable(history).next().is_some() {
            write(begin(Operation::Collect, authority), Next::Attempt);
        }
        if let Some(trial) = history.trial {
            write(Record::Confirmed { generation: current }, Next::Idle);
            if trial.running && self.has(Flaw::GivesBackAfterCrash) {
                write(stopped(current, trial), Next::Idle);
            }
        }
        let is_run = history.known(current).is_some_and(|known| !known.adopted);
        let has_tries = history.trial.is_none_or(|trial| trial.left > 0);
        if is_run && has_tries && state.disk.is_whole(current) {
            if is_open(history, current) {
                actions.push(Action::Boot(process));
            } else {
                let started = Record::Started { generation: current };
                actions.push(Action::Write(process, started, Next::Boot));
            }
        }
    }

    /// The record that comes next in the attempt that is open.
    fn of_attempt(&self, disk: &Disk, history: &History, write: &mut impl FnMut(Record, Next)) {
        use Operation::{Adopt, Collect, Recover, Rollback, Upgrade};
        let Some(attempt) = history.attempt else { return };
        let current = history.current;
        match (attempt.operation, attempt.stage) {
            (Adopt | Upgrade, Stage::Authorized) => {
                // An adoption has nothing that is current and to be quiesced.
                let is_adoption = attempt.operation == Adopt;
                let next = if is_adoption { Next::Build(Build::Make) } else { Next::Attempt };
                for to in self.announced(disk, history) {
                    write(Record::Prepared { from: current, to }, next);
                }
            }
            (Adopt, Stage::Prepared | Stage::Quiesced) => {}
            (Upgrade | Rollback, Stage::Prepared) => {
                let Some(generation) = current else { return };
                if is_open(history, generation) {
                    write(Record::Closed { generation }, Next::Attempt);
                } else {
                    write(Record::Quiesced { generation }, Next::Build(Build::Make));
                }
            }
            (Adopt | Upgrade, Stage::Sealed) => {
                if let Some(generation) = attempt.to {
                    let tries = if attempt.operation == Adopt { 0 } else { self.tries() };
                    write(Record::Activated { generation, tries }, Next::Idle);
                }
            }
            (Rollback, Stage::Sealed) => {
                if let (Some(from), Some(to)) = (current, attempt.to) {
                    write(Record::Reverted { from, to }, Next::Idle);
                }
            }
            (Rollback, Stage::Quiesced) if attempt.to.is_some() => {}
            (Rollback, Stage::Authorized | Stage::Quiesced) => {
                let Some(from) = current else { return };
                // What was written since is carried back into a generation of its own.
                let carries_back = attempt.stage == Stage::Authorized;
                if carries_back && self.targets(disk, history).next().is_some() {
                    for to in self.announced(disk, history) {
                        write(Record::Prepared { from: current, to }, Next::Attempt);
                    }
                }
                // What is left may be unreadable, or nothing may say what its store is: neither keeps anybody from leaving.
                if attempt.stage == Stage::Authorized && !is_open(history, from) {
                    write(Record::Quiesced { generation: from }, Next::Attempt);
                }
                for to in self.targets(disk, history) {
                    write(Record::Reverted { from, to }, Next::Idle);
                }
            }
            (Recover, Stage::Authorized) => {
                for record in self.recoverable(disk) {
                    write(record, Next::Idle);
                }
            }
            (Collect, Stage::Authorized) => {
                for generation in self.collectable(history) {
                    write(Record::Collected { generation }, Next::Tidy);
                }
            }
            // Nothing else is ever reached.
            (Upgrade, Stage::Quiesced) | (Recover | Collect, _) => {}
        }
    }

    fn of_runtime(
        &self,
        state: &State,
        history: &History,
        process: usize,
        actions: &mut Vec<Action>,
    ) {
        let Some(generation) = history.current else { return };
        if state.told.writes.count_ones() < u32::from(self.bounds.writes) {
            actions.push(Action::Acknowledge(process));
        }
        let mut write = |record, next| actions.push(Action::Write(process, record, next));
        let Some(trial) = history.trial else {
            actions.push(Action::Stop(process));
            return;
        };
        write(Record::Confirmed { generation }, Next::Execute);
        if trial.running {
            write(stopped(generation, trial), Next::Stop);
        }
        if self.targets(&state.disk, history).next().is_some() {
            let (operation, authority) = (Operation::Rollback, Authority::Standing);
            write(Record::Authorized { operation, authority }, Next::Attempt);
        }
    }

    /// What nobody decides to do.
    fn of_the_world(&self, state: &State, actions: &mut Vec<Action>) {
        if self.may_crash(state) {
            for choice in [(true, true), (true, false), (false, true), (false, false)] {
                actions.push(Action::PowerLoss(choice.0, choice.1));
            }
        }
        let is_quiet = state.processes.iter().all(|process| *process == Process::Gone);
        // While it is not certain what is current, it is not certain what is not.
        if is_quiet && state.happened.rots < self.bounds.rots && state.journal.tail.is_empty() {
            let current = state.journal.base.current;
            let sound = state.disk.built.iter().filter(|built| built.is_whole());
            let others = sound.filter(|built| current != Some(built.number));
            actions.extend(others.map(|built| Action::Rot(built.number)));
        }
        // A home in which nothing is whole is past help, and not by the protocol's doing.
        let is_something_whole = state.disk.built.iter().any(|built| built.is_whole());
        let may_be_lost = is_quiet && is_something_whole && !state.journal.lost;
        if may_be_lost && state.happened.losses < self.bounds.losses {
            actions.push(Action::LoseJournal);
        }
        if self.has(Flaw::SweepsWithoutLock) && state.processes.contains(&Process::Gone) {
            actions.push(Action::Sweep);
        }
        let builds = |process: &Process| matches!(process, Process::At(Next::Build(_)));
        if self.has(Flaw::BuildsBesideRuntime)
            && state.told.writes.count_ones() < u32::from(self.bounds.writes)
            && state.processes.iter().any(builds)
        {
            actions.push(Action::StrayWrite);
        }
    }

    /// Starts that the generation has that is about to be activated.
    fn tries(&self) -> u32 {
        match self.trace {
            // Somebody chose it; but a trial has at least one start.
            Some(Record::Activated { tries, .. }) => tries.max(1),
            _ => self.bounds.tries,
        }
    }

    fn next_epoch(&self, history: &History) -> Option<u64> {
        let next = match self.trace {
            // Which keyring a lost journal named, only the files of the home know.
            Some(Record::Keyring { epoch }) if history.replaces && history.keyring == 0 => {
                epoch.max(1)
            }
            _ => history.keyring.saturating_add(1),
        };
        (next <= self.bounds.keyrings).then_some(next)
    }

    /// The number that the next generation gets.
    fn next_number(&self, state: &State, history: &History) -> Option<Number> {
        self.announced(&state.disk, history).next()
    }

    fn announced(&self, disk: &Disk, history: &History) -> impl Iterator<Item = Number> {
        let came_to_be = history.known.iter().filter(|known| known.fate != Fate::Aborted);
        let last = if self.has(Flaw::ReusesNumbers) {
            came_to_be.map(|known| known.number).max().unwrap_or(0)
        } else {
            history.last_number()
        };
        let next = last.max(disk.last_number()).saturating_add(1);
        let next = match self.trace {
            // Behind generations that only the disk knows.
            Some(Record::Prepared { to, .. }) if disk.unknown => to.max(next),
            _ => next,
        };
        (next <= self.bounds.generations).then_some(next).into_iter()
    }

    /// Generations that may be gone back to: the one that the current one was built from, if it is what it was.
    fn targets(&self, disk: &Disk, history: &History) -> impl Iterator<Item = Number> {
        let bad = history.with_fate(Fate::Bad).filter(|_| self.has(Flaw::Alternates));
        let rotten = self.has(Flaw::RevertsToRotten);
        history
            .target()
            .into_iter()
            .chain(bad)
            .filter(move |target| rotten || disk.is_whole(*target))
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn collectable(&self, history: &History) -> impl Iterator<Item = Number> {
        let also: Vec<Number> = match self.flaw {
            Some(Flaw::CollectsTarget) => history.target().into_iter().collect(),
            Some(Flaw::CollectsAbandoned) => history.with_fate(Fate::Bad).collect(),
            _ => Vec::new(),
        };
        history.collectable().chain(also).collect::<Vec<_>>().into_iter()
    }

    /// What a recovery may make current: whatever is whole.
    fn recoverable(&self, disk: &Disk) -> Vec<Record> {
        if let Some(record @ Record::Recovered { generation, parent, .. }) = self.trace {
            let is_before = parent.is_none_or(|parent| parent.number < generation);
            return if is_before { vec![record] } else { Vec::new() };
        }
        let whole = disk.built.iter().filter(|built| built.is_whole());
        let found = whole.map(|built| {
            let parent = built.parent.and_then(|parent| disk.find(parent));
            let parent = parent.filter(|parent| parent.is_whole());
            Record::Recovered {
                generation: built.number,
                as_sealed: built.writes == 0,
                parent: parent.map(|parent| FoundParent {
                    number: parent.number,
                    as_sealed: parent.writes == 0,
                }),
            }
        });
        found.collect()
    }
}

/// Whether what a process does next is to make something durable.
fn syncs(process: Process) -> bool {
    match process {
        Process::Writing { .. } => true,
        Process::Settling { at, .. } => matches!(at, Settle::Rewritten | Settle::Resynced),
        _ => false,
    }
}

/// Whether a runtime may have written to a generation since it was sealed last.
pub(crate) fn is_open(history: &History, number: Number) -> bool {
    history.known(number).is_some_and(|known| known.open)
}

/// A start on trial, counted. Without a try left there is none.
const fn tried(generation: Number, trial: Trial) -> Record {
    Record::Tried { generation, left: trial.left.saturating_sub(1) }
}

/// A start on trial, given back.
const fn stopped(generation: Number, trial: Trial) -> Record {
    Record::Stopped { generation, left: trial.left.saturating_add(1) }
}

/// What a generation that is newly staged holds of another.
pub(crate) fn writes_of(disk: &Disk, parent: Option<Number>) -> u8 {
    let parent = parent.and_then(|parent| disk.find(parent));
    parent.filter(|parent| parent.content != Content::Partial).map_or(0, |parent| parent.writes)
}
