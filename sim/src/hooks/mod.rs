//! The C library's file calls, answered by a simulated world.
//!
//! An executable that defines a C library's symbols takes precedence over the library itself, for everything that is linked
//! into it: the standard library, fjall, tempfile. So the product runs unmodified, and knows nothing of this. Paths below
//! [`ROOT_PATH`], and the descriptors that come from them, are served by the [`World`]; everything else goes on to the
//! kernel by a raw system call, or to the C library where that does more than to ask the kernel. A call that has no answer
//! ends the process, with its name, when it is about a simulated path or descriptor (`unanswered.rs`).
//!
//! What is not seen here: system calls that somebody makes by number, through `syscall`. The hooks go on to the kernel that
//! way themselves; a hook of it would have to make system calls in assembly, and know of each number which of its arguments
//! are paths. Nor is what takes descriptors within structures, such as `poll`, or what the C library is to open by itself,
//! such as `dlopen`. `sim/tests/simulator.rs` runs the simulator under `strace`: nothing simulated reaches the kernel.
//!
//! This is the only unsafe code of the project. What every block relies on:
//! - pointers come from callers of the C library, who promise what its manual pages ask of them;
//! - one lock is held around each simulated call, and nothing within it calls back into a hook: the world only allocates.

#![allow(unsafe_code, reason = "the C library's interface is unsafe")]

/// A raw system call, so that nothing of the hooks is entered again.
macro_rules! kernel {
    ($number:ident $(, $argument:expr)*) => {
        // SAFETY: the arguments are those of the caller, who promised the kernel's contract to the C library.
        unsafe { libc::syscall(libc::$number $(, $argument)*) }
    };
}

/// The C library's own function behind a hook, called with the hook's arguments.
macro_rules! library {
    ($name:ident($($argument:ident: $type:ty),*) -> $result:ty) => {{
        static NEXT: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
        let next = $crate::hooks::next(&NEXT, concat!(stringify!($name), "\0"));
        // SAFETY: this is the type of the C library's function of this name.
        let real: unsafe extern "C" fn($($type),*) -> $result =
            unsafe { std::mem::transmute::<usize, _>(next) };
        // SAFETY: the caller's contract.
        unsafe { real($($argument),*) }
    }};
}

mod calls;
mod directories;
mod surroundings;
#[cfg(test)]
mod tests;
mod unanswered;

use std::backtrace::Backtrace;
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sim::world::{Errno, FIRST_DESCRIPTOR, World};

/// Where the simulated file system is mounted.
pub(crate) const ROOT_PATH: &str = "/simulated";

static WORLD: Mutex<Option<World>> = Mutex::new(None);

/// Whether it is noted who calls.
static TRACED: AtomicBool = AtomicBool::new(false);

fn world() -> MutexGuard<'static, Option<World>> {
    // A panic while the lock was held leaves a world that is as good as any: every call is one step.
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a world in place, and returns the one before.
pub(crate) fn install(next: Option<World>) -> Option<World> {
    TRACED.store(next.as_ref().is_some_and(World::is_traced), Ordering::SeqCst);
    std::mem::replace(&mut world(), next)
}

/// Does something with the world that is in place.
pub(crate) fn with<T>(act: impl FnOnce(&mut World) -> T) -> Option<T> {
    world().as_mut().map(act)
}

/// The path below the simulated root, if it is one.
///
/// # Safety
/// `path` is a C string, as every caller of the C library promises.
unsafe fn simulated<'p>(path: *const c_char) -> Option<&'p str> {
    if path.is_null() {
        return None;
    }
    // SAFETY: it is not null, and by the contract of the C library it ends in a NUL.
    let rest = unsafe { CStr::from_ptr(path) }.to_bytes().strip_prefix(ROOT_PATH.as_bytes())?;
    (rest.is_empty() || rest.starts_with(b"/")).then(|| text(rest))
}

/// A path or name of the simulated disk, which knows none but of UTF-8, and leads down.
fn text(name: &[u8]) -> &str {
    let name = std::str::from_utf8(name).unwrap_or_else(|_| {
        unanswered::end("made", format_args!("a path below {ROOT_PATH} that is not UTF-8"))
    });
    // The first question is soon answered of nearly every path.
    if name.contains("..") && name.split('/').any(|part| part == "..") {
        unanswered::end("made", format_args!("a path below {ROOT_PATH} that leads up, {name}"))
    }
    name
}

