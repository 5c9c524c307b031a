//! Time and randomness: the same in every run.

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use libc::{clockid_t, size_t, ssize_t, timespec};

/// 2026-11-23T00:00:00Z.
const BEGIN: i64 = 1_795_392_000;

/// What `getpid` answers: a number that says that it is not one.
const PROCESS: c_int = 424_242;

static RANDOM: AtomicU64 = AtomicU64::new(1);
static FROZEN: AtomicBool = AtomicBool::new(false);

/// From here on the clock stands still, and randomness begins anew with this seed: on this thread, which is to be a new one
/// if what is done is to be the same each time, since the standard library asks once a thread.
pub(crate) fn freeze(seed: u64) {
    RANDOM.store(seed, Ordering::SeqCst);
    fastrand::seed(seed);
    FROZEN.store(true, Ordering::SeqCst);
}

/// Whether a file of the machine is one that nobody finds: where the standard library would read, each time that somebody asks
/// for the number of processors, how many of them this process may use.
pub(super) fn is_hidden(path: &CStr) -> bool {
    path == c"/proc/self/cgroup" && FROZEN.load(Ordering::SeqCst)
}

/// Nanoseconds of a clock that never stands still.
pub(crate) fn real_nanoseconds() -> u64 {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` has room for one structure.
    unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// This process may take so many bytes of memory, and no more.
pub(crate) fn limit_memory(bytes: u64) -> std::io::Result<()> {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: `limit` is a structure as the call expects it.
    match unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    if !FROZEN.load(Ordering::SeqCst) {
        // SAFETY: the arguments are those of the caller.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as c_int;
    }
    // SAFETY: the caller promises room for one structure.
    unsafe { time.write(timespec { tv_sec: BEGIN, tv_nsec: 0 }) };
    0
}

#[unsafe(no_mangle)]
extern "C" fn getpid() -> c_int {
    if FROZEN.load(Ordering::SeqCst) {
        return PROCESS;
    }
    // SAFETY: it has no arguments.
    unsafe { libc::syscall(libc::SYS_getpid) as c_int }
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
