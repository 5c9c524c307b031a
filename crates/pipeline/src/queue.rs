//! What the threads of a pipeline share: jobs on their way to the workers, results on their way to the consumer.
//!
//! Everything is behind one mutex. There is one condition variable for each reason to wait, and a wait always begins
//! and ends with the state itself, under the lock, so no wakeup can be lost. `tests/pipeline/models.rs` includes this
//! file with loom's mutex and condition variable for `sync`, and checks it under all schedules.

use std::collections::{BTreeMap, VecDeque};
use std::sync::PoisonError;

use super::Stopped;
use super::sync::{Condvar, Mutex, MutexGuard};

/// One producer puts jobs, any number of workers take them and deliver a result for each, and one consumer gets the
/// results in the order of the jobs.
pub(crate) struct Queue<J, R> {
    state: Mutex<State<J, R>>,
    /// How much the jobs may weigh together that were put and not consumed.
    window: usize,
    /// The producer waits here for the consumer.
    room: Condvar,
    /// The workers wait here for jobs.
    work: Condvar,
    /// The consumer waits here for the next result.
    done: Condvar,
}

struct State<J, R> {
    /// Put and not taken yet, in order, each with its number.
    jobs: VecDeque<(u64, J)>,
    /// Delivered and not consumed yet, by the number of the job.
    results: BTreeMap<u64, R>,
    /// How many jobs were put, which is the number of the next one.
    produced: u64,
    /// How many results the consumer got, which is the number of the next one.
    handed_out: u64,
    /// How many of these it is done with.
    consumed: u64,
    /// What the jobs weigh that were put and not consumed, in order, and together.
    weights: VecDeque<usize>,
    under_way: usize,
    /// No further job will be put.
    is_closed: bool,
    /// Nobody wants anything more.
    is_stopped: bool,
}

impl<J, R> State<J, R> {
    fn has_room(&self, weight: usize, window: usize) -> bool {
        self.weights.is_empty() || self.under_way.saturating_add(weight) <= window
    }
}

impl<J, R> Queue<J, R> {
    /// An empty queue. A window of 0 is one of 1: with less, nothing could ever move.
    pub(crate) fn new(window: usize) -> Self {
        let state = State {
            jobs: VecDeque::new(),
            results: BTreeMap::new(),
            produced: 0,
            handed_out: 0,
            consumed: 0,
            weights: VecDeque::new(),
            under_way: 0,
            is_closed: false,
            is_stopped: false,
        };
        Self {
            state: Mutex::new(state),
            window: window.max(1),
            room: Condvar::new(),
            work: Condvar::new(),
            done: Condvar::new(),
        }
    }

    /// Puts a job behind the others, as soon as there is room for it. One that is heavier than the window has room when
    /// there is no other.
    pub(crate) fn put(&self, job: J, weight: usize) -> Result<(), Stopped> {
        let mut state = self.lock();
        while !state.is_stopped && !state.has_room(weight, self.window) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_stopped {
            return Err(Stopped);
        }
        let number = state.produced;
        state.jobs.push_back((number, job));
        state.produced += 1;
        state.weights.push_back(weight);
        state.under_way = state.under_way.saturating_add(weight);
        // One job, one worker. If none waits, the next that is ready looks for jobs before it waits.
        self.work.notify_one();
        Ok(())
    }

    /// Says that no further job will be put. What was put is still worked on and consumed.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.work.notify_all();
        self.done.notify_one();
    }

    /// The first job that nobody has taken yet, with its number. `None`: there will be no more.
    pub(crate) fn take_job(&self) -> Option<(u64, J)> {
        let mut state = self.lock();
        loop {
            if state.is_stopped {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The result of the job with this number.
    pub(crate) fn deliver(&self, number: u64, result: R) {
        let mut state = self.lock();
        state.results.insert(number, result);
        // The consumer waits for this one, or for one before it and would only go back to sleep.
        if number == state.handed_out {
            self.done.notify_one();
        }
    }

    /// The next result, in the order of the jobs. `None`: there will be no more.
    ///
    /// To ask for it says that the one before is consumed, which makes room for a job.
    // trace: impl FC-19.2
    pub(crate) fn next_result(&self) -> Option<R> {
        let mut state = self.lock();
        if state.consumed < state.handed_out {
            state.consumed = state.handed_out;
            let weight = state.weights.pop_front().unwrap_or_default();
            state.under_way = state.under_way.saturating_sub(weight);
            self.room.notify_one();
        }
        loop {
            if state.is_stopped {
                return None;
            }
            let next = state.handed_out;
            if let Some(result) = state.results.remove(&next) {
                state.handed_out += 1;
                return Some(result);
            }
            if state.is_closed && next == state.produced {
                return None;
            }
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says that nobody wants anything more: whoever waits is woken, and whoever asks is told.
    ///
    /// What is still in the queue is dropped with it, and not here, where the lock would be held.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.room.notify_all();
        self.work.notify_all();
        self.done.notify_all();
    }

    /// Every change of the state is complete before anything that could panic, so a poisoned one is sound.
    fn lock(&self) -> MutexGuard<'_, State<J, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
