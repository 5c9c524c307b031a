//! Calls on files that have no answer, because nothing of what runs makes them.
//!
//! What is real goes on. What is simulated ends the process, with the name of the call: a kernel that is asked for a path
//! below the simulated root says that it is not there, which looks like an answer, and is none.

use std::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::fmt::Arguments;
use std::io::Write;

use libc::{
    DIR, FILE, dev_t, dirent64, gid_t, iovec, mode_t, off64_t, size_t, ssize_t, timespec, timeval,
    uid_t,
};

use super::directories::ours;
use super::{ROOT_PATH, is_simulated, simulated};

/// The longest path, and the words around it.
const LONGEST_MESSAGE: usize = libc::PATH_MAX as usize + 128;

/// Ends the process: without a lock and without memory, since nobody knows who calls, and when.
pub(super) fn end(call: &str, subject: Arguments<'_>) -> ! {
    let mut text = [0_u8; LONGEST_MESSAGE];
    let mut rest = text.as_mut_slice();
    // What is too long is cut.
    let _ = writeln!(rest, "the simulator has no answer to the call {call} of {subject}");
    let count = LONGEST_MESSAGE - rest.len();
    kernel!(SYS_write, libc::STDERR_FILENO, text.as_ptr(), count);
    // SAFETY: it has no arguments, and does not return.
    unsafe { libc::abort() }
}

/// What a call is about.
trait Subject {
    /// Returns if it is not simulated.
    ///
    /// # Safety
    /// It is what the C library asks of a caller: a C string or null, a descriptor, a stream.
    unsafe fn must_be_real(self, call: &str);
}

impl Subject for *const c_char {
    unsafe fn must_be_real(self, call: &str) {
        // SAFETY: the same contract.
        if let Some(path) = unsafe { simulated(self) } {
            end(call, format_args!("{ROOT_PATH}{path}"));
        }
    }
}

/// A pattern of a name, to be filled in.
impl Subject for *mut c_char {
    unsafe fn must_be_real(self, call: &str) {
        // SAFETY: the same contract.
        unsafe { self.cast_const().must_be_real(call) }
    }
}

impl Subject for c_int {
    unsafe fn must_be_real(self, call: &str) {
        if is_simulated(self) {
            end(call, format_args!("the descriptor {self}"));
        }
    }
}

impl Subject for *mut DIR {
    unsafe fn must_be_real(self, call: &str) {
        // SAFETY: the same contract.
        if let Some(stream) = unsafe { ours(self) } {
            end(call, format_args!("the directory of the descriptor {}", stream.descriptor));
        }
    }
}

/// Calls that the kernel gets by a raw system call. In brackets stands what must be real.
macro_rules! kernels {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty,
        [$($subject:ident),+] => $number:ident($($passed:expr),*);)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            $(
                // SAFETY: the caller's contract.
                unsafe { $subject.must_be_real(stringify!($name)) };
            )+
            kernel!($number $(, $passed)*) as $result
        }
    )*};
}

/// Calls in which the C library does more than to ask the kernel, and which it gets therefore.
macro_rules! libraries {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty, [$($subject:ident),+];)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            $(
                // SAFETY: the caller's contract.
                unsafe { $subject.must_be_real(stringify!($name)) };
            )+
            library!($name($($argument: $type),*) -> $result)
        }
    )*};
}

type Path = *const c_char;
type Buffer = *mut c_void;
type Bytes = *const c_void;
type Parts = *const iovec;
type Offset = *mut off64_t;

/// A directory descriptor that says that there is none.
const HERE: c_int = libc::AT_FDCWD;

