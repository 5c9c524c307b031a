//! Calls on files.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_uint, c_void};
use std::{ptr, slice};

use libc::{iovec, mode_t, off64_t, size_t, ssize_t};
use sim::world::Stat;

use super::surroundings::is_hidden;
use super::unanswered::end;
use super::{ROOT_PATH, answer, call, is_simulated, set_errno, simulated, simulated_at, text};

/// As `open64`: the variadic mode is the third argument in the calling convention, whether it was given or not.
#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: `path` is a C string.
    match unsafe { simulated(path) } {
        Some(path) => answer(call(|world| world.open(path, flags, mode))),
        // SAFETY: `path` is a C string, or null.
        None if !path.is_null() && is_hidden(unsafe { CStr::from_ptr(path) }) => {
            answer(Err(libc::ENOENT))
        }
        None => kernel!(SYS_openat, libc::AT_FDCWD, path, flags, mode) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the same contract.
    unsafe { open64(path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat64(
    directory: c_int,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
) -> c_int {
    // SAFETY: `path` is a C string.
    match unsafe { simulated_at(directory, path) } {
        Some(path) => answer(call(|world| world.open(&path, flags, mode))),
        None => kernel!(SYS_openat, directory, path, flags, mode) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat(
    directory: c_int,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
) -> c_int {
    // SAFETY: the same contract.
    unsafe { openat64(directory, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn close(descriptor: c_int) -> c_int {
    if is_simulated(descriptor) {
        return answer(call(|world| world.close(descriptor).map(|()| 0)));
    }
    kernel!(SYS_close, descriptor) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn dup(descriptor: c_int) -> c_int {
    if is_simulated(descriptor) {
        return answer(call(|world| world.duplicate(descriptor)));
    }
    kernel!(SYS_dup, descriptor) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fcntl(descriptor: c_int, command: c_int, argument: c_long) -> c_int {
    if !is_simulated(descriptor) {
        return kernel!(SYS_fcntl, descriptor, command, argument) as c_int;
    }
    match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => answer(call(|world| world.duplicate(descriptor))),
        libc::F_GETFD | libc::F_SETFD => {
            answer(call(|world| world.path_of(descriptor).map(|_| libc::FD_CLOEXEC)))
        }
        libc::F_GETFL => answer(call(|world| world.path_of(descriptor).map(|_| libc::O_RDWR))),
        _ => end("fcntl", format_args!("the descriptor {descriptor}, command {command}")),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fcntl64(descriptor: c_int, command: c_int, argument: c_long) -> c_int {
    // SAFETY: the same contract.
    unsafe { fcntl(descriptor, command, argument) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn read(descriptor: c_int, buffer: *mut c_void, count: size_t) -> ssize_t {
    if !is_simulated(descriptor) {
        return kernel!(SYS_read, descriptor, buffer, count) as ssize_t;
    }
    // SAFETY: the caller promises `count` bytes to write to.
    let buffer = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), count) };
    answer(call(|world| world.read(descriptor, buffer)).map(|count| count as ssize_t))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pread64(
    descriptor: c_int,
    buffer: *mut c_void,
    count: size_t,
    offset: off64_t,
) -> ssize_t {
    if !is_simulated(descriptor) {
        return kernel!(SYS_pread64, descriptor, buffer, count, offset) as ssize_t;
    }
    // SAFETY: the caller promises `count` bytes to write to.
    let buffer = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), count) };
    let offset = offset.cast_unsigned();
    answer(call(|world| world.read_at(descriptor, buffer, offset)).map(|count| count as ssize_t))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, buffer: *const c_void, count: size_t) -> ssize_t {
    if !is_simulated(descriptor) {
        return kernel!(SYS_write, descriptor, buffer, count) as ssize_t;
    }
    // SAFETY: the caller promises `count` bytes to read.
    let data = unsafe { slice::from_raw_parts(buffer.cast::<u8>(), count) };
    answer(call(|world| world.write(descriptor, data)).map(|count| count as ssize_t))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(
    descriptor: c_int,
    buffer: *const c_void,
    count: size_t,
    offset: off64_t,
) -> ssize_t {
    if !is_simulated(descriptor) {
        return kernel!(SYS_pwrite64, descriptor, buffer, count, offset) as ssize_t;
    }
    // SAFETY: the caller promises `count` bytes to read.
    let data = unsafe { slice::from_raw_parts(buffer.cast::<u8>(), count) };
    let offset = offset.cast_unsigned();
    answer(call(|world| world.write_at(descriptor, data, offset)).map(|count| count as ssize_t))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(descriptor: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    if !is_simulated(descriptor) {
        return kernel!(SYS_writev, descriptor, parts, count) as ssize_t;
    }
    // SAFETY: the caller promises `count` parts, each with its bytes.
    let parts = unsafe { slice::from_raw_parts(parts, count.max(0) as usize) };
    let mut data = Vec::new();
    for part in parts {
        // SAFETY: as above.
        data.extend_from_slice(unsafe {
            slice::from_raw_parts(part.iov_base.cast::<u8>(), part.iov_len)
        });
    }
    answer(call(|world| world.write(descriptor, &data)).map(|count| count as ssize_t))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lseek64(descriptor: c_int, offset: off64_t, whence: c_int) -> off64_t {
    if !is_simulated(descriptor) {
        return kernel!(SYS_lseek, descriptor, offset, whence);
    }
    answer(call(|world| world.seek(descriptor, offset, whence)).map(u64::cast_signed))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate64(descriptor: c_int, size: off64_t) -> c_int {
    if !is_simulated(descriptor) {
        return kernel!(SYS_ftruncate, descriptor, size) as c_int;
    }
    answer(call(|world| world.resize(descriptor, size.cast_unsigned()).map(|()| 0)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(descriptor: c_int) -> c_int {
    if !is_simulated(descriptor) {
        return kernel!(SYS_fsync, descriptor) as c_int;
    }
    answer(call(|world| world.sync(descriptor).map(|()| 0)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    if !is_simulated(descriptor) {
        return kernel!(SYS_fdatasync, descriptor) as c_int;
    }
    answer(call(|world| world.sync(descriptor).map(|()| 0)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn flock(descriptor: c_int, operation: c_int) -> c_int {
    if !is_simulated(descriptor) {
        return kernel!(SYS_flock, descriptor, operation) as c_int;
    }
    answer(call(|world| world.lock(descriptor, operation).map(|()| 0)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: `path` is a C string.
    match unsafe { simulated(path) } {
        Some(path) => answer(call(|world| world.make_directory(path, mode).map(|()| 0))),
        None => kernel!(SYS_mkdir, path, mode) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: `path` is a C string.
    match unsafe { simulated(path) } {
        Some(path) => answer(call(|world| world.remove(path, true).map(|()| 0))),
        None => kernel!(SYS_rmdir, path) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: `path` is a C string.
    match unsafe { simulated(path) } {
        Some(path) => answer(call(|world| world.remove(path, false).map(|()| 0))),
        None => kernel!(SYS_unlink, path) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlinkat(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    let directory_wanted = flags & libc::AT_REMOVEDIR != 0;
    // SAFETY: `path` is a C string.
    match unsafe { simulated_at(directory, path) } {
        Some(path) => answer(call(|world| world.remove(&path, directory_wanted).map(|()| 0))),
        None => kernel!(SYS_unlinkat, directory, path, flags) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: both are C strings.
    match unsafe { (simulated(from), simulated(to)) } {
        (Some(from), Some(to)) => answer(call(|world| world.rename(from, to).map(|()| 0))),
        (None, None) => kernel!(SYS_rename, from, to) as c_int,
        _ => answer(Err(libc::EXDEV)),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn renameat(
    from_directory: c_int,
    from: *const c_char,
    to_directory: c_int,
    to: *const c_char,
) -> c_int {
    // SAFETY: both are C strings.
    match unsafe { (simulated_at(from_directory, from), simulated_at(to_directory, to)) } {
        (Some(from), Some(to)) => answer(call(|world| world.rename(&from, &to).map(|()| 0))),
        (None, None) => kernel!(SYS_renameat, from_directory, from, to_directory, to) as c_int,
        _ => answer(Err(libc::EXDEV)),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn renameat2(
    from_directory: c_int,
    from: *const c_char,
    to_directory: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    // SAFETY: both are C strings.
    match unsafe { (simulated_at(from_directory, from), simulated_at(to_directory, to)) } {
        (Some(from), Some(to)) if flags == 0 => {
            answer(call(|world| world.rename(&from, &to).map(|()| 0)))
        }
        (None, None) => {
            kernel!(SYS_renameat2, from_directory, from, to_directory, to, flags) as c_int
        }
        _ => answer(Err(libc::EINVAL)),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn linkat(
    from_directory: c_int,
    from: *const c_char,
    to_directory: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: both are C strings.
    match unsafe { (simulated_at(from_directory, from), simulated_at(to_directory, to)) } {
        (Some(from), Some(to)) => answer(call(|world| world.hard_link(&from, &to).map(|()| 0))),
        (None, None) => kernel!(SYS_linkat, from_directory, from, to_directory, to, flags) as c_int,
        _ => answer(Err(libc::EXDEV)),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn symlink(target: *const c_char, path: *const c_char) -> c_int {
    // SAFETY: both are C strings.
    match unsafe { simulated(path) } {
        Some(path) => {
            // SAFETY: as above.
            let target = text(unsafe { CStr::from_ptr(target) }.to_bytes());
            answer(call(|world| world.make_link(target, path).map(|()| 0)))
        }
        None => kernel!(SYS_symlink, target, path) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn readlink(path: *const c_char, buffer: *mut c_char, size: size_t) -> ssize_t {
    // SAFETY: `path` is a C string.
    let Some(path) = (unsafe { simulated(path) }) else {
        return kernel!(SYS_readlink, path, buffer, size) as ssize_t;
    };
    answer(call(|world| world.read_link(path)).map(|target| {
        let count = target.len().min(size);
        // SAFETY: the caller promises `size` bytes to write to, and the text has `count`.
        unsafe { buffer.cast::<u8>().copy_from(target.as_ptr(), count) };
        count as ssize_t
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn chmod(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: `path` is a C string.
    match unsafe { simulated(path) } {
        Some(path) => answer(call(|world| world.change_mode(path, mode).map(|()| 0))),
        None => kernel!(SYS_chmod, path, mode) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fchmod(descriptor: c_int, mode: mode_t) -> c_int {
    if is_simulated(descriptor) {
        return answer(call(|world| world.change_mode_of(descriptor, mode).map(|()| 0)));
    }
    kernel!(SYS_fchmod, descriptor, mode) as c_int
}

/// Writes what a simulated `stat` found.
///
/// # Safety
/// `buffer` is the caller's structure.
unsafe fn fill(buffer: *mut libc::stat64, result: Result<Stat, c_int>) -> c_int {
    let stat = match result {
        Ok(stat) => stat,
        Err(errno) => {
            set_errno(errno);
            return -1;
        }
    };
    // SAFETY: all zeros is a valid value of this structure of numbers.
    let mut filled: libc::stat64 = unsafe { std::mem::zeroed() };
    filled.st_ino = stat.inode;
    filled.st_mode = stat.mode;
    filled.st_size = stat.size.cast_signed();
    filled.st_nlink = stat.links;
    filled.st_blksize = 4096;
    // SAFETY: the caller promises room for one structure.
    unsafe { buffer.write(filled) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn stat64(path: *const c_char, buffer: *mut libc::stat64) -> c_int {
    // SAFETY: `path` is a C string, `buffer` the caller's.
    match unsafe { simulated(path) } {
        Some(path) => unsafe { fill(buffer, call(|world| world.stat(path, true))) },
        None => kernel!(SYS_stat, path, buffer) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn lstat64(path: *const c_char, buffer: *mut libc::stat64) -> c_int {
    // SAFETY: `path` is a C string, `buffer` the caller's.
    match unsafe { simulated(path) } {
        Some(path) => unsafe { fill(buffer, call(|world| world.stat(path, false))) },
        None => kernel!(SYS_lstat, path, buffer) as c_int,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fstat64(descriptor: c_int, buffer: *mut libc::stat64) -> c_int {
    if is_simulated(descriptor) {
        // SAFETY: `buffer` is the caller's.
        return unsafe { fill(buffer, call(|world| world.stat_descriptor(descriptor))) };
    }
    kernel!(SYS_fstat, descriptor, buffer) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fstatat64(
    directory: c_int,
    path: *const c_char,
    buffer: *mut libc::stat64,
    flags: c_int,
) -> c_int {
    // SAFETY: `path` is a C string, `buffer` the caller's.
    match unsafe { simulated_at(directory, path) } {
        Some(path) => {
            let follow = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
            // SAFETY: as above.
            unsafe { fill(buffer, call(|world| world.stat(&path, follow))) }
        }
        None => kernel!(SYS_newfstatat, directory, path, buffer, flags) as c_int,
    }
}

/// Never there for simulated files, so that the standard library takes the older calls.
#[unsafe(no_mangle)]
unsafe extern "C" fn statx(
    directory: c_int,
    path: *const c_char,
    flags: c_int,
    mask: c_uint,
    buffer: *mut libc::statx,
) -> c_int {
    // SAFETY: `path` is a C string.
    let simulated = is_simulated(directory) || unsafe { simulated(path) }.is_some();
    // The standard library asks once whether there is such a call, with null pointers; to say no then is enough.
    if simulated || buffer.is_null() {
        set_errno(libc::ENOSYS);
        return -1;
    }
    kernel!(SYS_statx, directory, path, flags, mask, buffer) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_offset: *mut off64_t,
    to: c_int,
    to_offset: *mut off64_t,
    count: size_t,
    flags: c_uint,
) -> ssize_t {
    if is_simulated(from) || is_simulated(to) {
        // The standard library then reads and writes, which is recorded.
        return answer(Err(libc::ENOSYS));
    }
    kernel!(SYS_copy_file_range, from, from_offset, to, to_offset, count, flags) as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sendfile64(
    to: c_int,
    from: c_int,
    offset: *mut off64_t,
    count: size_t,
) -> ssize_t {
    if is_simulated(from) || is_simulated(to) {
        return answer(Err(libc::EINVAL));
    }
    kernel!(SYS_sendfile, to, from, offset, count) as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realpath(path: *const c_char, resolved: *mut c_char) -> *mut c_char {
    // SAFETY: `path` is a C string.
    let Some(simulated) = (unsafe { simulated(path) }) else {
        return library!(realpath(path: *const c_char, resolved: *mut c_char) -> *mut c_char);
    };
    let found = call(|world| world.real_path(simulated))
        .and_then(|real| CString::new(format!("{ROOT_PATH}{real}")).map_err(|_| libc::EINVAL));
    let real = match found {
        Ok(real) => real,
        Err(errno) => {
            set_errno(errno);
            return ptr::null_mut();
        }
    };
    // SAFETY: the caller promises room for the longest path, or gets memory of the C library's allocator.
    unsafe {
        if resolved.is_null() {
            return libc::strdup(real.as_ptr());
        }
        libc::strcpy(resolved, real.as_ptr())
    }
}

/// Names that are the same call where sizes have 64 bits anyway.
macro_rules! twins {
    ($($name:ident = $twin:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            // SAFETY: the same contract.
            unsafe { $twin($($argument),*) }
        }
    )*};
}

twins! {
    stat = stat64(path: *const c_char, buffer: *mut libc::stat64) -> c_int;
    lstat = lstat64(path: *const c_char, buffer: *mut libc::stat64) -> c_int;
    fstat = fstat64(descriptor: c_int, buffer: *mut libc::stat64) -> c_int;
    fstatat = fstatat64(
        directory: c_int, path: *const c_char, buffer: *mut libc::stat64, flags: c_int
    ) -> c_int;
    pread = pread64(
        descriptor: c_int, buffer: *mut c_void, count: size_t, offset: off64_t
    ) -> ssize_t;
    pwrite = pwrite64(
        descriptor: c_int, buffer: *const c_void, count: size_t, offset: off64_t
    ) -> ssize_t;
    lseek = lseek64(descriptor: c_int, offset: off64_t, whence: c_int) -> off64_t;
    ftruncate = ftruncate64(descriptor: c_int, size: off64_t) -> c_int;
    sendfile = sendfile64(
        to: c_int, from: c_int, offset: *mut off64_t, count: size_t
    ) -> ssize_t;
}
