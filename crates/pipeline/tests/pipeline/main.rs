//! The pipeline against a plain loop, on threads, without threads, and its queue under all schedules.

mod bounds;
mod models;
mod panics;
mod pool;
mod reference;
#[cfg(target_os = "linux")]
mod scarcity;
