//! The few file operations that everything durable is made of.
//!
//! Product code calls `std::fs` and fjall directly; whatever must survive a crash goes through here, so that the
//! order of syncs can be read in one place. There is deliberately no storage trait: the simulator works below libc.
//!
//! What is assumed of the file system (POSIX, and no more):
//! - after `fsync` of a file its bytes and size are durable, but not its name;
//! - after `fsync` of a directory its entries are durable;
//! - `rename` within one file system replaces a name in one step;
//! - a failed `fsync` says nothing about what is on disk, and a second one that succeeds says nothing either. So no
//!   function here retries a sync, and callers drop, reopen, verify and decide (ARCHITECTURE.md, laws).

mod clone;
mod error;
mod plain;
mod tree;
mod write;

pub use clone::{CloneMode, CloneReport, clone_tree, copy_file};
pub use error::{Error, Operation, Result};
pub use plain::{open_directory, open_plain, read_plain};
pub use tree::{
    Entry, EntryKind, FileIdentity, MAXIMUM_DEPTH, exists, is_directory, is_file, is_same_file,
    remove_tree, restrict_directory, restrict_tree, sync_tree, walk,
};
pub use write::{
    create_directory, create_file, remove_file, rename, replace_file, replace_files,
    sync_directory, write_file,
};

/// Permission bits of every directory in a home: nobody but the owner (FC-UPGRADE-0001 §23).
pub const DIRECTORY_MODE: u32 = 0o700;
/// Permission bits of every plain file in a home.
pub const FILE_MODE: u32 = 0o600;
/// Permission bits of the files in a home that are meant to be executed.
pub const EXECUTABLE_MODE: u32 = 0o700;
