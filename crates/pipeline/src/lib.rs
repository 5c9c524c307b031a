//! Reader, workers, ordered consumer: in parallel, in bounded memory, with one and the same result.
//!
//! This is what records are migrated on (FC-UPGRADE-0001 §7). A migration must be deterministic, so nothing of how it
//! is run may show in what comes of it. [`ordered`] consumes in the order of production, and what ends it is what
//! comes first in that order: for any number of threads, any window, and however they are scheduled.
//!
//! ```text
//! produce ──put──▶ jobs ──take──▶ worker ──deliver──▶ results ──next──▶ consume
//! own thread       └────────────── at most a `window` ─────────────┘ calling thread
//! ```
//!
//! What the threads share is one queue behind one mutex. The items are chunks of many records, a few thousand a
//! second at most, so that simple beats clever. The queue is model-checked with loom: `tests/pipeline/models.rs`.

mod ordered;
mod pool;
mod queue;

pub use ordered::{Shape, Stopped, ordered, ordered_by_weight};
pub use pool::Pool;

/// What the queue is made of. Its models put loom's in the place of these.
mod sync {
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
}
