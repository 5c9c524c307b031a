//! How much memory was asked for, as the kernel counts it.

use std::fs;
use std::sync::{Mutex, PoisonError};

/// What one run may ask for, in bytes. What a package can claim is several times as much; what other threads of a test take
/// for their stacks and heaps meanwhile is less.
pub(crate) const BOUND: u64 = 1 << 30;

/// By how many bytes the address space has come to be larger than it ever was, because of this or meanwhile. One is measured
/// at a time, so that none is blamed for another.
pub(crate) fn grown<T>(run: impl FnOnce() -> T) -> (T, u64) {
    static MEASURING: Mutex<()> = Mutex::new(());
    let _measuring = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let before = peak();
    let result = run();
    (result, peak().saturating_sub(before))
}

/// The largest address space that this process ever had. Without `/proc` nothing is found here: it panics.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    match number {
        Some(kilobytes) => kilobytes * 1024,
        None => panic!("the kernel does not say how much memory is used"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_and_not_used_is_noticed() {
        let asked = usize::try_from(BOUND * 4).unwrap();
        let ((), grown) = grown(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(asked))));
        assert!(grown > BOUND, "{grown}");
    }
}
