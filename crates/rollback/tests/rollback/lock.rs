use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::home;
use rollback::{Error, HomeLock, Layout, is_lock_file};

#[test]
fn a_lock_that_is_given_back_within_the_time_is_taken() {
    let (_root, layout) = home();
    let first = HomeLock::acquire(&layout, Duration::ZERO).unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            // Far more than it takes to give a lock back: whoever waits gets it.
            let second = HomeLock::acquire(&layout, Duration::from_secs(60));
            sender.send(second.is_ok()).unwrap();
        });
        // It waits: there is no answer as long as the lock is held.
        assert!(receiver.recv_timeout(Duration::from_millis(200)).is_err());
        drop(first);
        assert!(receiver.recv().unwrap());
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it waits is what is tested")]
fn nobody_waits_longer_than_they_said() {
    let (_root, layout) = home();
    let _first = HomeLock::acquire(&layout, Duration::ZERO).unwrap();
    // Less than the time between two tries: the first is the last.
    let began = Instant::now();
    let refused = HomeLock::acquire(&layout, Duration::from_millis(49)).unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn a_home_that_is_not_there_cannot_be_locked() {
    let (root, layout) = home();
    drop(root);
    let refused = HomeLock::acquire(&layout, Duration::ZERO).unwrap_err();
    assert!(matches!(refused, Error::File(_)), "{refused}");
}

#[test]
fn the_holder_is_named_if_the_file_says_who_it_is() {
    let (_root, layout) = home();
    let _first = HomeLock::acquire(&layout, Duration::ZERO).unwrap();
    let named = || match HomeLock::acquire(&layout, Duration::ZERO).unwrap_err() {
        error @ Error::Locked { pid } => (pid, error.to_string()),
        other => panic!("{other}"),
    };
    fs::write(layout.lock(), b"4711\n").unwrap();
    assert_eq!(
        named(),
        (Some(4711), "the home is locked by another process (pid 4711)".to_owned())
    );
    fs::write(layout.lock(), b"\0\0").unwrap();
    assert_eq!(named(), (None, "the home is locked by another process".to_owned()));
}

#[test]
fn who_holds_what_is_no_home_yet_writes_nothing_there_until_it_is_named() {
    let (_root, layout) = home();
    let lock = HomeLock::acquire_unnamed(&layout, Duration::ZERO).unwrap();
    let refused = || HomeLock::acquire(&layout, Duration::ZERO).unwrap_err();
    assert!(matches!(refused(), Error::Locked { pid: None }));
    assert!(!layout.lock().exists());
    lock.name_holder(&layout);
    let own = std::process::id();
    assert!(matches!(refused(), Error::Locked { pid: Some(pid) } if pid == own));
}

#[test]
fn a_lock_file_is_a_short_file_of_digits_or_what_a_crash_left_of_one() {
    let (root, layout) = home();
    assert!(is_lock_file(&layout), "where there is none, none of somebody else is in the way");
    let is = |content: &[u8]| {
        fs::write(layout.lock(), content).unwrap();
        is_lock_file(&layout)
    };
    for ours in [&b"4711\n"[..], b"4711", b"", b"\0\0\0\0", b"12\0\n", b"1234567890123456"] {
        assert!(is(ours), "{ours:?}");
    }
    for other in [&b"notes"[..], b"47 11", b"-1\n", b"12345678901234567"] {
        assert!(!is(other), "{other:?}");
    }
    fs::remove_file(layout.lock()).unwrap();
    fs::write(root.path().join("pid"), b"4711\n").unwrap();
    let beyond_a_file = Layout::new(&root.path().join("pid"));
    assert!(!is_lock_file(&beyond_a_file), "what cannot be looked at may be somebody else's");
    std::os::unix::fs::symlink("pid", layout.lock()).unwrap();
    assert!(!is_lock_file(&layout), "a link is somebody else's");
    fs::remove_file(layout.lock()).unwrap();
    fs::create_dir(layout.lock()).unwrap();
    assert!(!is_lock_file(&layout), "a directory is somebody else's");
}
