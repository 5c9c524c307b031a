//! Packages: written, read, unpacked; hostile ones refused, each for its own reason.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may stop at the first surprise"
)]

mod attacks;
mod forge;
mod hostile_files;
mod hostile_manifests;
mod hostile_members;
mod limits;
mod packing;
mod properties;
mod refusals;
mod tar;
mod trees;
mod unpacking;
