//! What a runtime answers, refuses, and ends with.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::support::{Runtime, Scene, output};

fn run(id: &str, capability: &str) -> Value {
    json!({"do": "run", "id": id, "principal": "agent", "capability": capability,
        "arguments": {"command": "true"}})
}

#[test]
fn a_call_is_decided_before_it_is_made_and_both_are_on_record() {
    let scene = Scene::at_2_0_0();
    let runtime = Runtime::start(&scene, "2.0.0");
    let before = runtime.ok(&json!({"do": "count"}));
    let allowed = runtime.ok(&run("allowed", "shell"));
    assert!(allowed["rule"].as_str().unwrap().contains("rule"), "{allowed}");
    let denied = runtime.ask(&run("denied", "fs"));
    assert_eq!((&denied["ok"], &denied["error"]), (&json!(false), &json!("denied")));
    assert_eq!(denied["code"], "DENIED_POLICY_VIOLATION");
    let unknown = runtime.ask(&run("unknown", "nothing"));
    assert_eq!(unknown["code"], "DENIED_CAPABILITY_NOT_FOUND");

    let found = runtime.ok(&json!({"do": "get", "id": "allowed"}));
    assert_eq!(found["executions"][0]["capability"], "shell");
    let executions = found["executions"].as_array().unwrap().len();
    assert_eq!(executions, 1);
    assert_eq!(runtime.ask(&json!({"do": "get", "id": "denied"}))["error"], "not-found");
    let after = runtime.ok(&json!({"do": "count"}));
    let grown = |name: &str| after[name].as_u64().unwrap() - before[name].as_u64().unwrap();
    assert_eq!((grown("audit"), grown("executions")), (3, 1));
    assert_eq!(runtime.terminate(), Some(0));

    let audit = &scene.export(2)["audit"];
    assert!(["allowed", "denied", "unknown"].iter().all(|id| audit.contains(*id)), "{audit:?}");
    scene.verify();
}

#[test]
fn what_makes_no_sense_is_refused_and_the_connection_goes_on() {
    let scene = Scene::at_2_0_0();
    let runtime = Runtime::start(&scene, "2.0.0");
    for wrong in [json!({}), json!({"do": "dance"}), json!({"do": "get"}), json!([1])] {
        assert_eq!(runtime.ask(&wrong)["error"], "bad-request", "{wrong}");
    }
    let mut stream = UnixStream::connect(runtime.ready["socket"].as_str().unwrap()).unwrap();
    stream.write_all(b"nonsense\n{\"do\":\"health\"}\n{\"do\":\"half of").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let answers: Vec<Value> =
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!(
        (&answers[0]["error"], &answers[1]["version"]),
        (&json!("bad-request"), &json!("2.0.0"))
    );
    assert_eq!(runtime.ok(&json!({"do": "stop"}))["ends"], true);
    assert_eq!(runtime.end(), Some(0));
}

#[test]
fn a_runtime_is_refused_where_another_runs_or_another_version_belongs() {
    let scene = Scene::at_2_0_0();
    assert_eq!(Runtime::refused(&scene, "2.1.0"), Some(3));
    let runtime = Runtime::start(&scene, "2.0.0");
    assert_eq!(Runtime::refused(&scene, "2.0.0"), Some(9));
    assert_eq!(runtime.ok(&json!({"do": "health"}))["version"], "2.0.0");
    runtime.kill();
    // What a kill leaves, the socket among it, is in nobody's way.
    assert_eq!(Runtime::start(&scene, "2.0.0").terminate(), Some(0));
}

#[test]
fn an_upgrade_that_is_refused_ends_nothing() {
    let scene = Scene::at_2_0_0();
    let runtime = Runtime::start(&scene, "2.0.0");
    let refused = |answer: Value| (answer["error"].clone(), answer["exit_code"].clone());
    let unsigned = runtime.ask(&json!({"do": "upgrade", "version": "2.1.0"}));
    assert_eq!(refused(unsigned), (json!("unauthorized"), json!(5)));
    assert_eq!(refused(runtime.upgrade("3.0.0-alpha")), (json!("incompatible"), json!(3)));
    assert_eq!(runtime.upgrade("2.0.0")["nothing_to_do"], true);
    assert_eq!(runtime.ask(&json!({"do": "fail", "reason": "none"}))["error"], "not-on-trial");
    runtime.ok(&run("still", "shell"));
    assert_eq!(runtime.terminate(), Some(0));
    assert_eq!(scene.current(), (2, "2.0.0".to_owned()));
}

#[test]
fn a_clean_stop_gives_the_start_back_and_kills_use_them_up_until_the_home_goes_back() {
    let scene = Scene::on_trial();
    let left = |runtime: &Runtime| runtime.ready["standing"]["trial"]["left"].as_u64();
    let runtime = Runtime::start(&scene, "2.1.0");
    assert_eq!(left(&runtime), Some(2));
    assert_eq!(runtime.terminate(), Some(0));
    for expected in [2, 1, 0] {
        let runtime = Runtime::start(&scene, "2.1.0");
        assert_eq!(left(&runtime), Some(expected));
        runtime.kill();
    }
    assert_eq!(Runtime::refused(&scene, "2.1.0"), Some(7));
    assert_eq!(scene.current(), (2, "2.0.0".to_owned()));
    assert_eq!(Runtime::start(&scene, "2.0.0").terminate(), Some(0));
}

#[test]
fn a_generation_that_is_said_to_fail_is_left_at_once() {
    let scene = Scene::on_trial();
    let runtime = Runtime::start(&scene, "2.1.0");
    runtime.ok(&run("tried", "shell"));
    assert_eq!(runtime.ok(&json!({"do": "fail", "reason": "a test"}))["ends"], true);
    assert_eq!(runtime.end(), Some(7));
    assert_eq!(scene.current(), (2, "2.0.0".to_owned()));
    assert!(scene.export(3)["executions"].contains("tried"));
    scene.verify();
}

#[test]
fn a_runtime_that_cannot_listen_gives_its_start_back_and_leaves_what_is_in_its_way() {
    let scene = Scene::on_trial();
    let file = scene.path().join("file");
    std::fs::write(&file, "somebody's").unwrap();
    let mut command = Runtime::command(&scene, "2.1.0");
    let output = output(command.arg("--listen").arg(&file));
    assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
    assert_eq!(std::fs::read(&file).unwrap(), b"somebody's");

    let mut command = Runtime::command(&scene, "2.1.0");
    command.arg("--listen").arg(scene.path().join("socket"));
    let runtime = Runtime::of(command);
    assert_eq!(runtime.ready["standing"], json!({"trial": {"tries": 3, "left": 2}}));
    assert_eq!(runtime.terminate(), Some(0));
}
