//! The pipeline against a plain loop, on threads, without threads, and its queue under all schedules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod bounds;
mod models;
mod panics;
mod pool;
mod reference;
#[cfg(target_os = "linux")]
mod scarcity;
