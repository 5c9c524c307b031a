//! The command, run as its users run it: real processes on real homes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests stop at the first surprise, and show what they saw"
)]

mod attacks;
mod audit;
mod columns;
mod documents;
mod durable_order;
mod exit_codes;
mod going_back;
mod interrupt;
mod journey;
mod json_schema;
mod kill;
mod launch;
mod manual;
mod meaning;
mod plan;
mod refusals;
mod schemas;
mod secrets;
mod summary;
mod support;
mod telemetry;
mod terminal;
mod trust;
mod verify;
