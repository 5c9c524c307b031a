//! Calls on directories: `opendir` and its kin.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use libc::{DIR, dirent64};
use sim::world::DirectoryEntry;

use super::{call, is_simulated, set_errno, simulated};

/// A simulated directory that is being read. Told from the C library's own by the tag it begins with.
#[repr(C)]
struct Stream {
    tag: u64,
    descriptor: c_int,
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
unsafe fn ours<'d>(directory: *mut DIR) -> Option<&'d mut Stream> {
    // SAFETY: either kind of stream has eight bytes to begin with, suitably aligned.
    if unsafe { directory.cast::<u64>().read() } != TAG {
        return None;
    }
    // SAFETY: with the tag it is one of `stream`, and its user has it to himself.
    Some(unsafe { &mut *directory.cast::<Stream>() })
}

/// The C library's own function behind a hook.
fn next(cell: &OnceLock<usize>, name: &CStr) -> usize {
    // SAFETY: a look-up by name.
    *cell.get_or_init(|| unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) } as usize)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn opendir(path: *const c_char) -> *mut DIR {
    // SAFETY: `path` is a C string.
    let Some(path) = (unsafe { simulated(path) }) else {
        static NEXT: OnceLock<usize> = OnceLock::new();
        // SAFETY: this is the type of the C library's function of this name.
        let real: unsafe extern "C" fn(*const c_char) -> *mut DIR =
            unsafe { std::mem::transmute(next(&NEXT, c"opendir")) };
        // SAFETY: the caller's contract.
        return unsafe { real(path) };
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
        static NEXT: OnceLock<usize> = OnceLock::new();
        // SAFETY: this is the type of the C library's function of this name.
        let real: unsafe extern "C" fn(c_int) -> *mut DIR =
            unsafe { std::mem::transmute(next(&NEXT, c"fdopendir")) };
        // SAFETY: the caller's contract.
        return unsafe { real(descriptor) };
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
        static NEXT: OnceLock<usize> = OnceLock::new();
        // SAFETY: this is the type of the C library's function of this name.
        let real: unsafe extern "C" fn(*mut DIR) -> *mut dirent64 =
            unsafe { std::mem::transmute(next(&NEXT, c"readdir64")) };
        // SAFETY: the caller's contract.
        return unsafe { real(directory) };
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

#[unsafe(no_mangle)]
unsafe extern "C" fn dirfd(directory: *mut DIR) -> c_int {
    // SAFETY: the caller's stream.
    if let Some(stream) = unsafe { ours(directory) } {
        return stream.descriptor;
    }
    static NEXT: OnceLock<usize> = OnceLock::new();
    // SAFETY: this is the type of the C library's function of this name.
    let real: unsafe extern "C" fn(*mut DIR) -> c_int =
        unsafe { std::mem::transmute(next(&NEXT, c"dirfd")) };
    // SAFETY: the caller's contract.
    unsafe { real(directory) }
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
    static NEXT: OnceLock<usize> = OnceLock::new();
    // SAFETY: this is the type of the C library's function of this name.
    let real: unsafe extern "C" fn(*mut c_void) -> c_int =
        unsafe { std::mem::transmute(next(&NEXT, c"closedir")) };
    // SAFETY: the caller's contract.
    unsafe { real(directory.cast()) }
}
