//! What an action leads to.

use crate::disk::{Built, Content, Name};
use crate::flaw::Flaw;
use crate::history::{Fate, History, Number, Record};
use crate::invariants::Invariant;
use crate::model::{Action, Model, writes_of};
use crate::state::{Build, Line, Next, Process, Settle, State, Tail};

/// A recovery takes fewer steps than this, whatever it finds.
const MOST_STEPS_OF_A_RECOVERY: usize = 200;

/// How a recovery ends that nothing disturbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing is going on any more.
    Settled(Box<State>),
    /// The journal is lost, and somebody has to decide.
    Lost,
    /// It does not end.
    Stuck,
}

impl Model {
    /// The state that follows.
    pub fn next(&self, state: &State, action: Action) -> State {
        let mut next = state.clone();
        self.act(&mut next, action);
        next
    }

    /// Lets the next process begin and put right what it finds, without anything that disturbs it. All others are dead.
    pub fn recover(&self, mut state: State) -> Recovery {
        (0..state.processes.len()).for_each(|process| state.put(process, Process::Gone));
        self.act(&mut state, Action::Begin(0));
        for _ in 0..MOST_STEPS_OF_A_RECOVERY {
            match state.process(0) {
                Process::At(Next::Idle) => return Recovery::Settled(Box::new(state)),
                Process::Settling { at: Settle::Read, .. } if state.journal.lost => {
                    return Recovery::Lost;
                }
                _ => self.act(&mut state, Action::Step(0)),
            }
        }
        Recovery::Stuck
    }

    /// The same, for a journal that is lost: this generation is to be current.
    pub fn recover_by(&self, mut state: State, generation: Number) -> Recovery {
        (0..state.processes.len()).for_each(|process| state.put(process, Process::Gone));
        state.put(0, Process::Deciding(generation));
        state.lock = Some(0);
        for _ in 0..MOST_STEPS_OF_A_RECOVERY {
            if state.process(0) == Process::At(Next::Idle)
                && state.journal.base.current == Some(generation)
            {
                return Recovery::Settled(Box::new(state));
            }
            let wanted = |action: &Action| match action {
                Action::Step(0) => true,
                Action::Write(0, Record::Recovered { generation: found, .. }, _) => {
                    *found == generation
                }
                Action::Write(0, record, _) => matches!(record, Record::Authorized { .. }),
                _ => false,
            };
            let Some(action) = self.actions(&state).into_iter().find(wanted) else { break };
            self.act(&mut state, action);
        }
        Recovery::Stuck
    }

    /// Lets an action happen.
    pub(crate) fn act(&self, state: &mut State, action: Action) {
        match action {
            Action::Begin(process) => {
                state.lock = Some(process);
                state.put(process, Process::Settling { at: Settle::Sweep, resume: None });
            }
            Action::Step(process) => self.step(state, process),
            Action::Write(process, record, next) => self.write(state, process, record, next),
            Action::Boot(process) => arrive(state, process, Next::Boot),
            Action::Stop(process) => arrive(state, process, Next::Stop),
            Action::Acknowledge(_) | Action::StrayWrite => acknowledge_a_write(state),
            Action::GiveUp(process) => {
                state.put(process, Process::Settling { at: Settle::Sweep, resume: None });
            }
            Action::Leave(process) => {
                if !state.journal.lost {
                    state.told.answer = Some(state.journal.seen().current);
                }
                state.put(process, Process::Gone);
            }
            Action::Decide(process, number) => state.put(process, Process::Deciding(number)),
            Action::Fail(process, shown) => self.fail(state, process, shown),
            Action::Kill(process) => {
                if self.trace.is_none() && state.process(process) != Process::At(Next::Execute) {
                    state.happened.crashes += 1;
                }
                state.put(process, Process::Gone);
            }
            Action::PowerLoss(journal, disk) => {
                state.happened.crashes += 1;
                (0..state.processes.len()).for_each(|process| state.put(process, Process::Gone));
                state.told.forgotten |= state.journal.crash(journal);
                state.disk.crash(disk);
            }
            Action::Rot(number) => {
                state.happened.rots += 1;
                change(state, number, |built| built.content = Content::Rotten);
            }
            Action::LoseJournal => {
                state.happened.losses += 1;
                state.journal.lost = true;
                state.journal.tail.clear();
                state.told.answer = None;
            }
            Action::Sweep => {
                // File by file: whoever builds there does not notice.
                for built in &mut state.disk.built {
                    if built.name == Name::Staging {
                        built.content = Content::Partial;
                    }
                }
            }
        }
    }