// Files are opened and made.
kernels! {
    creat(path: Path, mode: mode_t) -> c_int, [path] => SYS_openat(HERE, path, MAKE, mode);
    creat64(path: Path, mode: mode_t) -> c_int, [path] => SYS_openat(HERE, path, MAKE, mode);
    mkdirat(directory: c_int, path: Path, mode: mode_t) -> c_int,
        [directory, path] => SYS_mkdirat(directory, path, mode);
    mknod(path: Path, mode: mode_t, device: dev_t) -> c_int,
        [path] => SYS_mknodat(HERE, path, mode, device);
    mknodat(directory: c_int, path: Path, mode: mode_t, device: dev_t) -> c_int,
        [directory, path] => SYS_mknodat(directory, path, mode, device);
    mkfifo(path: Path, mode: mode_t) -> c_int,
        [path] => SYS_mknodat(HERE, path, mode | libc::S_IFIFO, 0);
    mkfifoat(directory: c_int, path: Path, mode: mode_t) -> c_int,
        [directory, path] => SYS_mknodat(directory, path, mode | libc::S_IFIFO, 0);
    link(from: Path, to: Path) -> c_int, [from, to] => SYS_linkat(HERE, from, HERE, to, 0);
    symlinkat(target: Path, directory: c_int, path: Path) -> c_int,
        [directory, path] => SYS_symlinkat(target, directory, path);
    readlinkat(directory: c_int, path: Path, buffer: *mut c_char, size: size_t) -> ssize_t,
        [directory, path] => SYS_readlinkat(directory, path, buffer, size);
    open_by_handle_at(mount: c_int, handle: Buffer, flags: c_int) -> c_int,
        [mount] => SYS_open_by_handle_at(mount, handle, flags);
    name_to_handle_at(
        directory: c_int, path: Path, handle: Buffer, mount: *mut c_int, flags: c_int
    ) -> c_int,
        [directory, path] => SYS_name_to_handle_at(directory, path, handle, mount, flags);
}

/// How `creat` opens.
const MAKE: c_int = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;

libraries! {
    fopen(path: Path, mode: Path) -> *mut FILE, [path];
    fopen64(path: Path, mode: Path) -> *mut FILE, [path];
    freopen(path: Path, mode: Path, stream: *mut FILE) -> *mut FILE, [path];
    freopen64(path: Path, mode: Path, stream: *mut FILE) -> *mut FILE, [path];
    fdopen(descriptor: c_int, mode: Path) -> *mut FILE, [descriptor];
    remove(path: Path) -> c_int, [path];
    mkstemp(pattern: *mut c_char) -> c_int, [pattern];
    mkstemp64(pattern: *mut c_char) -> c_int, [pattern];
    mkostemp(pattern: *mut c_char, flags: c_int) -> c_int, [pattern];
    mkostemp64(pattern: *mut c_char, flags: c_int) -> c_int, [pattern];
    mkstemps(pattern: *mut c_char, suffix: c_int) -> c_int, [pattern];
    mkstemps64(pattern: *mut c_char, suffix: c_int) -> c_int, [pattern];
    mkostemps(pattern: *mut c_char, suffix: c_int, flags: c_int) -> c_int, [pattern];
    mkostemps64(pattern: *mut c_char, suffix: c_int, flags: c_int) -> c_int, [pattern];
    mkdtemp(pattern: *mut c_char) -> *mut c_char, [pattern];
}

