//! When the system has no threads left. The limit is real: a process whose address space has room for so many stacks.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;
use std::process::Command;

use pipeline::{Shape, ordered};

const WORKERS: usize = 4;
const STACK_KIB: usize = 256 * 1024;
/// For the process itself, in KiB. Less than a stack, so that it makes no room for one more.
const OTHER_KIB: usize = 128 * 1024;
const PROBE: &str = "scarcity::everything_comes_once_and_in_order_and_the_threads_are_counted";

/// The names of this process's threads that are of a pipeline, as the system knows them.
fn threads() -> BTreeSet<String> {
    let tasks = Path::new("/proc/self/task").read_dir().unwrap();
    let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
    // A thread of another test may have ended in between.
    let names = names.filter_map(Result::ok).map(|name| name.trim_end().to_owned());
    names.filter(|name| name.starts_with("pipeline-")).collect()
}

/// What runs below the limit. It holds without one as well.
#[test]
fn everything_comes_once_and_in_order_and_the_threads_are_counted() {
    let (mut consumed, mut seen) = (Vec::new(), BTreeSet::new());
    let result: Result<(), Infallible> = ordered(
        // More items than the window has room for, so that no thread has ended when the first is consumed.
        Shape { workers: WORKERS, window: 2 },
        |hand_on| {
            for number in 0..100 {
                hand_on(number).unwrap();
            }
            Ok(())
        },
        || Ok,
        |number| {
            if number == 0 {
                seen = threads();
            }
            consumed.push(number);
            Ok(())
        },
    );
    assert_eq!((result, consumed), (Ok(()), (0..100).collect()));
    println!("pipeline threads: {seen:?}");
}

/// The threads of a pipeline in a process whose address space has room for the stacks of so many.
fn threads_with_room_for(stacks: usize) -> String {
    let limit = stacks * STACK_KIB + OTHER_KIB;
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {limit} && exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        // On one thread: the harness starts none of its own.
        .args([PROBE, "--exact", "--nocapture", "--test-threads=1"])
        .env("RUST_MIN_STACK", (STACK_KIB * 1024).to_string())
        // The allocator would reserve address space for every thread.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "with room for {stacks} stacks: {output:?}");
    let (_, names) = text.split_once("pipeline threads: ").expect("the probe ran");
    names.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn with_few_threads_it_does_with_what_there_is_and_with_too_few_it_needs_none() {
    let none = "{}";
    assert_eq!(threads_with_room_for(0), none);
    // One worker, and nobody to produce for it.
    assert_eq!(threads_with_room_for(1), none);
    assert_eq!(threads_with_room_for(2), r#"{"pipeline-source", "pipeline-work-0"}"#);
    assert_eq!(
        threads_with_room_for(3),
        r#"{"pipeline-source", "pipeline-work-0", "pipeline-work-1"}"#
    );
    assert_eq!(
        threads_with_room_for(9),
        r#"{"pipeline-source", "pipeline-work-0", "pipeline-work-1", "pipeline-work-2", "pipeline-work-3"}"#
    );
}
