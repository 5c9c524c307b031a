//! The storage migrations.

mod one_to_two;
mod three_to_two;
mod two_to_three;

pub use one_to_two::DecodeRecords;
pub use three_to_two::SplitExecutions;
pub use two_to_three::JoinExecutions;
