//! The storage migrations.

mod one_to_two;
mod two_to_three;

pub use one_to_two::DecodeRecords;
pub use two_to_three::JoinExecutions;
