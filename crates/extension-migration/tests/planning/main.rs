//! Planning, on extensions as they are in the field and on random ones.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may stop at the first surprise"
)]

mod laws;
mod made;
mod random;
mod releases;
mod staging;
mod talons;
