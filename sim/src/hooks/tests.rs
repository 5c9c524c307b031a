//! Calls that have no answer: what is simulated ends the process, what is real goes on.

use std::ffi::{CStr, CString, c_int};
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::ptr::{null, null_mut};

use sim::world::FIRST_DESCRIPTOR;

use super::ROOT_PATH;

/// By this name a process learns which call it is to make.
const CALL: &str = "FEMTOCLAW_UNANSWERED";

/// Calls that are made of a path.
const OF_PATHS: [&str; 19] = [
    "truncate64",
    "creat",
    "access",
    "faccessat",
    "link",
    "mkdirat",
    "symlinkat",
    "readlinkat",
    "mkfifo",
    "lchown",
    "utimensat",
    "statfs64",
    "statvfs64",
    "getxattr",
    "chdir",
    "fopen64",
    "remove",
    "mkdtemp",
    "execve",
];

/// Calls that are made of a descriptor.
const OF_DESCRIPTORS: [&str; 15] = [
    "readv",
    "preadv2",
    "pwritev64",
    "fallocate64",
    "posix_fallocate",
    "posix_fadvise64",
    "sync_file_range",
    "syncfs",
    "mmap",
    "futimens",
    "fstatvfs64",
    "fchdir",
    "dup2",
    "ioctl",
    "fcntl",
];

/// Makes a call, which does not return if it is one of a simulated file.
fn make(call: &str, path: &CStr, descriptor: c_int) {
    let writable = path.to_owned().into_raw();
    let path = path.as_ptr();
    // SAFETY: each gets C strings and numbers. What other pointers lead to is looked at by those only that go on.
    unsafe {
        match call {
            "truncate64" => drop(libc::truncate64(path, 0)),
            "creat" => drop(libc::creat(path, 0o600)),
            "access" => drop(libc::access(path, libc::F_OK)),
            "faccessat" => drop(libc::faccessat(libc::AT_FDCWD, path, libc::F_OK, 0)),
            "link" => drop(libc::link(c"/tmp".as_ptr(), path)),
            "mkdirat" => drop(libc::mkdirat(libc::AT_FDCWD, path, 0o700)),
            "symlinkat" => drop(libc::symlinkat(c"to".as_ptr(), libc::AT_FDCWD, path)),
            "readlinkat" => drop(libc::readlinkat(libc::AT_FDCWD, path, null_mut(), 0)),
            "mkfifo" => drop(libc::mkfifo(path, 0o600)),
            "lchown" => drop(libc::lchown(path, 0, 0)),
            "utimensat" => drop(libc::utimensat(libc::AT_FDCWD, path, null(), 0)),
            "statfs64" => drop(libc::statfs64(path, null_mut())),
            "statvfs64" => drop(libc::statvfs64(path, null_mut())),
            "getxattr" => drop(libc::getxattr(path, c"user.x".as_ptr(), null_mut(), 0)),
            "chdir" => drop(libc::chdir(path)),
            "fopen64" => drop(libc::fopen64(path, c"r".as_ptr())),
            "remove" => drop(libc::remove(path)),
            "mkdtemp" => drop(libc::mkdtemp(writable)),
            "execve" => drop(libc::execve(path, null(), null())),
            "readv" => drop(libc::readv(descriptor, null(), 0)),
            "preadv2" => drop(libc::preadv2(descriptor, null(), 0, 0, 0)),
            "pwritev64" => drop(libc::pwritev64(descriptor, null(), 0, 0)),
            "fallocate64" => drop(libc::fallocate64(descriptor, 0, 0, 1)),
            "posix_fallocate" => drop(libc::posix_fallocate(descriptor, 0, 1)),
            "posix_fadvise64" => drop(libc::posix_fadvise64(descriptor, 0, 0, 0)),
            "sync_file_range" => drop(libc::sync_file_range(descriptor, 0, 0, 0)),
            "syncfs" => drop(libc::syncfs(descriptor)),
            "mmap" => drop(libc::mmap(null_mut(), 1, libc::PROT_READ, 1, descriptor, 0)),
            "futimens" => drop(libc::futimens(descriptor, null())),
            "fstatvfs64" => drop(libc::fstatvfs64(descriptor, null_mut())),
            "fchdir" => drop(libc::fchdir(descriptor)),
            "dup2" => drop(libc::dup2(descriptor, 9)),
            "ioctl" => drop(libc::ioctl(descriptor, libc::FIONREAD, 0)),
            "fcntl" => drop(libc::fcntl(descriptor, libc::F_SETLK, 0)),
            "not UTF-8" => drop(libc::open64(c"/simulated/home/\xff".as_ptr(), libc::O_RDONLY)),
            "up" => drop(libc::open64(c"/simulated/home/..x/../x".as_ptr(), libc::O_RDONLY)),
            "a link up" => drop(libc::symlink(c"../x".as_ptr(), path)),
            _ => panic!("{call}?"),
        }
    }
}

