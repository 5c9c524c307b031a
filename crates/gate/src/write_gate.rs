//! The gate that writers pass.
//!
//! Everything is behind one mutex, with one condition variable for those who drain, and a wait begins and ends with the
//! state itself, under the lock: so no wakeup can be lost, and whatever a writer did before it left is seen by whoever finds
//! that it has left. A writer takes the lock twice for what it writes, which costs nothing beside a write to a store.

use std::fmt;
use std::marker::PhantomData;
use std::sync::PoisonError;
use std::time::Duration;

use super::sync::{Arc, Condvar, Mutex, MutexGuard, ThreadId, current};

/// A gate that writers pass, and that can be closed until the last of them has left.
///
/// All clones are one gate. A writer holds a [`Pass`] for as long as it writes; whoever wants to have it quiet
/// [drains](WriteGate::drain) the gate.
///
/// # What holds
/// - When a drain has succeeded, no pass is alive, and none can be made until somebody [reopens](WriteGate::reopen) the gate.
/// - Whatever a writer did before it gave its pass back happened before the drain returns.
/// - A pass that was given stays good: closing refuses new writers only. A thread that is inside may enter once more, closed
///   or not, since it is waited for anyway.
/// - A writer that panics gives its pass back. One whose pass is leaked ([`std::mem::forget`]) is inside for ever.
/// - Any number of threads may drain at once: all of them return when it is quiet.
/// - A thread that is inside itself cannot drain: it would wait for itself. It is refused ([`NotDrained::Inside`]), and the gate
///   is as it was.
///
/// # What does not hold
/// The gate knows who passes it, and nobody else: it is for the runtime to have every writer pass. Two drains that wait for
/// each other's writers, each holding a pass of another gate, wait for ever.
///
/// ```
/// let gate = gate::WriteGate::new();
/// let pass = gate.enter()?;
/// // … write …
/// drop(pass);
/// gate.drain()?;
/// assert_eq!(gate.enter().err(), Some(gate::Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WriteGate {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Those who drain wait here until it is quiet, or reopened.
    settled: Condvar,
}

struct State {
    /// Who is inside.
    writers: Vec<Writer>,
    is_closed: bool,
    /// How often it was reopened: a drain that began before is over.
    reopened: u64,
}

/// A thread that is inside, and how many passes it holds.
struct Writer {
    thread: ThreadId,
    passes: usize,
}

/// The right to write, until it is dropped.
///
/// It stays with the thread that it was given to: so it is known who would wait for itself.
#[must_use = "it is given back at once if it is not kept"]
pub struct Pass<'g> {
    gate: &'g WriteGate,
    thread: ThreadId,
    _stays_with_its_thread: PhantomData<*const ()>,
}

/// The gate is closed: what was to be written is not to be written now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the store is being closed, and takes no more writers")
    }
}

impl std::error::Error for Closed {}

/// Why a gate could not be drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotDrained {
    /// So many writers did not leave in time. The gate stays closed: drain it again, or reopen it.
    Busy {
        /// How many threads are still inside.
        writers: usize,
    },
    /// Somebody reopened it meanwhile.
    Reopened,
    /// The calling thread is inside itself, and would wait for itself. Nothing was closed.
    Inside,
}

impl fmt::Display for NotDrained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { writers } => write!(formatter, "{writers} writers are still at work"),
            Self::Reopened => formatter.write_str("writers were let in again meanwhile"),
            Self::Inside => formatter.write_str("whoever waits for the writers is one of them"),
        }
    }
}

impl std::error::Error for NotDrained {}

impl WriteGate {
    /// A gate that is open, with nobody inside.
    #[must_use]
    pub fn new() -> Self {
        let state = State { writers: Vec::new(), is_closed: false, reopened: 0 };
        let shared = Shared { state: Mutex::new(state), settled: Condvar::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Lets the calling thread in.
    ///
    /// # Errors
    /// If the gate is closed and this thread is not inside already.
    pub fn enter(&self) -> Result<Pass<'_>, Closed> {
        let thread = current().id();
        let mut state = self.lock();
        if let Some(writer) = state.writer(thread) {
            writer.passes += 1;
        } else if state.is_closed {
            return Err(Closed);
        } else {
            state.writers.push(Writer { thread, passes: 1 });
        }
        Ok(Pass { gate: self, thread, _stays_with_its_thread: PhantomData })
    }

    /// Lets no new writer in. Returns at once; those who are inside go on.
    pub fn close(&self) {
        self.lock().is_closed = true;
    }

    /// Lets writers in again: whatever it was closed for does not take place. Whoever drains it is told.
    pub fn reopen(&self) {
        let mut state = self.lock();
        if state.is_closed {
            state.is_closed = false;
            state.reopened += 1;
            self.shared.settled.notify_all();
        }
    }

    /// Closes the gate and waits until the last writer has left.
    ///
    /// # Errors
    /// [`NotDrained::Reopened`], [`NotDrained::Inside`].
    pub fn drain(&self) -> Result<(), NotDrained> {
        let mut state = self.close_for_draining()?;
        let reopened = state.reopened;
        while state.is_unsettled(reopened) {
            state = self.shared.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.outcome(reopened)
    }

    /// As [`WriteGate::drain`], for this long at most. With [`Duration::ZERO`] it does not wait at all.
    ///
    /// # Errors
    /// As [`WriteGate::drain`]; also [`NotDrained::Busy`].
    pub fn drain_within(&self, patience: Duration) -> Result<(), NotDrained> {
        let state = self.close_for_draining()?;
        let reopened = state.reopened;
        let settled = &self.shared.settled;
        let waited =
            settled.wait_timeout_while(state, patience, |state| state.is_unsettled(reopened));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.outcome(reopened)
    }

    fn close_for_draining(&self) -> Result<MutexGuard<'_, State>, NotDrained> {
        let mut state = self.lock();
        if state.writer(current().id()).is_some() {
            return Err(NotDrained::Inside);
        }
        state.is_closed = true;
        Ok(state)
    }

    /// Nothing panics while it is held, so a poisoned one would be sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn writer(&mut self, thread: ThreadId) -> Option<&mut Writer> {
        self.writers.iter_mut().find(|writer| writer.thread == thread)
    }

    /// Whether a drain that began when it had been reopened so many times has to wait on.
    fn is_unsettled(&self, reopened: u64) -> bool {
        self.reopened == reopened && !self.writers.is_empty()
    }

    fn outcome(&self, reopened: u64) -> Result<(), NotDrained> {
        match self.writers.len() {
            _ if self.reopened != reopened => Err(NotDrained::Reopened),
            0 => Ok(()),
            writers => Err(NotDrained::Busy { writers }),
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        if let Some(writer) = state.writer(self.thread) {
            writer.passes -= 1;
        }
        state.writers.retain(|writer| writer.passes > 0);
        if state.writers.is_empty() {
            self.gate.shared.settled.notify_all();
        }
    }
}

impl Default for WriteGate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WriteGate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let (is_closed, writers) = (state.is_closed, state.writers.len());
        drop(state);
        formatter
            .debug_struct("WriteGate")
            .field("is_closed", &is_closed)
            .field("writers", &writers)
            .finish()
    }
}

impl fmt::Debug for Pass<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pass").finish_non_exhaustive()
    }
}
