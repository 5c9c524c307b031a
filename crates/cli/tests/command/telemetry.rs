//! What the command says of its operations, and that nobody who listens can do harm.

use std::fs;

use serde_json::Value;

use crate::support::{Scene, alone, files};

/// The events that a command appends to a file.
fn events(scene: &Scene, arguments: &[&str], code: i32) -> Vec<Value> {
    let path = scene.path().join("telemetry.jsonl");
    let telemetry = ["--yes", "--telemetry", path.to_str().unwrap()];
    let output = scene.run(&[arguments, &telemetry].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the first and the last event of a command say; both must be of the operation as a whole.
fn ends(scene: &Scene, arguments: &[&str], code: i32) -> (Value, Value) {
    let events = events(scene, arguments, code);
    let (first, last) = (events.first().unwrap().clone(), events.last().unwrap().clone());
    assert_eq!((&first["event"], &first["result"]), (&"OPERATION".into(), &"started".into()));
    assert_eq!(last["event"], "OPERATION", "{arguments:?}");
    assert_eq!(first["operation"], last["operation"]);
    assert_eq!(last["exit_code"], code);
    assert!(last["seconds"].as_f64().unwrap() >= 0.0);
    assert!(last["time"].as_str().unwrap() >= first["time"].as_str().unwrap());
    (first, last)
}

/// A command, its exit code, and what the event at its end says: operation, result, versions.
type Step<'s> = (&'s [&'s str], i32, &'s str, &'s str, &'s Value, &'s Value);

// trace: test FC-4.3 FC-17.1 FC-17.2.1 FC-17.2.3
// trace: test FC-8.4 FC-16.2.1
#[test]
fn every_operation_has_a_beginning_and_an_end_with_versions_and_result() {
    let scene = Scene::new();
    let source = scene.source();
    let from = ["adopt", "--from", source.to_str().unwrap()];
    let (old, new) = (Value::from("1.0.3"), Value::from("2.1.0"));
    let (none, check) =
        (Value::Null, ["capability", "check", "--principal", "a", "--resource", "b"]);
    let dry_adopt = [&from[..], &["--dry-run"]].concat();
    let steps: [Step<'_>; 25] = [
        (&["status"], 1, "status", "refused", &none, &none),
        (&dry_adopt, 0, "dry-run-adopt", "succeeded", &none, &none),
        (&from, 0, "adopt", "succeeded", &none, &old),
        (&["plan"], 0, "plan", "succeeded", &old, &new),
        (&["plan", "--check"], 2, "plan", "succeeded", &old, &new),
        (&["plan", "--target-version", "9.9.9"], 3, "plan", "refused", &old, &"9.9.9".into()),
        (&["capability", "diff"], 0, "capability-diff", "succeeded", &old, &new),
        // The answer is that it is not allowed: the question was answered.
        (&check, 5, "capability-check", "succeeded", &old, &none),
        (&["apply"], 5, "upgrade", "refused", &old, &none),
        (&["apply", "--dry-run"], 0, "dry-run-upgrade", "succeeded", &old, &new),
        (&["apply", "--development"], 0, "upgrade", "succeeded", &old, &new),
        (&["apply", "--development"], 0, "upgrade", "succeeded", &new, &new),
        (&["status"], 0, "status", "succeeded", &new, &none),
        (&["history"], 0, "history", "succeeded", &new, &none),
        (&["verify"], 0, "verify", "succeeded", &new, &none),
        (&["export"], 0, "export", "succeeded", &new, &none),
        (&["confirm", "--dry-run"], 0, "dry-run-confirm", "succeeded", &new, &none),
        (&["confirm"], 0, "confirm", "succeeded", &new, &new),
        (&["rollback", "--dry-run"], 0, "dry-run-rollback", "succeeded", &new, &old),
        (&["rollback", "--development"], 0, "rollback", "succeeded", &new, &old),
        (&["gc", "--dry-run"], 0, "dry-run-collect", "succeeded", &old, &none),
        (&["gc", "--development"], 0, "collect", "succeeded", &old, &none),
        (&["recover", "--dry-run"], 0, "dry-run-recover", "succeeded", &old, &none),
        (&["recover", "--development"], 0, "recover", "succeeded", &old, &none),
        (&["rollback", "--development"], 1, "rollback", "refused", &old, &none),
    ];
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/telemetry.md");
    let page = fs::read_to_string(page).unwrap();
    for (arguments, code, operation, result, from, to) in steps {
        let (_, end) = ends(&scene, arguments, code);
        assert_eq!((&end["operation"], &end["result"]), (&operation.into(), &result.into()));
        assert_eq!((&end["from"], &end["to"]), (from, to), "{arguments:?}");
        assert_eq!(end["error"].is_null(), result == "succeeded", "{arguments:?}: {end}");
        for name in [operation, result] {
            assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/telemetry.md");
        }
    }
}

#[test]
fn what_was_asked_for_is_known_from_the_beginning() {
    let scene = Scene::adopted();
    let (start, end) = ends(&scene, &["plan", "--target-version", "2.0.0-rc.1"], 0);
    assert_eq!((&start["to"], &end["to"]), (&"2.0.0-rc.1".into(), &"2.0.0-rc.1".into()));
}

// trace: test FC-17.2.3
#[test]
fn what_is_damaged_is_a_failure_and_what_no_home_was_named_for_is_refused() {
    let scene = Scene::upgraded();
    fs::write(scene.home().join("generations/2/config/femtoclaw.toml"), "").unwrap();
    let (_, end) = ends(&scene, &["verify"], 6);
    assert_eq!((&end["result"], &end["error"]), (&"failed".into(), &"integrity-violated".into()));
    let path = scene.path().join("telemetry.jsonl");
    let mut command = std::process::Command::new(crate::support::PROGRAM);
    alone(&mut command).args(["status", "--telemetry"]).arg(&path);
    assert_eq!(command.output().unwrap().status.code(), Some(64));
    let text = fs::read_to_string(path).unwrap();
    assert!(text.lines().last().unwrap().contains(r#""error":"no-home-named""#), "{text}");
}

#[test]
fn telemetry_on_standard_output_stands_between_the_results() {
    let scene = Scene::adopted();
    let output = scene.run(&["status", "--json", "--telemetry", "-"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines
        .iter()
        .map(|line| line["type"].as_str().or(line["event"].as_str()).unwrap())
        .collect();
    assert_eq!(kinds, ["version", "OPERATION", "status", "OPERATION"]);
}

#[test]
fn telemetry_that_cannot_be_written_changes_nothing_but_a_line_of_standard_error() {
    let (with, without) = (Scene::adopted(), Scene::adopted());
    let nowhere = with.path().join("no/such/directory");
    let apply = ["apply", "--development", "--json", "--yes"];
    let output = with.run(&[&apply[..], &["--telemetry", nowhere.to_str().unwrap()]].concat());
    assert!(output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(error.matches("no telemetry:").count(), 1, "{error}");
    without.ok(&apply[..2]);
    assert_eq!(with.verified(2)["state"], without.verified(2)["state"]);
    assert!(!files(with.path()).iter().any(|(path, _)| path.starts_with(&nowhere)));
}

/// The command of a workspace's tests is built without the feature; whoever builds it with it has the other half.
#[test]
fn a_collector_is_a_usage_error_without_the_feature_and_does_no_harm_with_it() {
    let scene = Scene::adopted();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = scene.run(&["status", "--telemetry", &address]);
    let error = String::from_utf8_lossy(&output.stderr);
    if cfg!(feature = "otlp") {
        assert!(output.status.success());
        assert_eq!(error.matches("no telemetry: cannot send to").count(), 1, "{error}");
    } else {
        assert_eq!(output.status.code(), Some(64));
        assert!(error.contains("feature `otlp`"), "{error}");
    }
}

#[cfg(feature = "otlp")]
#[test]
fn an_upgrade_arrives_at_a_collector_signal_by_signal() {
    use std::io::{Read, Write};
    let scene = Scene::adopted();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let collector = std::thread::spawn(move || {
        ["logs", "traces", "metrics"].map(|_| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            let is_whole = |request: &[u8]| {
                let text = String::from_utf8_lossy(request);
                let length = text.split("Content-Length: ").nth(1)?.split('\r').next()?;
                let head = request.windows(4).position(|end| end == b"\r\n\r\n")?;
                Some(request.len() == head + 4 + length.parse::<usize>().ok()?)
            };
            while is_whole(&request) != Some(true) {
                let read = stream.read(&mut buffer).unwrap();
                assert!(read > 0);
                request.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            String::from_utf8_lossy(&request).into_owned()
        })
    });
    let output = scene.run(&["apply", "--development", "--yes", "--telemetry", &address]);
    assert!(output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!error.contains("no telemetry"), "{error}");
    let [logs, traces, metrics] = collector.join().unwrap();
    assert!(logs.starts_with("POST /v1/logs ") && logs.contains("ACTIVATED"));
    assert!(traces.starts_with("POST /v1/traces ") && traces.contains("upgrade"));
    assert!(
        metrics.starts_with("POST /v1/metrics ") && metrics.contains("femtoclaw.upgrade.events")
    );
}