#[test]
fn a_call_without_an_answer_ends_the_process_with_its_name() {
    let path = CString::new(format!("{ROOT_PATH}/home/x")).unwrap();
    if let Some(call) = std::env::var_os(CALL) {
        // The process is to end, and to leave nothing behind.
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: it is a structure as the call expects it.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
        return make(call.to_str().unwrap(), &path, FIRST_DESCRIPTOR);
    }
    let this = "hooks::tests::a_call_without_an_answer_ends_the_process_with_its_name";
    let of_paths = OF_PATHS.map(|call| (call, format!("{call} of {ROOT_PATH}/home/x")));
    let of_descriptors =
        OF_DESCRIPTORS.map(|call| (call, format!("{call} of the descriptor 16777216")));
    let made = format!("made of a path below {ROOT_PATH}");
    let of_texts = [
        ("not UTF-8", format!("{made} that is not UTF-8")),
        ("up", format!("{made} that leads up, /home/..x/../x")),
        ("a link up", format!("{made} that leads up, ../x")),
    ];
    for (call, subject) in of_paths.into_iter().chain(of_descriptors).chain(of_texts) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env(CALL, call)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        let wanted = format!("the simulator has no answer to the call {subject}");
        assert!(error.trim_end().starts_with(&wanted), "{call}: {error}");
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{call}: {error}");
    }
}

#[test]
fn every_call_without_an_answer_is_one_of_the_c_library() {
    let source = include_str!("unanswered.rs");
    let names: Vec<_> = source
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once('('))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(char::is_alphabetic) && !name.contains([' ', '.', '!']))
        .collect();
    assert!(names.len() > 100 && names.contains(&"truncate64"), "{names:?}");
    for name in names {
        let wanted = CString::new(name).unwrap();
        // SAFETY: a look-up by name.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, wanted.as_ptr()) };
        assert!(!found.is_null(), "{name}");
    }
}

/// A path as the C library takes it.
fn c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

#[test]
fn what_is_real_is_made_and_asked_for_by_calls_without_an_answer() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| (scratch.path().join(name), c_string(&scratch.path().join(name)));
    let there = std::fs::File::open(scratch.path()).unwrap();
    let ((file, c_file), (linked, c_linked)) = (at("file"), at("linked"));
    let ((pipe, c_pipe), link) = (at("pipe"), scratch.path().join("link"));
    let mut text = [0_u8; 16];
    let now = [libc::timespec { tv_sec: 7, tv_nsec: 0 }, libc::timespec { tv_sec: 8, tv_nsec: 0 }];
    // SAFETY: each gets C strings, numbers, and room for what it writes.
    let (made, asked, length, room) = unsafe {
        let mut room: libc::statvfs64 = std::mem::zeroed();
        let made = [
            libc::close(libc::creat(c_file.as_ptr(), 0o640)),
            libc::truncate64(c_file.as_ptr(), 5),
            libc::link(c_file.as_ptr(), c_linked.as_ptr()),
            libc::mkfifo(c_pipe.as_ptr(), 0o600),
            libc::symlinkat(c"file".as_ptr(), there.as_raw_fd(), c"link".as_ptr()),
            libc::mkdirat(there.as_raw_fd(), c"directory".as_ptr(), 0o700),
            libc::utimensat(there.as_raw_fd(), c"file".as_ptr(), now.as_ptr(), 0),
        ];
        let asked = [
            libc::access(c_file.as_ptr(), libc::R_OK),
            libc::faccessat(there.as_raw_fd(), c"directory".as_ptr(), libc::X_OK, 0),
            libc::statvfs64(c_file.as_ptr(), &raw mut room),
        ];
        let length = libc::readlinkat(
            there.as_raw_fd(),
            c"link".as_ptr(),
            text.as_mut_ptr().cast(),
            text.len(),
        );
        (made, asked, length, room.f_blocks)
    };
    assert_eq!(made, [0; 7], "{}", std::io::Error::last_os_error());
    assert_eq!(asked, [0; 3], "{}", std::io::Error::last_os_error());
    assert!(room > 0);
    assert_eq!((length, &text[..4]), (4, &b"file"[..]));
    let found = file.metadata().unwrap();
    assert_eq!((found.len(), found.nlink(), found.atime(), found.mtime()), (5, 2, 7, 8));
    assert_eq!(linked.metadata().unwrap().ino(), found.ino());
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
    assert_eq!(link.canonicalize().unwrap(), file.canonicalize().unwrap());
    assert!(scratch.path().join("nowhere").canonicalize().is_err());
}

#[test]
fn what_is_real_is_written_and_read_by_calls_without_an_answer() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    let descriptor = file.as_raw_fd();
    let mut read = [0_u8; 4];
    let mut written = *b"abc";
    let into = libc::iovec { iov_base: read.as_mut_ptr().cast(), iov_len: read.len() };
    let from = libc::iovec { iov_base: written.as_mut_ptr().cast(), iov_len: written.len() };
    // SAFETY: each gets numbers, and room for what it writes.
    let (counts, first) = unsafe {
        let counts = [
            libc::preadv(descriptor, &raw const into, 1, 6),
            libc::pwritev(descriptor, &raw const from, 1, 1),
            libc::pwritev2(descriptor, &raw const from, 1, 5, 0),
            libc::fallocate64(descriptor, 0, 0, 12) as isize,
            libc::posix_fallocate64(descriptor, 0, 14) as isize,
            libc::ioctl(descriptor, libc::FIOCLEX) as isize,
        ];
        let (shared, only_read) = (libc::MAP_SHARED, libc::PROT_READ);
        let mapped = libc::mmap(null_mut(), 14, only_read, shared, descriptor, 0);
        assert_ne!(mapped, libc::MAP_FAILED);
        let first = mapped.cast::<[u8; 4]>().read();
        libc::munmap(mapped, 14);
        (counts, first)
    };
    assert_eq!(counts, [4, 3, 3, 0, 0, 0], "{}", std::io::Error::last_os_error());
    assert_eq!((&read, &first), (b"6789", b"0abc"));
    let mut all = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"0abc4abc89\0\0\0\0");
}
