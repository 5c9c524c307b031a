//! What the operating system says of this process, and a clock to measure with.

use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;

/// What something cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Wall-clock time.
    pub(crate) seconds: f64,
    /// The most memory that the process had resident since it began (`VmHWM`), in MiB.
    pub(crate) peak_rss_mib: f64,
    /// Bytes that the process caused to be written to a disk (`write_bytes`): none on a file system in memory.
    pub(crate) written_bytes: u64,
}

/// Does something and says what it cost.
///
/// # Errors
/// What it returns, or that the system does not say.
pub(crate) fn measured<T>(act: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
    let written = written_bytes()?;
    let begun = now();
    let value = act()?;
    let seconds = begun.elapsed().as_secs_f64();
    let written_bytes = written_bytes()?.saturating_sub(written);
    Ok((value, Cost { seconds, peak_rss_mib: peak_rss_mib()?, written_bytes }))
}

#[expect(clippy::disallowed_methods, reason = "a bench measures; nothing is decided by it")]
fn now() -> Instant {
    Instant::now()
}

fn peak_rss_mib() -> Result<f64> {
    Ok(1024.0 * as_f64(field("/proc/self/status", "VmHWM:")?) / BYTES_PER_MIB)
}

fn written_bytes() -> Result<u64> {
    field("/proc/self/io", "write_bytes:")
}

fn field(file: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(file)?;
    number_after(&text, name).ok_or_else(|| Failure::new(format!("{file} has no {name}")))
}

/// The number on the line that begins with a name.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// As a floating-point number. What is counted here is far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "nothing here comes near 2^53")]
pub(crate) fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_the_beginning_of_their_line() {
        let io = "rchar: 1\ncancelled_write_bytes: 7\nwrite_bytes: 42\n";
        assert_eq!(number_after(io, "write_bytes:"), Some(42));
        assert_eq!(number_after("VmHWM:\t  2048 kB\n", "VmHWM:"), Some(2048));
        assert_eq!(number_after(io, "VmHWM:"), None);
    }

    #[test]
    fn cost_is_that_of_what_was_done() {
        let (value, cost) =
            measured(|| Ok(vec![1_u8; 64 << 20].iter().map(|b| *b as u64).sum::<u64>())).unwrap();
        assert_eq!(value, 64 << 20);
        assert!(cost.seconds > 0.0 && cost.peak_rss_mib >= 64.0, "{cost:?}");
    }
}
