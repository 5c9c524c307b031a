//! How what is going on comes to rest: writers by a gate that drains them, an operation by its cancellation.
//!
//! - [`WriteGate`]: the writers of a runtime pass it, and whoever wants the store quiet drains it: before a store is sealed
//!   nobody may write to it any more, and whatever was written must be there (FC-UPGRADE-0001 §5, §14).
//! - [`Cancellation`]: ends an operation that is under way, from any thread, up to the point from which on it is done (§7,
//!   §16).
//!
//! Both are std and nothing else, and know no clock. Both are model-checked with loom: `tests/gate/models.rs` runs their
//! source under all schedules within stated bounds, and says of every model which mistakes it was seen to catch.
//!
//! This is a crate of its own, and no part of `pipeline`: a runtime that writes knows nothing of pipelines, and a pipeline
//! needs to know nothing of cancellation. To whom an error means that an operation was cancelled is whoever checks.

mod cancellation;
mod write_gate;

pub use cancellation::{Cancellation, Cancelled};
pub use write_gate::{Closed, NotDrained, Pass, WriteGate};

/// What both are made of. Their models put loom's in the place of these.
mod sync {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
    pub(crate) use std::thread::{ThreadId, current};
}
