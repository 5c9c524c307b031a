//! Generations: stage, seal, activate, revert, collect.

mod part;

pub use part::Part;
