//! Worked examples and properties of the crate as a whole.

mod examples;
mod fixtures;
mod negotiation;
mod path_properties;
mod properties;
mod reasons;
mod rollback;
mod strategies;