    fn step(&self, state: &mut State, process: usize) {
        match state.process(process) {
            Process::Settling { at, resume } => self.settle(state, process, at, resume),
            Process::Deciding(_) => {
                state.journal = crate::state::Journal::default();
                state.journal.base.apply(Record::Initialized { replaces: true });
                let durable = state.disk.built.iter().filter(|built| built.name == Name::Durable);
                state.told.highest = durable.map(|built| built.number).max().unwrap_or(0);
                state.told.executions = 0;
                state.put(process, Process::Settling { at: Settle::Sweep, resume: None });
            }
            Process::At(Next::Build(build)) => self.build(state, process, build),
            Process::At(Next::Boot) => arrive(state, process, Next::Execute),
            Process::Writing { record, synced, next } => {
                // The record first, then the witness. The other way round, the witness may vouch for what is not there.
                let is_line = synced == self.has(Flaw::VouchesFirst);
                if let Some(tail) = state.journal.tail.last_mut() {
                    if !is_line {
                        tail.vouched = true;
                    } else if tail.line == Line::Written {
                        tail.line = Line::Durable;
                    }
                }
                if synced {
                    acknowledge(state);
                    arrive(state, process, next);
                } else {
                    state.put(process, Process::Writing { record, synced: true, next });
                }
            }
            Process::Gone | Process::At(_) => {}
        }
    }

    fn settle(&self, state: &mut State, process: usize, at: Settle, resume: Option<Next>) {
        let go = |state: &mut State, at, resume| {
            state.put(process, Process::Settling { at, resume });
        };
        match at {
            Settle::Sweep => {
                state.disk.sweep();
                go(state, Settle::Read, resume);
            }
            Settle::Read if state.journal.lost => {}
            Settle::Read => match state.journal.tail.first_mut() {
                Some(_) if self.has(Flaw::BelievesWhatIsRead) => {
                    acknowledge(state);
                    go(state, Settle::Tidy, resume);
                }
                Some(tail) => {
                    tail.line = Line::Written;
                    go(state, Settle::Rewritten, resume);
                }
                None if state.journal.base.attempt.is_some()
                    && !self.has(Flaw::LeavesAttemptOpen) =>
                {
                    self.write(state, process, Record::Aborted, Next::Tidy);
                }
                None => go(state, Settle::Tidy, resume),
            },
            Settle::Rewritten => {
                if let Some(tail) = state.journal.tail.first_mut() {
                    tail.line = Line::Durable;
                }
                go(state, Settle::Resynced, resume);
            }
            Settle::Resynced => {
                if let Some(tail) = state.journal.tail.first_mut() {
                    tail.vouched = true;
                }
                acknowledge(state);
                go(state, Settle::Read, resume);
            }
            Settle::Tidy => match self.left_over(state) {
                Some(number) => tidy(state, number),
                None => arrive(state, process, resume.unwrap_or(Next::Idle)),
            },
        }
    }

    /// A generation that is there and that nobody refers to.
    fn left_over(&self, state: &State) -> Option<Number> {
        let known = &state.journal.base.known;
        let aborted = !self.has(Flaw::LeavesWhatWasBuilt);
        let gone = known.iter().filter(|known| {
            known.fate == Fate::Collected || (aborted && known.fate == Fate::Aborted)
        });
        gone.map(|known| known.number).find(|number| state.disk.find(*number).is_some())
    }

    fn build(&self, state: &mut State, process: usize, build: Build) {
        let Some(to) = state.journal.base.attempt.and_then(|attempt| attempt.to) else { return };
        let parent = state.journal.base.known(to).and_then(|known| known.parent);
        // Whatever it is built on: what was written to the current generation is in it.
        let source = state.journal.base.current;
        let next = match build {
            Build::Make => {
                let (name, content) = (Name::Staging, Content::Partial);
                state.disk.place(Built { number: to, parent, name, content, writes: 0 });
                Next::Build(Build::Fill)
            }
            Build::Fill => {
                let writes = writes_of(&state.disk, source);
                change(state, to, |built| {
                    built.content = Content::Written;
                    built.writes = writes;
                });
                let skips = self.has(Flaw::ActivatesBeforeSync);
                Next::Build(if skips { Build::Rename } else { Build::Sync })
            }
            Build::Sync => {
                // What is there is synced; what is not there any more is not.
                change(state, to, |built| {
                    if built.content == Content::Written {
                        built.content = Content::Durable;
                    }
                });
                Next::Build(Build::Rename)
            }
            Build::Rename => {
                change(state, to, |built| built.name = Name::Renamed);
                let skips = self.has(Flaw::NameIsNotSynced);
                if skips { Next::Built } else { Next::Build(Build::SyncName) }
            }
            Build::SyncName => {
                change(state, to, |built| built.name = Name::Durable);
                Next::Built
            }
        };
        state.put(process, Process::At(next));
    }

