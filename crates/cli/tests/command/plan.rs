//! A plan says what changes where, what it takes, and what to type next; and writes nothing.

use std::fs;

use serde_json::Value;

use crate::support::{PROGRAM, Scene, alone, files};

fn text(scene: &Scene, arguments: &[&str]) -> String {
    let output = scene.run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The part of a plan below this heading.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("\n{heading}")).unwrap_or_else(|| panic!("{text}"));
    rest.split("\n\n").next().unwrap()
}

#[test]
fn a_plan_has_a_section_for_everything_that_changes_in_this_order() {
    let scene = Scene::adopted();
    let text = text(&scene, &["plan"]);
    assert!(text.starts_with("Upgrade femtoclaw 1.0.3 → 2.1.0  (generation 1 → 2)\n"), "{text}");
    let mut at = 0;
    for heading in [
        "Binary",
        "Store, schema 1 → 3",
        "Configuration, schema 1 → 3",
        "Policy: who can do more, who can do less",
        "Extensions",
        "Other files",
        "Time and space",
        "Rollback",
        "To agree to",
        "plan blake3:",
        "To do exactly this:",
    ] {
        let found = text[at..].find(&format!("\n{heading}"));
        at += found.unwrap_or_else(|| panic!("{heading} is not behind what comes before:\n{text}"))
            + 1;
    }
    let status = scene.ok(&["plan"]);
    assert_eq!(status["estimate"]["records_rewritten"], status["plan"]["from"]["records"]);
}

#[test]
fn the_configuration_is_a_patch_that_shows_no_secret() {
    let scene = Scene::adopted();
    let text = text(&scene, &["plan"]);
    let patch = section(&text, "Configuration, schema 1 → 3");
    assert!(
        patch.contains("@@ schema 1 → 2 @@") && patch.contains("@@ schema 2 → 3 @@"),
        "{patch}"
    );
    for line in [
        "  - brain.api_key = [secret]",
        "  + secrets:brain.api_key = [secret]  (in the file of secrets)",
        "  - logging.level = ",
        "  + telemetry.level = ",
        "  + schema = 2  (default)",
    ] {
        let found = patch.lines().any(|found| {
            found
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .starts_with(line.split_whitespace().collect::<Vec<_>>().join(" ").trim())
        });
        assert!(found, "{line:?} is not in\n{patch}");
    }
    let plan = scene.ok(&["plan"]);
    let stretches = plan["configuration_changes"].as_array().unwrap();
    assert_eq!((&stretches[0]["from"], &stretches[1]["to"]), (&1.into(), &3.into()));
    let moved = stretches[0]["changes"].as_array().unwrap();
    let moved = moved.iter().find(|change| change["kind"] == "secret_moved").unwrap();
    assert_eq!(moved["before"], "[secret]");
}

#[test]
fn what_it_takes_is_estimated_from_records_where_they_can_be_read_without_writing() {
    let scene = Scene::adopted();
    let before = files(&scene.home());
    let plan = scene.ok(&["plan"]);
    let estimate = &plan["estimate"];
    assert_eq!(estimate["sample"]["basis"], "records");
    let (sampled, all) = (&estimate["sample"]["records"], &estimate["records_rewritten"]);
    assert!(sampled.as_u64() > Some(0) && sampled.as_u64() <= all.as_u64(), "{estimate}");
    assert!(estimate["seconds_to_transform"].as_f64().unwrap() > 0.0, "{estimate}");
    for bytes in ["bytes_now", "bytes_written", "bytes_while_building", "bytes_free"] {
        assert!(estimate[bytes].as_u64() > Some(0), "{bytes}: {estimate}");
    }
    // The store of an engine cannot be opened without writing to it: there are the examples.
    scene.ok(&["apply", "--development", "--target-version", "2.0.0-rc.1"]);
    scene.ok(&["confirm"]);
    let upgraded = files(&scene.home());
    assert!(upgraded.len() > before.len());
    let estimate = &scene.ok(&["plan"])["estimate"];
    assert_eq!(estimate["sample"]["basis"], "examples");
    let text = text(&scene, &["plan"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("the store was not opened, since that can write to it"), "{text}");
    assert!(files(&scene.home()) == upgraded, "planning wrote to the home");
}

#[test]
fn an_estimate_is_no_part_of_what_is_approved() {
    let scene = Scene::adopted();
    let digests: Vec<Value> = (0..3).map(|_| scene.ok(&["plan"])["digest"].clone()).collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    let shown = text(&scene, &["plan"]);
    assert!(shown.contains(&format!("\nplan {}\n", digests[0].as_str().unwrap())), "{shown}");
}

#[test]
fn both_binaries_are_told_with_digest_and_size() {
    let scene = Scene::adopted();
    let runtime = scene.path().join("runtime 2.1.0");
    fs::write(&runtime, "#!/bin/sh\necho 2.1.0\n").unwrap();
    let arguments = ["plan", "--runtime", runtime.to_str().unwrap()];
    let binary = &scene.ok(&arguments)["estimate"]["binary_after"];
    let digest = upgrade::Digest::of(&fs::read(&runtime).unwrap()).to_string();
    assert_eq!((&binary["digest"], &binary["size"]), (&digest.as_str().into(), &21.into()));
    let text = text(&scene, &arguments);
    let binary = section(&text, "Binary");
    assert!(binary.contains("  + 2.1.0, 21 B") && binary.contains(&digest), "{binary}");
    // As it stands there, a shell takes it.
    assert!(text.contains("--runtime '/") && text.contains("runtime 2.1.0'"), "{text}");
}

#[test]
fn what_comes_next_is_a_command_that_does_it() {
    let scene = Scene::adopted();
    let plan = scene.ok(&[
        "plan",
        "--target-version",
        "2.0.0",
        "--peers-move-together",
        "--grant",
        "*:fs.watch:execute",
    ]);
    let next = plan["next"][0].as_array().unwrap();
    let words: Vec<&str> = next.iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words[..2], ["femtoclaw-upgrade", "apply"]);
    let output = alone(&mut std::process::Command::new(PROGRAM))
        .args(&words[1..])
        .arg("--yes")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(scene.ok(&["status"])["version"], "2.0.0");
    let nothing = scene.ok(&["plan", "--target-version", "2.0.0"]);
    assert_eq!((&nothing["estimate"], &nothing["next"]), (&Value::Null, &serde_json::json!([])));
}