// What is in them is read and written.
kernels! {
    readv(descriptor: c_int, parts: Parts, count: c_int) -> ssize_t,
        [descriptor] => SYS_readv(descriptor, parts, count);
    preadv(descriptor: c_int, parts: Parts, count: c_int, offset: off64_t) -> ssize_t,
        [descriptor] => SYS_preadv(descriptor, parts, count, offset, 0);
    preadv64(descriptor: c_int, parts: Parts, count: c_int, offset: off64_t) -> ssize_t,
        [descriptor] => SYS_preadv(descriptor, parts, count, offset, 0);
    preadv2(
        descriptor: c_int, parts: Parts, count: c_int, offset: off64_t, flags: c_int
    ) -> ssize_t,
        [descriptor] => SYS_preadv2(descriptor, parts, count, offset, 0, flags);
    preadv64v2(
        descriptor: c_int, parts: Parts, count: c_int, offset: off64_t, flags: c_int
    ) -> ssize_t,
        [descriptor] => SYS_preadv2(descriptor, parts, count, offset, 0, flags);
    pwritev(descriptor: c_int, parts: Parts, count: c_int, offset: off64_t) -> ssize_t,
        [descriptor] => SYS_pwritev(descriptor, parts, count, offset, 0);
    pwritev64(descriptor: c_int, parts: Parts, count: c_int, offset: off64_t) -> ssize_t,
        [descriptor] => SYS_pwritev(descriptor, parts, count, offset, 0);
    pwritev2(
        descriptor: c_int, parts: Parts, count: c_int, offset: off64_t, flags: c_int
    ) -> ssize_t,
        [descriptor] => SYS_pwritev2(descriptor, parts, count, offset, 0, flags);
    pwritev64v2(
        descriptor: c_int, parts: Parts, count: c_int, offset: off64_t, flags: c_int
    ) -> ssize_t,
        [descriptor] => SYS_pwritev2(descriptor, parts, count, offset, 0, flags);
    splice(
        from: c_int, from_offset: Offset, to: c_int, to_offset: Offset, count: size_t,
        flags: c_uint
    ) -> ssize_t,
        [from, to] => SYS_splice(from, from_offset, to, to_offset, count, flags);
    tee(from: c_int, to: c_int, count: size_t, flags: c_uint) -> ssize_t,
        [from, to] => SYS_tee(from, to, count, flags);
    vmsplice(descriptor: c_int, parts: Parts, count: size_t, flags: c_uint) -> ssize_t,
        [descriptor] => SYS_vmsplice(descriptor, parts, count, flags);
    readahead(descriptor: c_int, offset: off64_t, count: size_t) -> ssize_t,
        [descriptor] => SYS_readahead(descriptor, offset, count);
    getdents64(descriptor: c_int, buffer: Buffer, size: size_t) -> ssize_t,
        [descriptor] => SYS_getdents64(descriptor, buffer, size);
    truncate(path: Path, size: off64_t) -> c_int, [path] => SYS_truncate(path, size);
    truncate64(path: Path, size: off64_t) -> c_int, [path] => SYS_truncate(path, size);
    fallocate(descriptor: c_int, mode: c_int, offset: off64_t, size: off64_t) -> c_int,
        [descriptor] => SYS_fallocate(descriptor, mode, offset, size);
    fallocate64(descriptor: c_int, mode: c_int, offset: off64_t, size: off64_t) -> c_int,
        [descriptor] => SYS_fallocate(descriptor, mode, offset, size);
    sync_file_range(descriptor: c_int, offset: off64_t, size: off64_t, flags: c_uint) -> c_int,
        [descriptor] => SYS_sync_file_range(descriptor, offset, size, flags);
    syncfs(descriptor: c_int) -> c_int, [descriptor] => SYS_syncfs(descriptor);
}

// An allocator asks for memory by these, before `main` and within everything: they only look at a number.
kernels! {
    mmap(
        address: Buffer, size: size_t, protection: c_int, flags: c_int, descriptor: c_int,
        offset: off64_t
    ) -> Buffer,
        [descriptor] => SYS_mmap(address, size, protection, flags, descriptor, offset);
    mmap64(
        address: Buffer, size: size_t, protection: c_int, flags: c_int, descriptor: c_int,
        offset: off64_t
    ) -> Buffer,
        [descriptor] => SYS_mmap(address, size, protection, flags, descriptor, offset);
}

// The first four return an error rather than set it.
libraries! {
    posix_fallocate(descriptor: c_int, offset: off64_t, size: off64_t) -> c_int, [descriptor];
    posix_fallocate64(descriptor: c_int, offset: off64_t, size: off64_t) -> c_int, [descriptor];
    posix_fadvise(descriptor: c_int, offset: off64_t, size: off64_t, advice: c_int) -> c_int,
        [descriptor];
    posix_fadvise64(descriptor: c_int, offset: off64_t, size: off64_t, advice: c_int) -> c_int,
        [descriptor];
    lockf(descriptor: c_int, command: c_int, size: off64_t) -> c_int, [descriptor];
    lockf64(descriptor: c_int, command: c_int, size: off64_t) -> c_int, [descriptor];
}