/// Where the C library's own function is, whose name ends in a NUL. It is looked up once.
fn next(cell: &OnceLock<usize>, name: &str) -> usize {
    let look_up = || {
        // SAFETY: a look-up by name.
        let found = CStr::from_bytes_with_nul(name.as_bytes())
            .map(|name| unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) } as usize);
        match found {
            Ok(found) if found != 0 => found,
            _ => panic!("the C library has no {name}"),
        }
    };
    *cell.get_or_init(look_up)
}

/// True for a descriptor of a simulated file.
fn is_simulated(descriptor: c_int) -> bool {
    descriptor >= FIRST_DESCRIPTOR
}

/// A path relative to a simulated directory descriptor, or a simulated path.
///
/// # Safety
/// As [`simulated`].
unsafe fn simulated_at(directory: c_int, path: *const c_char) -> Option<String> {
    // SAFETY: as in `simulated`.
    let is_absolute =
        path.is_null() || unsafe { CStr::from_ptr(path) }.to_bytes().starts_with(b"/");
    if is_absolute || !is_simulated(directory) {
        // SAFETY: passed on.
        return unsafe { simulated(path) }.map(str::to_owned);
    }
    // SAFETY: it is not null.
    let name = text(unsafe { CStr::from_ptr(path) }.to_bytes());
    let base = with(|world| world.path_of(directory))?.ok()?;
    Some(format!("{base}/{name}"))
}

/// Sets `errno` and returns −1, or returns the value.
fn answer<T: From<i8>>(result: Result<T, Errno>) -> T {
    match result {
        Ok(value) => value,
        Err(errno) => {
            set_errno(errno);
            T::from(-1)
        }
    }
}

fn set_errno(errno: Errno) {
    // SAFETY: the C library promises a valid location for each thread.
    unsafe { *libc::__errno_location() = errno };
}

/// Runs a call on the world. Without one, nothing below the root exists.
fn call<T>(act: impl FnOnce(&mut World) -> Result<T, Errno>) -> Result<T, Errno> {
    // Before the lock is taken: to walk the stack allocates, and opens nothing. Names are looked up when it is shown.
    let site = TRACED.load(Ordering::Relaxed).then(|| Arc::new(Backtrace::force_capture()));
    let called = |world: &mut World| {
        if let Some(site) = site {
            world.called_from(site);
        }
        act(world)
    };
    with(called).unwrap_or(Err(libc::ENOENT))
}

pub(crate) use surroundings::{freeze, limit_memory, real_nanoseconds};

/// Proves that what the product relies on passes through here: a file that is written, persisted the way fjall does it,
/// renamed, listed, linked and removed, all below the simulated root.
pub(crate) fn check() -> Result<(), String> {
    use sim::disk::{Disk, Operation};
    use sim::fault::FaultPlan;
    use std::io::Write;

    install(Some(World::new(Disk::default(), FaultPlan::none())));
    // The standard library learns once whether there is `statx`: from a simulated path, which has none. From a real file,
    // such as those that a count of processors reads, it would learn that there is one.
    let _there = std::fs::metadata(ROOT_PATH);
    let act = || -> std::io::Result<()> {
        let root = std::path::Path::new(ROOT_PATH);
        let mut file = tempfile::NamedTempFile::new_in(root)?;
        file.write_all(b"persisted")?;
        file.as_file().sync_all()?;
        file.persist(root.join("current"))?;
        std::fs::hard_link(root.join("current"), root.join("linked"))?;
        std::fs::File::open(root)?.sync_all()?;
        let names = std::fs::read_dir(root)?.count();
        let led_to = root.join("linked").canonicalize()?;
        std::fs::remove_file(root.join("linked"))?;
        let is_there_still = root.join("linked").canonicalize().is_ok();
        if names == 2 && led_to == root.join("linked") && !is_there_still {
            return Ok(());
        }
        let what = format!("{names} names, {}, there: {is_there_still}", led_to.display());
        Err(std::io::Error::other(what))
    };
    let acted = act();
    let world = install(None).ok_or("no world")?;
    acted.map_err(|error| error.to_string())?;
    let count = |wanted: fn(&Operation) -> bool| {
        let log = world.log().iter();
        log.filter_map(|logged| logged.operation()).filter(|found| wanted(found)).count()
    };
    let found = [
        ("a rename", count(|operation| matches!(operation, Operation::Move { .. })), 1),
        ("two syncs", count(|operation| matches!(operation, Operation::Sync { .. })), 2),
        ("a write", count(|operation| matches!(operation, Operation::Write { .. })), 1),
        ("a removal", count(|operation| matches!(operation, Operation::Leave { .. })), 1),
    ];
    match found.into_iter().find(|(_, found, wanted)| found != wanted) {
        None => Ok(()),
        Some((what, found, wanted)) => Err(format!("{what}: {found} seen, {wanted} made")),
    }
}
