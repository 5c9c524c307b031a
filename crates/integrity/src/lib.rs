//! BLAKE3 digests of bytes, files, trees and logical state (FC-UPGRADE-0001 §18, §20).
//!
//! Three things are digested, each under its own context so that no digest of one kind can pass for another:
//! - the bytes of a file ([`Digest::of_file`]);
//! - a tree of files, as a seal lists it ([`TreeSeal`]);
//! - the logical state of a store ([`LogicalDigest`]), which is independent of its physical layout.

mod digest;
mod digester;
mod logical;
mod seal;

pub use digest::{Digest, InvalidDigest};
pub use digester::Digester;
pub use logical::{
    CHUNK_RECORDS, ChunkDigest, KeyspaceDigest, KeyspaceHasher, LogicalDigest, append_record,
    chunk_digest, split_record,
};
pub use seal::{FileSeal, SealViolation, TreeSeal};
