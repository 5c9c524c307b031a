//! Tests of authority as a whole: fixtures of 1.0.x, and properties against brute force.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;
mod properties;
mod universe;
