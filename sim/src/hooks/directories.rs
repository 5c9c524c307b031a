//! Calls on directories: `opendir` and its kin.

use std::ffi::{c_char, c_int};
use std::ptr;

use libc::{DIR, dirent64};
use sim::world::DirectoryEntry;

use super::{call, is_simulated, set_errno, simulated};

/// A simulated directory that is being read. Told from the C library's own by the tag it begins with.
#[repr(C)]
pub(super) struct Stream {
    tag: u64,
    pub(super) descriptor: c_int,
    entries: Vec<DirectoryEntry>,
    position: usize,
    current: dirent64,
}

/// What no `DIR` of the C library begins with: its first field is a small descriptor and a lock.
const TAG: u64 = 0x5349_4d44_4952_5354;

fn stream(descriptor: c_int, entries: Vec<DirectoryEntry>) -> *mut DIR {
    // SAFETY: all zeros is a valid value of this structure of numbers and bytes.
    let current = unsafe { std::mem::zeroed() };
    let stream = Stream { tag: TAG, descriptor, entries, position: 0, current };
    Box::into_raw(Box::new(stream)).cast()
}

/// # Safety
/// `directory` came from `opendir` or `fdopendir`, and was not closed.
pub(super) unsafe fn ours<'d>(directory: *mut DIR) -> Option<&'d mut Stream> {
    // SAFETY: either kind of stream has eight bytes to begin with, suitably aligned.
    if unsafe { directory.cast::<u64>().read() } != TAG {
        return None;
    }
    // SAFETY: with the tag it is one of `stream`, and its user has it to himself.
    Some(unsafe { &mut *directory.cast::<Stream>() })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn opendir(path: *const c_char) -> *mut DIR {
    // SAFETY: `path` is a C string.
    let Some(path) = (unsafe { simulated(path) }) else {
        return library!(opendir(path: *const c_char) -> *mut DIR);
    };
    let opened = call(|world| {
        let descriptor = world.open(path, libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
        match world.list(path) {
            Ok(entries) => Ok((descriptor, entries)),
            Err(errno) => {
                let _ = world.close(descriptor);
                Err(errno)
            }
        }
    });
    match opened {
        Ok((descriptor, entries)) => stream(descriptor, entries),
        Err(errno) => {
            set_errno(errno);
            ptr::null_mut()
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdopendir(descriptor: c_int) -> *mut DIR {
    if !is_simulated(descriptor) {
        return library!(fdopendir(descriptor: c_int) -> *mut DIR);
    }
    match call(|world| world.list_descriptor(descriptor)) {
        Ok(entries) => stream(descriptor, entries),
        Err(errno) => {
            set_errno(errno);
            ptr::null_mut()
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn readdir64(directory: *mut DIR) -> *mut dirent64 {
    // SAFETY: the caller's stream.
    let Some(stream) = (unsafe { ours(directory) }) else {
        return library!(readdir64(directory: *mut DIR) -> *mut dirent64);
    };
    let Some(entry) = stream.entries.get(stream.position) else {
        return ptr::null_mut();
    };
    stream.position += 1;
    stream.current.d_ino = entry.inode;
    stream.current.d_type = entry.kind;
    stream.current.d_name.fill(0);
    // The last byte stays NUL: names that long do not exist.
    let room = stream.current.d_name.len() - 1;
    for (target, byte) in stream.current.d_name.iter_mut().take(room).zip(entry.name.bytes()) {
        *target = byte.cast_signed();
    }
    &raw mut stream.current
}

/// Where files have 64 bits anyway, an entry is the same under either name.
#[unsafe(no_mangle)]
unsafe extern "C" fn readdir(directory: *mut DIR) -> *mut dirent64 {
    // SAFETY: the same contract.
    unsafe { readdir64(directory) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn dirfd(directory: *mut DIR) -> c_int {
    // SAFETY: the caller's stream.
    if let Some(stream) = unsafe { ours(directory) } {
        return stream.descriptor;
    }
    library!(dirfd(directory: *mut DIR) -> c_int)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn closedir(directory: *mut DIR) -> c_int {
    // SAFETY: the caller's stream.
    if unsafe { ours(directory) }.is_some() {
        // SAFETY: it came from `Box::into_raw` in `stream`, and its user lets go of it here.
        let stream = unsafe { Box::from_raw(directory.cast::<Stream>()) };
        let _ = call(|world| world.close(stream.descriptor));
        return 0;
    }
    library!(closedir(directory: *mut DIR) -> c_int)
}
