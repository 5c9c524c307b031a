//! When the system has no threads left. The limit is real: a process whose address space has room for so many stacks.

use std::convert::Infallible;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use pipeline::{Shape, ordered};

const WORKERS: usize = 4;
const STACK_KIB: usize = 256 * 1024;
/// For the process itself, in KiB. Less than a stack, so that it makes no room for one more.
const OTHER_KIB: usize = 128 * 1024;
const PROBE: &str = "scarcity::everything_comes_once_and_in_order_and_threads_are_counted";

/// How many threads this process has, as the system counts them.
fn threads() -> usize {
    Path::new("/proc/self/task").read_dir().unwrap().count()
}

/// What runs below the limit. It holds without one as well, where other tests make the count meaningless.
#[test]
fn everything_comes_once_and_in_order_and_threads_are_counted() {
    let before = threads();
    let source = Mutex::new(None);
    let (mut consumed, mut found) = (Vec::new(), String::new());
    let result: Result<(), Infallible> = ordered(
        // More items than the window has room for, so that no thread has ended when the first is consumed.
        Shape { workers: WORKERS, window: 2 },
        |hand_on| {
            *source.lock().unwrap() = Some(thread::current().id());
            for number in 0..100 {
                hand_on(number).unwrap();
            }
            Ok(())
        },
        || Ok,
        |number| {
            if number == 0 {
                let is_alone = *source.lock().unwrap() == Some(thread::current().id());
                let started = threads().saturating_sub(before);
                found = if is_alone { "alone".to_owned() } else { format!("{started} started") };
            }
            consumed.push(number);
            Ok(())
        },
    );
    assert_eq!((result, consumed), (Ok(()), (0..100).collect()));
    println!("threads: {found}");
}

/// What the probe says in a process whose address space has room for the stacks of so many threads.
fn with_room_for(threads: usize) -> String {
    // The harness has a thread of its own for the test.
    let limit = (threads + 1) * STACK_KIB + OTHER_KIB;
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {limit} && exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args([PROBE, "--exact", "--nocapture", "--test-threads=1"])
        .env("RUST_MIN_STACK", (STACK_KIB * 1024).to_string())
        // The allocator would reserve address space for every thread.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "with room for {threads}: {output:?}");
    let (_, found) = text.split_once("threads: ").expect("the probe ran");
    found.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn it_does_with_the_threads_that_there_are_and_without_any() {
    assert_eq!(with_room_for(0), "alone");
    // A worker, and nobody to produce for it.
    assert_eq!(with_room_for(1), "alone");
    for threads in 2..=WORKERS + 1 {
        assert_eq!(with_room_for(threads), format!("{threads} started"));
    }
    assert_eq!(with_room_for(2 * WORKERS), format!("{} started", WORKERS + 1));
}
