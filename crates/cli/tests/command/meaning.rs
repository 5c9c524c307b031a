//! What an upgrade means: who may do what, which extensions there are, and every reason why it is refused.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::journey::fixture;
use crate::support::Scene;

/// A fixture in its place, and adopted, after `change` was made to it.
fn adopted(name: &str, change: impl FnOnce(&Path)) -> Scene {
    let scene = Scene::without_installation();
    crate::support::copy(&fixture(name), &scene.source());
    change(&scene.source());
    scene.ok(&["adopt", "--from", scene.source().to_str().unwrap()]);
    scene
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut document);
    fs::write(path, serde_json::to_vec_pretty(&document).unwrap()).unwrap();
}

/// As it was published, but for its text.
fn write_search(source: &Path) {
    let front = "author: FemtoClaw Community\nruntime:\n  kind: rust\npermissions: [network]";
    write_talon(source, "search", front);
}

fn write_talon(source: &Path, name: &str, front: &str) {
    let directory = source.join("talons").join(name);
    fs::create_dir_all(&directory).unwrap();
    let text = format!("---\nname: {name}\nversion: 1.0.0\n{front}\n---\n");
    fs::write(directory.join("TALON.md"), text).unwrap();
}

/// What `capability check` answers.
fn decision(scene: &Scene, resource: &str, action: &str) -> (i32, String) {
    let output = scene.run(&[
        "capability",
        "check",
        "--principal",
        "agent",
        "--resource",
        resource,
        "--action",
        action,
        "--args",
        r#"{"bin":"ls","url":"http://localhost"}"#,
        "--json",
    ]);
    let last = crate::support::json_lines(&output).pop().unwrap();
    (output.status.code().unwrap(), last["code"].as_str().unwrap().to_owned())
}

