//! The C library's file calls, answered by a simulated world.
//!
//! An executable that defines a C library's symbols takes precedence over the library itself, for everything that is linked
//! into it: the standard library, fjall, tempfile. So the product runs unmodified, and knows nothing of this. Paths below
//! [`ROOT_PATH`], and the descriptors that come from them, are served by the [`World`]; everything else goes on to the
//! kernel by a raw system call. A call that is not answered here and reaches a simulated path fails loudly, because the
//! kernel does not know the path.
//!
//! This is the only unsafe code of the project. What every block relies on:
//! - pointers come from callers of the C library, who promise what its manual pages ask of them;
//! - one lock is held around each simulated call, and nothing within it calls back into a hook: the world only allocates.

#![allow(unsafe_code, reason = "the C library's interface is unsafe")]

mod calls;
mod directories;
mod surroundings;

use std::backtrace::Backtrace;
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The path below the simulated root, if it is one. What is not UTF-8 is not ours.
///
/// # Safety
/// `path` is a C string, as every caller of the C library promises.
unsafe fn simulated<'p>(path: *const c_char) -> Option<&'p str> {
    if path.is_null() {
        return None;
    }
    // SAFETY: it is not null, and by the contract of the C library it ends in a NUL.
    let text = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    let rest = text.strip_prefix(ROOT_PATH)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
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
    if !is_simulated(directory) {
        // SAFETY: passed on.
        return unsafe { simulated(path) }.map(str::to_owned);
    }
    // SAFETY: as in `simulated`.
    let name = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
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
        std::fs::remove_file(root.join("linked"))?;
        if names == 2 { Ok(()) } else { Err(std::io::Error::other(format!("{names} names"))) }
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
