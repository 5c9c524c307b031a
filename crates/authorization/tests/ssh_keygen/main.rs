//! This library and the real `ssh-keygen` say the same of the same files. Without `ssh-keygen` these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod cases;
mod forms;
mod tool;
mod verdicts;