// What is known of them is asked for and changed.
kernels! {
    access(path: Path, mode: c_int) -> c_int, [path] => SYS_faccessat(HERE, path, mode);
    chown(path: Path, owner: uid_t, group: gid_t) -> c_int,
        [path] => SYS_fchownat(HERE, path, owner, group, 0);
    lchown(path: Path, owner: uid_t, group: gid_t) -> c_int,
        [path] => SYS_fchownat(HERE, path, owner, group, libc::AT_SYMLINK_NOFOLLOW);
    fchown(descriptor: c_int, owner: uid_t, group: gid_t) -> c_int,
        [descriptor] => SYS_fchown(descriptor, owner, group);
    fchownat(directory: c_int, path: Path, owner: uid_t, group: gid_t, flags: c_int) -> c_int,
        [directory, path] => SYS_fchownat(directory, path, owner, group, flags);
    utimensat(directory: c_int, path: Path, times: *const timespec, flags: c_int) -> c_int,
        [directory, path] => SYS_utimensat(directory, path, times, flags);
    futimens(descriptor: c_int, times: *const timespec) -> c_int,
        [descriptor] => SYS_utimensat(descriptor, std::ptr::null::<c_char>(), times, 0);
    statfs(path: Path, buffer: Buffer) -> c_int, [path] => SYS_statfs(path, buffer);
    statfs64(path: Path, buffer: Buffer) -> c_int, [path] => SYS_statfs(path, buffer);
    fstatfs(descriptor: c_int, buffer: Buffer) -> c_int,
        [descriptor] => SYS_fstatfs(descriptor, buffer);
    fstatfs64(descriptor: c_int, buffer: Buffer) -> c_int,
        [descriptor] => SYS_fstatfs(descriptor, buffer);
    getxattr(path: Path, name: Path, value: Buffer, size: size_t) -> ssize_t,
        [path] => SYS_getxattr(path, name, value, size);
    lgetxattr(path: Path, name: Path, value: Buffer, size: size_t) -> ssize_t,
        [path] => SYS_lgetxattr(path, name, value, size);
    fgetxattr(descriptor: c_int, name: Path, value: Buffer, size: size_t) -> ssize_t,
        [descriptor] => SYS_fgetxattr(descriptor, name, value, size);
    setxattr(path: Path, name: Path, value: Bytes, size: size_t, flags: c_int) -> c_int,
        [path] => SYS_setxattr(path, name, value, size, flags);
    lsetxattr(path: Path, name: Path, value: Bytes, size: size_t, flags: c_int) -> c_int,
        [path] => SYS_lsetxattr(path, name, value, size, flags);
    fsetxattr(descriptor: c_int, name: Path, value: Bytes, size: size_t, flags: c_int) -> c_int,
        [descriptor] => SYS_fsetxattr(descriptor, name, value, size, flags);
    listxattr(path: Path, list: *mut c_char, size: size_t) -> ssize_t,
        [path] => SYS_listxattr(path, list, size);
    llistxattr(path: Path, list: *mut c_char, size: size_t) -> ssize_t,
        [path] => SYS_llistxattr(path, list, size);
    flistxattr(descriptor: c_int, list: *mut c_char, size: size_t) -> ssize_t,
        [descriptor] => SYS_flistxattr(descriptor, list, size);
    removexattr(path: Path, name: Path) -> c_int, [path] => SYS_removexattr(path, name);
    lremovexattr(path: Path, name: Path) -> c_int, [path] => SYS_lremovexattr(path, name);
    fremovexattr(descriptor: c_int, name: Path) -> c_int,
        [descriptor] => SYS_fremovexattr(descriptor, name);
}

libraries! {
    faccessat(directory: c_int, path: Path, mode: c_int, flags: c_int) -> c_int,
        [directory, path];
    euidaccess(path: Path, mode: c_int) -> c_int, [path];
    eaccess(path: Path, mode: c_int) -> c_int, [path];
    lchmod(path: Path, mode: mode_t) -> c_int, [path];
    fchmodat(directory: c_int, path: Path, mode: mode_t, flags: c_int) -> c_int,
        [directory, path];
    utime(path: Path, times: Bytes) -> c_int, [path];
    utimes(path: Path, times: *const timeval) -> c_int, [path];
    lutimes(path: Path, times: *const timeval) -> c_int, [path];
    futimes(descriptor: c_int, times: *const timeval) -> c_int, [descriptor];
    futimesat(directory: c_int, path: Path, times: *const timeval) -> c_int, [directory, path];
    statvfs(path: Path, buffer: Buffer) -> c_int, [path];
    statvfs64(path: Path, buffer: Buffer) -> c_int, [path];
    fstatvfs(descriptor: c_int, buffer: Buffer) -> c_int, [descriptor];
    fstatvfs64(descriptor: c_int, buffer: Buffer) -> c_int, [descriptor];
    pathconf(path: Path, name: c_int) -> c_long, [path];
    fpathconf(descriptor: c_int, name: c_int) -> c_long, [descriptor];
    isatty(descriptor: c_int) -> c_int, [descriptor];
}

