//! Time and randomness: the same in every run.

use std::ffi::{c_int, c_uint, c_void};
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use libc::{clockid_t, size_t, ssize_t, timespec};

/// 2026-11-23T00:00:00Z.
const BEGIN: i64 = 1_795_392_000;

static RANDOM: AtomicU64 = AtomicU64::new(1);
static FROZEN: AtomicU64 = AtomicU64::new(0);

/// From here on the clock stands still, and randomness begins anew with this seed.
pub(crate) fn freeze(seed: u64) {
    RANDOM.store(seed, Ordering::SeqCst);
    FROZEN.store(1, Ordering::SeqCst);
}

/// From here on the clock goes on.
pub(crate) fn thaw() {
    FROZEN.store(0, Ordering::SeqCst);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    if FROZEN.load(Ordering::SeqCst) == 0 {
        // SAFETY: the arguments are those of the caller.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as c_int;
    }
    // SAFETY: the caller promises room for one structure.
    unsafe { time.write(timespec { tv_sec: BEGIN, tv_nsec: 0 }) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, count: size_t, _flags: c_uint) -> ssize_t {
    // SAFETY: the caller promises `count` bytes to write to.
    let buffer = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), count) };
    for chunk in buffer.chunks_mut(8) {
        let seed = RANDOM.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
        let bytes = sim::Random::new(seed).next_u64().to_le_bytes();
        for (target, byte) in chunk.iter_mut().zip(bytes) {
            *target = byte;
        }
    }
    count as ssize_t
}
