//! Shows that a home is exactly old or exactly new, whatever interrupts an upgrade (FC-UPGRADE-0001 §7, §15, §16, §25).
//!
//! What is here runs the real command as a real process and kills it ([`sweep`]). A process that is killed loses nothing
//! that it has written, so this covers the `kill` profile of what can happen to a disk, at moments that the clock chooses.

pub mod disk;
pub mod fault;
pub mod images;
mod kill;
mod names;
mod process;
mod random;
pub mod timeline;
pub mod world;

pub use kill::{Finding, KillReport, KillSweep, Killed, sweep};
pub use process::{Command, Failed};
pub use random::Random;