fn codes(error: &Value) -> Vec<&str> {
    error["reasons"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect()
}

// trace: test FC-11.1.3 FC-11.2
#[test]
fn what_1_0_0_denied_stays_denied_on_every_path() {
    const DENIED: &str = "DENIED_POLICY_VIOLATION";
    for path in [&["2.0.0-rc.1", "2.0.0", "2.1.0"] as &[&str], &["2.0.0", "2.1.0"], &["2.1.0"]] {
        let scene = adopted("femtoclaw-1.0.0", |source| {
            edit(&source.join("capabilities.json"), |registry| {
                let process = json!({"name": "process", "description": "Run", "parameters": []});
                registry.as_array_mut().unwrap().push(process);
            });
        });
        // `Allow * read` is a rule for a resource that is called `*`, of which there is none.
        for action in ["execute", "read"] {
            assert_eq!(decision(&scene, "process", action), (5, DENIED.to_owned()));
        }
        assert_eq!(decision(&scene, "web_get", "execute"), (0, "AUTHORIZED".to_owned()));
        for version in path {
            scene.ok(&["apply", "--development", "--target-version", version]);
            scene.ok(&["confirm"]);
            for action in ["execute", "read"] {
                assert_eq!(
                    decision(&scene, "process", action),
                    (5, DENIED.to_owned()),
                    "{version}"
                );
            }
            assert_eq!(decision(&scene, "web.get", "execute"), (0, "AUTHORIZED".to_owned()));
            let gone = (5, "DENIED_CAPABILITY_NOT_FOUND".to_owned());
            assert_eq!(decision(&scene, "web_get", "execute"), gone);
        }
        for _ in path {
            scene.ok(&["rollback", "--development"]);
        }
        assert_eq!(decision(&scene, "web_get", "execute"), (0, "AUTHORIZED".to_owned()));
    }
}

#[test]
fn a_decision_names_the_rule_that_made_it() {
    let scene = adopted("femtoclaw-1.0.3", |_| {});
    let check = ["capability", "check", "--principal", "agent", "--resource", "web.get"];
    let text = String::from_utf8(scene.run(&check).stdout).unwrap();
    assert!(
        text.starts_with("AUTHORIZED\n  rule 1 of policy \"default\", as 1.0.3 applied it"),
        "{text}"
    );
    assert!(text.contains(r#""resource":"web.get""#), "{text}");
    scene.ok(&["apply", "--development"]);
    let text = String::from_utf8(scene.run(&check).stdout).unwrap();
    assert!(text.contains("as 2.x applies it") && text.contains(r#""effect":"allow""#), "{text}");
    let disabled = (5, "DENIED_CAPABILITY_DISABLED".to_owned());
    assert_eq!(decision(&scene, "fs.watch", "execute"), disabled);
    let invalid = scene.run(&[&check as &[&str], &["--args", "[]"]].concat());
    assert_eq!(invalid.status.code(), Some(64));
}

// trace: test FC-11.3
#[test]
fn a_diff_shows_both_directions_and_what_is_granted() {
    let scene = adopted("femtoclaw-1.0.3", |_| {});
    let diff = scene.ok(&["capability", "diff"]);
    assert_eq!((&diff["to"], &diff["newly_allowed"]), (&json!("2.1.0"), &json!([])));
    let denied = diff["newly_denied"].to_string();
    // 1.0.3 took any arguments for `shell`, which must be given `bin`.
    assert!(denied.contains("DENIED_ARGUMENT_INVALID") && denied.contains("shell"), "{denied}");
    let changes = diff["changes"].to_string();
    assert!(changes.contains("net: is called net.request from now on"), "{changes}");
    let granted = scene.ok(&["capability", "diff", "--grant", "*:fs.watch:execute"]);
    assert!(granted["changes"].to_string().contains("was not needed"), "{granted}");
}

// trace: test FC-23.1.2 FC-23.1.3
#[test]
fn a_minor_upgrade_replaces_an_extension_and_keeps_what_it_wrote() {
    let scene = adopted("femtoclaw-1.0.3", |source| {
        write_search(source);
        fs::write(source.join("talons/search/last.txt"), "what was found").unwrap();
    });
    scene.ok(&["apply", "--development", "--target-version", "2.0.0"]);
    scene.ok(&["confirm"]);
    let generations = scene.home().join("generations");
    let policy = |number: u32| fs::read(generations.join(format!("{number}/policy/policies.json")));
    let before = policy(2).unwrap();
    scene.ok(&["apply", "--development", "--target-version", "2.1.0"]);
    let three = generations.join("3");
    let text = |path: &str| fs::read_to_string(three.join(path)).unwrap();
    assert!(text("extensions/talons/search/TALON.md").contains("version: 1.1.0"));
    assert_eq!(text("extensions/talons/search/last.txt"), "what was found");
    let old = "set-aside/from-generation-2/extensions/talons/search/TALON.md";
    assert!(text(old).contains("version: 1.0.0"));
    assert!(text("policy/capabilities.json").contains("net.request"));
    assert_eq!(text("set-aside/from-generation-2/policy/policies.json").as_bytes(), before);
    // What 1.0.3 had said before is still there, too.
    assert!(text("set-aside/from-generation-1/policy/policy/policies.json").contains("\"Allow\""));
    scene.ok(&["rollback", "--development"]);
    assert_eq!(policy(2).unwrap(), before);
    assert_eq!(scene.ok(&["verify"])["ok"], true);
}

// trace: test FC-12.2 FC-13.2.3
#[test]
fn an_extension_that_is_in_the_way_stops_the_upgrade_or_is_set_aside_by_name() {
    let scene = adopted("femtoclaw-1.0.3", |source| {
        write_talon(source, "odd", "author: A\nruntime:\n  kind: abacus");
        fs::write(source.join("talons/odd/beads.bin"), [0, 1, 2]).unwrap();
        write_talon(source, "strict", "author: A\nfemtoclaw: \"<2\"");
        write_talon(source, "greedy", "author: A\npermissions: [gravity]");
    });
    let error = scene.refused(&["plan"], 3);
    let found = codes(&error);
    for code in ["kind-not-hosted", "runtime-incompatible", "permission-unknown"] {
        assert!(found.contains(&code), "{code}: {found:?}");
    }
    let aside = ["odd", "strict", "greedy"].map(|name| ["--set-aside-extension", name]).concat();
    let plan = [&["apply", "--development"] as &[&str], &aside].concat();
    assert_eq!(codes(&scene.refused(plan.get(..6).unwrap(), 3)), ["permission-unknown"]);
    let needless = [&["plan", "--set-aside-extension", "greeter"] as &[&str], &aside].concat();
    let text = String::from_utf8(scene.run(&needless).stdout).unwrap();
    assert!(text.contains("not needed: the consent to set greeter aside"), "{text}");
    scene.ok(&plan);
    let two = scene.home().join("generations/2");
    assert_eq!(fs::read(two.join("set-aside/extensions/odd/beads.bin")).unwrap(), [0, 1, 2]);
    assert!(!two.join("extensions/talons/odd").exists());
    assert!(two.join("set-aside/extensions/strict/TALON.md").exists());
    scene.ok(&["confirm"]);
    scene.ok(&["rollback", "--development"]);
    assert!(scene.home().join("generations/1/extensions/talons/odd/TALON.md").exists());
}

// trace: test FC-11.1.2
#[test]
fn what_was_granted_for_something_else_is_not_granted_for_what_is_new() {
    let scene = adopted("femtoclaw-1.0.3", |source| {
        edit(&source.join("policy/capabilities.json"), |registry| {
            let own = json!({"name": "fs.watch", "description": "Ours", "enabled": true, "parameters": []});
            registry.as_array_mut().unwrap().push(own);
        });
    });
    assert_eq!(codes(&scene.refused(&["plan"], 3)), ["capability-redefined"]);
    // Where the runtime has nothing of that name, it stays what it is.
    scene.ok(&["apply", "--development", "--target-version", "2.0.0"]);
}

#[test]
fn a_file_where_a_directory_has_to_be_is_found_before_anything_is_built() {
    let scene = adopted("femtoclaw-1.0.3", |source| {
        fs::write(source.join("from-generation-1"), "somebody's").unwrap();
    });
    let error = scene.refused(&["apply", "--development"], 3);
    assert!(codes(&error).iter().all(|code| *code == "path-taken"), "{error}");
    assert!(error["condition"].as_str().unwrap().contains("unchanged"), "{error}");
}

// trace: test FC-13.1 FC-13.2.2 FC-13.3 FC-14.1.2 FC-24.2.2
#[test]
fn a_rollback_target_that_could_not_read_what_is_written_is_refused_or_agreed_to() {
    let scene = adopted("femtoclaw-1.0.3", |_| {});
    let preserve = ["plan", "--rollback-data", "preserve"];
    let error = scene.refused(&preserve, 3);
    assert_eq!(codes(&error), ["rollback-unreadable"]);
    let plan = scene.ok(&["plan"])["plan"].clone();
    let reasons = plan["verdict"]["reasons"].as_array().unwrap();
    let lasting = reasons.iter().find(|reason| reason["code"] == "rollback-unreadable").unwrap();
    assert_eq!(lasting["severity"], "needs-consent");
    // From 2.0.0 on, the schema stays the same.
    scene.ok(&["apply", "--development", "--target-version", "2.0.0"]);
    scene.ok(&["confirm"]);
    scene.ok(&preserve);
}

// trace: test FC-13.1 FC-13.2.1 FC-13.2.4 FC-13.3 FC-14.1.2 FC-14.3
#[test]
fn a_major_release_is_refused_with_every_reason_and_another_way() {
    let scene = adopted("femtoclaw-1.0.3", |_| {});
    let target = ["plan", "--target-version", "3.0.0-alpha"];
    let error = scene.refused(&target, 3);
    let found = codes(&error);
    for code in [
        "runtime-out-of-range",
        "configuration-not-migratable",
        "capability-set-not-accepted",
        "protocol-major-dropped",
        "compatibility-unstated",
    ] {
        assert!(found.contains(&code), "{code}: {found:?}");
    }
    // Peers that move along do not mind.
    let error = scene.refused(&[&target[..], &["--peers-move-together"]].concat(), 3);
    assert!(!codes(&error).contains(&"protocol-major-dropped"), "{error}");
    // A path would not help: the extensions are in the way on every one.
    assert!(error["path"].is_null(), "{error}");
    for reason in error["reasons"].as_array().unwrap() {
        assert!(reason["clause"].as_str().unwrap().starts_with('§'), "{reason}");
    }
    // Without extensions, and once 2.1.0 is there, nothing is in the way that cannot be agreed to.
    let bare = adopted("femtoclaw-1.0.3", |source| {
        fs::remove_dir_all(source.join("talons")).unwrap();
    });
    let error = bare.refused(&target, 3);
    assert_eq!(error["path"]["hops"].as_array().unwrap().len(), 2, "{error}");
    assert!(error["message"].as_str().unwrap().contains("Upgrade to 2.1.0 first."), "{error}");
    bare.ok(&["apply", "--development"]);
    bare.ok(&["confirm"]);
    assert_eq!(bare.ok(&target)["plan"]["verdict"]["accepted"], true);
    bare.ok(&["apply", "--development", "--target-version", "3.0.0-alpha"]);
    let registry = fs::read_to_string(bare.home().join("generations/3/policy/capabilities.json"));
    assert!(registry.unwrap().contains("programs are run by the shell alone"));
}

// trace: test FC-11.3
#[test]
fn every_change_of_the_published_installations_is_explained() {
    for (name, explained) in [
        (
            "femtoclaw-1.0.3",
            &[
                "net: is called net.request from now on",
                "fs.watch: is new, and switched off",
                "1.0.3 never looked at its principal, action and conditions",
                "replaced: femtoclaw-community/search 1.0.0",
                "kept: femtoclaw-upgrade/greeter 1.0.0",
                "- brain.api_key = [secret] + secrets:brain.api_key = [secret]",
                "rollback-unreadable",
                "extension-states-no-runtime",
                "Nobody can do anything that was not allowed before.",
            ] as &[&str],
        ),
        (
            "femtoclaw-1.0.0",
            &[
                "web_get: is called web.get from now on",
                "1.0.0 took `*` for a name like any other, which no request has",
                "+ brain.backend = ",
                "(default)",
                "Nobody can do anything that was not allowed before.",
            ],
        ),
    ] {
        let scene = adopted(name, |source| {
            if source.join("talons").exists() {
                write_search(source);
            }
        });
        let text = String::from_utf8(scene.run(&["plan"]).stdout).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for sentence in explained {
            assert!(text.contains(sentence), "{name}: {sentence:?} is not in\n{text}");
        }
    }
}
