//! What a kill cannot show: an acknowledgement is sent after the sync, as the kernel sees it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Load, PROGRAM, Runtime, Scene, account_for};

/// How many of each kind of record are written.
const RECORDS: usize = 10;

// trace: test FC-28.1.2
#[test]
fn durable_order_every_acknowledgement_comes_after_the_sync_of_its_record() {
    let scene = Scene::at_2_0_0();
    let log = scene.path().join("trace");
    let calls = "trace=read,recvfrom,write,sendto,fsync,fdatasync";
    let runtime = Runtime::of(traced(&scene, &log, calls));
    for number in 0..RECORDS {
        let id = format!("run-{number}");
        runtime.ok(&json!({"do": "run", "id": id, "principal": "a", "capability": "shell",
            "arguments": {"command": "true"}}));
        let id = format!("entry-{number}");
        runtime.ok(&json!({"do": "append-audit", "id": id, "event": "e", "actor": "a",
            "resource": "r", "action": "x", "result": "R"}));
    }
    assert_eq!(runtime.ok(&json!({"do": "stop"}))["ends"], true);
    assert_eq!(runtime.end(), Some(0));
    let acknowledged = acknowledged_in_order(&std::fs::read_to_string(log).unwrap());
    assert_eq!(acknowledged, 2 * RECORDS);
}

/// A store whose syncs fail from some moment on, for each thread: whatever it acknowledged is there when it is opened anew, and
/// it acknowledges nothing more.
#[test]
fn durable_order_a_runtime_whose_store_fails_ends_and_has_acknowledged_nothing_that_is_gone() {
    let scene = Scene::at_2_0_0();
    // The thread that boots needs fewer.
    let calls = "inject=fsync,fdatasync:error=EIO:when=200+";
    let runtime = Runtime::of(traced(&scene, &scene.path().join("trace"), calls));
    let load = Load::start(&scene, &runtime, "failing");
    // It was told so, or found the connection closed behind an answer to another thread.
    assert_eq!(load.exit_code(), Some(1));
    assert_eq!(runtime.end(), Some(1));
    let acknowledged = scene.acknowledged("failing");
    assert!(acknowledged.len() >= 199, "{}", acknowledged.len());
    assert!(!scene.journal().ends_with(&["CLOSED"]), "a store that has failed was sealed");

    let runtime = Runtime::start(&scene, "2.0.0");
    let mut load = Load::start(&scene, &runtime, "after");
    load.wait_for(&scene, "after", RECORDS);
    assert_eq!(runtime.terminate(), Some(0));
    load.end();
    let records = scene.export(2);
    account_for(&acknowledged, &records, "failing");
    account_for(&scene.acknowledged("after"), &records, "after");
    scene.verify();
}

/// A runtime whose calls are watched, or disturbed.
fn traced(scene: &Scene, log: &Path, calls: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-s", "64", "-e", "signal=none", "-e", calls, "-o"]).arg(log);
    command.args([PROGRAM, "serve", "--as-version", "2.0.0", "--home"]).arg(scene.home());
    command
}

/// How many acknowledgements there are in a trace, each of which must come after a sync by the same thread, which came after
/// the request was read.
fn acknowledged_in_order(trace: &str) -> usize {
    /// What a thread has done of what it was asked for last.
    #[derive(Debug, PartialEq)]
    enum Done {
        Read,
        Synced,
    }
    let mut threads = BTreeMap::new();
    let mut acknowledged = 0;
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        // The first field of either request: fields are sorted.
        let is_request =
            [r#""{\"action\""#, r#""{\"arguments\""#].iter().any(|first| call.contains(first));
        let is_sync = ["fsync", "fdatasync", "<... fsync", "<... fdatasync"]
            .iter()
            .any(|name| call.starts_with(name));
        if is_request {
            threads.insert(thread, Done::Read);
        } else if is_sync && call.ends_with("= 0") && threads.contains_key(thread) {
            threads.insert(thread, Done::Synced);
        } else if call.contains(r#"\"ok\":true"#) && call.contains(r#"\"id\":"#) {
            assert_eq!(threads.get(thread), Some(&Done::Synced), "{call} comes before its sync");
            acknowledged += 1;
        }
    }
    acknowledged
}
