//! The protocol of an upgrade in executable form (FC-UPGRADE-0001 §7, §15, §16, §29): what may happen to a home, step by step,
//! and what must hold whatever happens.
//!
//! [`State`] is a home with everything that a crash can tell apart; [`Model::actions`] says what may happen in it,
//! [`Model::next`] what that leads to, and [`Invariant`] what must hold in every state that can be reached. It is a
//! transition system and nothing else: it reads no file and knows no code of the product but the form of a record.
//!
//! # What is modelled
//! - **The journal**: an append is written, synced, vouched for by the witness, synced again, acknowledged. After a sync that
//!   failed everybody reads what the disk need not have ([`Line::Shown`]). What is acknowledged and durable is kept as what it
//!   amounts to ([`History`]), so journals of any length are one state if they mean the same.
//! - **Generations**: staged, filled, synced, renamed, and their name synced, each a step; removed file by file.
//! - **Processes** ([`PROCESSES`]) that take the lock, put right what they find, adopt, upgrade, roll back, confirm, collect,
//!   decide after a loss, install keyrings, or run as a runtime that has its starts counted and acknowledges writes.
//!   Each can be killed at every step, and the kernel then releases the lock and nothing else.
//! - **The world**: failures of the machine that take what is not durable, or do not; syncs that fail, with what was written
//!   still to be read or not; attempts that cannot go on; generations that rot; journals that are lost.
//!
//! Every attempt can be begun again as often as there are numbers, so a retry is part of all this.
//!
//! # What is not
//! - Bytes: hashes, padding, sizes. A record that is torn counts as lost; a disk that is full, as an attempt that cannot go on.
//! - What a plan means, what a migration does, who signed what: of an authority only its kind is left.
//! - A runtime that opens a store without the home's lock. The product holds a lock on the store against it;
//!   [`Flaw::BuildsBesideRuntime`] shows what it is good for.
//! - Directories of seals and keyrings, and the link for people.
//! - Which part of what was not durable a crash leaves of a generation: it leaves all, nothing, or something that is of no use.
//! - Fairness: that a process which could go on does. [`Invariant::RecoveryEnds`] lets one go on, from every state.
//!
//! # How it is checked
//! `tests/exhaustive.rs` explores every state within moderate [`Bounds`] with stateright, and shows for each [`Flaw`] which
//! invariant tells it; `examples/check` explores more. [`conform`] holds real journals to the model, without bounds; the simulator
//! does this with every journal that it sees.

mod conform;
mod disk;
mod flaw;
mod history;
mod invariants;
mod model;
mod state;
mod step;
pub use conform::{Follower, NotABehaviour, conform};
pub use disk::{Built, Content, Disk, Name};
pub use flaw::Flaw;
pub use history::{
    Attempt, Authority, Fate, FoundParent, History, Known, Number, Operation, Record, Stage, Trial,
};
pub use invariants::Invariant;
pub use model::{Action, Bounds, Model};
pub use state::{
    Build, Happened, Journal, Line, Next, PROCESSES, Process, Settle, State, Tail, Told,
};
pub use step::Recovery;