// Directories are walked.
libraries! {
    readdir_r(directory: *mut DIR, entry: *mut dirent64, result: *mut *mut dirent64) -> c_int,
        [directory];
    readdir64_r(directory: *mut DIR, entry: *mut dirent64, result: *mut *mut dirent64) -> c_int,
        [directory];
    rewinddir(directory: *mut DIR) -> (), [directory];
    telldir(directory: *mut DIR) -> c_long, [directory];
    seekdir(directory: *mut DIR, place: c_long) -> (), [directory];
    scandir(path: Path, list: Buffer, filter: Bytes, order: Bytes) -> c_int, [path];
    scandir64(path: Path, list: Buffer, filter: Bytes, order: Bytes) -> c_int, [path];
    ftw(path: Path, visit: Bytes, most: c_int) -> c_int, [path];
    ftw64(path: Path, visit: Bytes, most: c_int) -> c_int, [path];
    nftw(path: Path, visit: Bytes, most: c_int, flags: c_int) -> c_int, [path];
    nftw64(path: Path, visit: Bytes, most: c_int, flags: c_int) -> c_int, [path];
}

// Descriptors and paths are handed on. Of the calls that start a program those that search for it are left out, but for
// what starts it in one step: they run in a process between `fork` and `exec`, where nothing may be looked up.
kernels! {
    dup2(from: c_int, to: c_int) -> c_int, [from, to] => SYS_dup2(from, to);
    dup3(from: c_int, to: c_int, flags: c_int) -> c_int, [from, to] => SYS_dup3(from, to, flags);
    ioctl(descriptor: c_int, request: c_ulong, argument: c_ulong) -> c_int,
        [descriptor] => SYS_ioctl(descriptor, request, argument);
    chdir(path: Path) -> c_int, [path] => SYS_chdir(path);
    fchdir(descriptor: c_int) -> c_int, [descriptor] => SYS_fchdir(descriptor);
    chroot(path: Path) -> c_int, [path] => SYS_chroot(path);
    epoll_ctl(poll: c_int, operation: c_int, descriptor: c_int, event: Buffer) -> c_int,
        [descriptor] => SYS_epoll_ctl(poll, operation, descriptor, event);
    inotify_add_watch(descriptor: c_int, path: Path, mask: c_uint) -> c_int,
        [path] => SYS_inotify_add_watch(descriptor, path, mask);
    fanotify_mark(
        descriptor: c_int, flags: c_uint, mask: u64, directory: c_int, path: Path
    ) -> c_int,
        [directory, path] => SYS_fanotify_mark(descriptor, flags, mask, directory, path);
    execve(path: Path, arguments: Bytes, environment: Bytes) -> c_int,
        [path] => SYS_execve(path, arguments, environment);
}

libraries! {
    posix_spawn(
        process: *mut c_int, path: Path, actions: Bytes, attributes: Bytes, arguments: Bytes,
        environment: Bytes
    ) -> c_int,
        [path];
    posix_spawnp(
        process: *mut c_int, path: Path, actions: Bytes, attributes: Bytes, arguments: Bytes,
        environment: Bytes
    ) -> c_int,
        [path];
    posix_spawn_file_actions_adddup2(actions: Buffer, from: c_int, to: c_int) -> c_int, [from, to];
    posix_spawn_file_actions_addopen(
        actions: Buffer, descriptor: c_int, path: Path, flags: c_int, mode: mode_t
    ) -> c_int,
        [path];
    posix_spawn_file_actions_addchdir_np(actions: Buffer, path: Path) -> c_int, [path];
}
