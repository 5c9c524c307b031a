//! The gate and the cancellation, on real threads and under all schedules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod cancellation;
mod models;
mod writers;
