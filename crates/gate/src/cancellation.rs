//! Ending what is under way.

use std::fmt;
use std::sync::PoisonError;

use super::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering};

/// Says that an operation is to end. All clones are one.
///
/// Whoever carries the operation out [checks](Cancellation::check) now and then, and ends with an error if it was cancelled.
/// What that means is decided there: an upgrade checks no more once it is on record as done.
///
/// A check is one load of an atomic, and nothing at all if nobody can cancel.
#[derive(Clone, Default)]
pub struct Cancellation {
    shared: Option<Arc<Shared>>,
}

struct Shared {
    is_cancelled: AtomicBool,
    /// By whom: whoever was first.
    by: Mutex<Option<String>>,
    countdown: Option<Countdown>,
}

/// Cancels at a check.
struct Countdown {
    checks: AtomicU64,
    nth: u64,
    by: &'static str,
}

/// Somebody wanted the operation to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// Who, or what, such as `SIGINT`.
    pub by: String,
}

impl fmt::Display for Cancelled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cancelled by {}", self.by)
    }
}

impl std::error::Error for Cancelled {}

impl Cancellation {
    /// One that nobody has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::counting(None)
    }

    /// One that never is: for what nobody can cancel.
    #[must_use]
    pub const fn never() -> Self {
        Self { shared: None }
    }

    /// One that is cancelled at its `nth` check, the first being 1, and so always at the same place of what is done on one
    /// thread: for those who try out what an operation does when it is cancelled there.
    #[must_use]
    pub fn at_check(nth: u64, by: &'static str) -> Self {
        Self::counting(Some(Countdown { checks: AtomicU64::new(0), nth, by }))
    }

    fn counting(countdown: Option<Countdown>) -> Self {
        let (is_cancelled, by) = (AtomicBool::new(false), Mutex::new(None));
        Self { shared: Some(Arc::new(Shared { is_cancelled, by, countdown })) }
    }

    /// Ends what checks this. Only the first call counts. One that is [never](Cancellation::never) cancelled is not by this
    /// either.
    ///
    /// Whatever the caller did before is seen by whoever finds that it was cancelled.
    pub fn cancel(&self, by: &str) {
        if let Some(shared) = &self.shared {
            shared.cancel(by);
        }
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// If it was cancelled: by whom.
    pub fn check(&self) -> Result<(), Cancelled> {
        let Some(shared) = &self.shared else { return Ok(()) };
        if let Some(countdown) = &shared.countdown
            && countdown.is_now()
        {
            shared.cancel(countdown.by);
        }
        // Only whether to look: who finds it cancelled takes the lock under which it was, and so sees all that was before.
        if shared.is_cancelled.load(Ordering::Relaxed) { Err(shared.cancelled()) } else { Ok(()) }
    }
}

impl Shared {
    fn cancel(&self, by: &str) {
        let mut first = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = Some(by.to_owned());
            self.is_cancelled.store(true, Ordering::Relaxed);
        }
    }

    fn cancelled(&self) -> Cancelled {
        let by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        Cancelled { by: by.clone().unwrap_or_default() }
    }
}

impl Countdown {
    fn is_now(&self) -> bool {
        // Nothing else hangs on how far it has come.
        self.checks.fetch_add(1, Ordering::Relaxed).wrapping_add(1) == self.nth
    }
}

/// One is equal to its clones. Two that are never cancelled are the same.
impl PartialEq for Cancellation {
    fn eq(&self, other: &Self) -> bool {
        match (&self.shared, &other.shared) {
            (None, None) => true,
            (Some(own), Some(theirs)) => Arc::ptr_eq(own, theirs),
            _ => false,
        }
    }
}

impl Eq for Cancellation {}

impl fmt::Debug for Cancellation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.shared.as_ref();
        let is_cancelled = shared.map(|shared| shared.is_cancelled.load(Ordering::Relaxed));
        formatter.debug_struct("Cancellation").field("is_cancelled", &is_cancelled).finish()
    }
}
