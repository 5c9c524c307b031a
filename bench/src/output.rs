//! What is said, and to whom: results to standard output, everything else to standard error.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to people")]

/// Says how far it is.
pub(crate) fn say(line: &str) {
    eprintln!("bench: {line}");
}

/// Gives a line of the result.
pub(crate) fn give(line: &str) {
    println!("{line}");
}