    /// Writes a record behind the others. Nobody knows of it yet.
    fn write(&self, state: &mut State, process: usize, record: Record, next: Next) {
        let history = state.journal.seen();
        let broken = Invariant::of_record(state, &history, record);
        state.told.broken = state.told.broken.or(broken);
        state.told.answer = None;
        match record {
            Record::Collected { generation } if self.has(Flaw::RemovesBeforeRecord) => {
                state.disk.remove(generation);
            }
            // A person has decided: what is not in this generation lies where it lay, and is no promise any more.
            Record::Recovered { generation, .. } => {
                state.told.writes &= state.disk.find(generation).map_or(0, |built| built.writes);
            }
            // Whether it comes to be on record or not: the runtime has stopped in good order.
            Record::Stopped { .. } if next == Next::Stop => {
                state.told.executions = state.told.executions.saturating_sub(1);
            }
            _ => {}
        }
        let (line, vouched, acknowledged) = (Line::Written, false, false);
        state.journal.tail.push(Tail { record, line, vouched, acknowledged });
        state.put(process, Process::Writing { record, synced: false, next });
    }

    /// A sync fails. Whatever a process had in memory is of no use any more: it settles, or ends.
    fn fail(&self, state: &mut State, process: usize, shown: bool) {
        state.happened.faults += 1;
        match state.process(process) {
            Process::Writing { record, synced, next } => {
                match state.journal.tail.last_mut() {
                    Some(tail) if !synced && shown => tail.line = Line::Shown,
                    Some(_) if !synced => drop(state.journal.tail.pop()),
                    // The witness could not be written: the record is there, and nothing vouches for it.
                    Some(_) | None => {}
                }
                let there = synced || shown;
                if self.has(Flaw::RetriesOnFailedHandle) && there {
                    state.put(process, Process::Writing { record, synced, next });
                } else if self.has(Flaw::AnswersWithoutLooking) {
                    state.told.answer = Some(state.journal.base.current);
                    state.put(process, Process::Gone);
                } else if record == Record::Aborted {
                    state.put(process, Process::Gone);
                } else {
                    // What an open attempt would have done next, it does not do: it is ended.
                    let goes_on = !matches!(next, Next::Attempt | Next::Build(_) | Next::Tidy);
                    let resume = (there && goes_on).then_some(next);
                    state.put(process, Process::Settling { at: Settle::Sweep, resume });
                }
            }
            _ => {
                let rewritten = state.journal.tail.first_mut();
                if let Some(tail) = rewritten.filter(|tail| tail.line == Line::Written) {
                    tail.line = Line::Shown;
                }
                state.put(process, Process::Gone);
            }
        }
    }
}

/// Whoever wrote the last record, or found it and vouched for it, relies on it from here on.
fn acknowledge(state: &mut State) {
    let Some(tail) = state.journal.tail.iter_mut().find(|tail| !tail.acknowledged) else { return };
    tail.acknowledged = true;
    let record = tail.record;
    match record {
        Record::Initialized { replaces } => state.disk.unknown = replaces,
        Record::Prepared { to, .. } => {
            state.told.highest = state.told.highest.max(to);
            state.disk.unknown = false;
        }
        Record::Activated { .. } | Record::Reverted { .. } | Record::Confirmed { .. } => {
            state.told.executions = 0;
        }
        Record::Recovered { generation, parent, .. } => {
            let parent = parent.map(|parent| parent.number);
            parent.into_iter().for_each(|parent| find(state, parent, None));
            find(state, generation, parent);
        }
        _ => {}
    }
    state.journal.take_in();
}

/// A generation that a recovery has found is there.
fn find(state: &mut State, number: Number, parent: Option<Number>) {
    if state.disk.find(number).is_none() {
        let (name, content) = (Name::Durable, Content::Durable);
        state.disk.place(Built { number, parent, name, content, writes: 0 });
    }
}

/// Puts a process where it does what is next.
fn arrive(state: &mut State, process: usize, next: Next) {
    let on_trial = |history: &History| history.trial.is_some();
    if next == Next::Execute && on_trial(&state.journal.seen()) {
        state.told.executions = state.told.executions.saturating_add(1);
    }
    let to = match next {
        Next::Tidy => Process::Settling { at: Settle::Tidy, resume: None },
        next => Process::At(next),
    };
    state.put(process, to);
}

/// A runtime writes to the store of the current generation, durably, and says so.
fn acknowledge_a_write(state: &mut State) {
    let write = 1_u8.checked_shl(state.told.writes.count_ones()).unwrap_or(0);
    if let Some(current) = state.journal.seen().current {
        change(state, current, |built| built.writes |= write);
        state.told.writes |= write;
    }
}

/// Removes a generation: its files first, its name last.
fn tidy(state: &mut State, number: Number) {
    if state.disk.find(number).is_some_and(|built| built.content == Content::Partial) {
        state.disk.remove(number);
    } else {
        change(state, number, |built| built.content = Content::Partial);
    }
}

fn change(state: &mut State, number: Number, change: impl FnOnce(&mut Built)) {
    if let Some(built) = state.disk.built.iter_mut().find(|built| built.number == number) {
        change(built);
    }
}
