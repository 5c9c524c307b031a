//! What every sink makes of the same events, and that no sink can do harm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests stop at the first surprise"
)]

mod harm;
mod lines;
mod measures;
mod observed;
mod otlp;
mod schema;
mod spans;
mod support;
