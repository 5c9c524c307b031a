//! The Ansible role, run against homes of this machine with the real command.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::{Context, FIXTURE, quietly};
use crate::runner::output_of;

/// What homes are upgraded to.
const TARGET: &str = "2.1.0";
/// A release in between.
const BEFORE: &str = "2.0.0";
/// A runtime that says when it is ready, and goes on until it is stopped.
const SOUND: &str = "#!/bin/sh\n: > \"$2\"\nexec sleep 600\n";
/// One that never is.
const UNSOUND: &str = "#!/bin/sh\nexec sleep 600\n";
/// Starts the launcher as a service manager would, if it does not run, and returns: `sh -c … COMMAND HOME READY PID TIMEOUT`.
const LAUNCH: &str = "[ -s \"$3\" ] && kill -0 \"$(cat \"$3\")\" 2>/dev/null && exit 0; \
    \"$0\" launch --yes --home \"$1\" --ready-file \"$2\" --health-timeout \"$4\" --lock-timeout 20 \
    -- serve \"$2\" >\"$3.log\" 2>&1 </dev/null & echo $! >\"$3\"";
/// Stops it, and waits until it has ended; it need not run.
const STOP: &str = "[ -s \"$0\" ] || exit 0; pid=$(cat \"$0\"); rm \"$0\"; kill \"$pid\" 2>/dev/null || exit 0; \
    while kill -0 \"$pid\" 2>/dev/null; do sleep 0.1; done";

/// A home that is looked after by the role.
struct Node<'c> {
    context: &'c Context,
    directory: PathBuf,
    home: PathBuf,
}

impl<'c> Node<'c> {
    /// Adopts the fixture.
    fn adopt(context: &'c Context, name: &str) -> Result<Self, String> {
        let directory = context.scratch.path().join(name);
        std::fs::create_dir_all(&directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        let home = directory.join("home");
        let mut adopt = Command::new(&context.command);
        adopt.args(["adopt", "--yes", "--from"]).arg(context.root.join(FIXTURE));
        output_of(adopt.arg("--home").arg(&home))?;
        Ok(Self { context, directory, home })
    }

    fn file(&self, name: &str) -> String {
        self.directory.join(name).to_string_lossy().into_owned()
    }

    /// Runs a playbook with these variables; what it said.
    fn play(&self, playbook: &str, variables: &Value, more: &[&str]) -> Result<String, String> {
        let mut all = json!({
            "femtoclaw_upgrade_hosts": "all",
            "femtoclaw_upgrade_command": self.context.command,
            "femtoclaw_upgrade_home": self.home,
            "femtoclaw_upgrade_become": false,
            "femtoclaw_upgrade_development": true,
            "femtoclaw_upgrade_target_version": TARGET,
            "femtoclaw_upgrade_confirm_retries": 40,
            "femtoclaw_upgrade_confirm_delay": 1,
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        });
        if let (Some(all), Some(more)) = (all.as_object_mut(), variables.as_object()) {
            all.extend(more.clone());
        }
        let file = self.directory.join("variables.json");
        std::fs::write(&file, all.to_string())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let mut command = self.context.program("ansible-playbook");
        command.args(["--inventory", "localhost,", "--connection", "local", "--extra-vars"]);
        command.arg(format!("@{}", file.display())).args(more);
        command.arg(self.context.deploy("ansible").join(playbook));
        command.env("ANSIBLE_HOME", self.directory.join("ansible")).env("ANSIBLE_NOCOWS", "1");
        quietly(&mut command)
    }

    /// Which version is current, and how it stands.
    fn current(&self) -> Result<(String, String), String> {
        let status = self.context.ask(&["status"], &self.home)?;
        let generations = status.get("generations").and_then(Value::as_array);
        let is_current = |of: &&Value| of.get("current") == Some(&Value::Bool(true));
        let current = generations.and_then(|all| all.iter().find(is_current));
        let standing = current.and_then(|of| of.get("standing")).cloned().unwrap_or_default();
        let version = status.get("version").and_then(Value::as_str).unwrap_or_default();
        Ok((version.to_owned(), standing.as_str().map_or(standing.to_string(), str::to_owned)))
    }

    fn is(&self, version: &str, standing: &str) -> Result<(), String> {
        let found = self.current()?;
        if found == (version.to_owned(), standing.to_owned()) {
            return Ok(());
        }
        Err(format!("{version} {standing} was expected, and there is {} {}", found.0, found.1))
    }
}

/// A play that has to fail, and to say this.
fn refused(came: Result<String, String>, says: &str) -> Result<(), String> {
    match came {
        Err(said) if said.contains(says) => Ok(()),
        Err(said) => Err(format!("it failed without {says:?}: {said}")),
        Ok(said) => Err(format!("it did not fail: {said}")),
    }
}

fn said(came: &str, expected: &str) -> Result<(), String> {
    if came.contains(expected) { Ok(()) } else { Err(format!("no {expected:?}: {came}")) }
}

/// The role is linted, and takes a home there and back. There is no service manager here: starting is a command that stands for
/// a runtime which proves itself at once, or does not.
pub(super) fn with_stand_in(context: &Context) -> Result<String, String> {
    let mut lint = context.program("ansible-lint");
    lint.args(["--offline", "--profile", "production", "--nocolor", "deploy/ansible"]);
    quietly(lint.env("ANSIBLE_HOME", context.scratch.path().join("ansible")))?;
    let node = Node::adopt(context, "stand-in")?;
    let home = node.home.to_string_lossy();
    let command = context.command.to_string_lossy();
    let nothing = json!(["true"]);
    // A generation that is confirmed already needs nothing more.
    let start = json!(["sh", "-c", "\"$0\" confirm --yes --home \"$1\" || true", command, home]);
    let proves = json!({ "femtoclaw_upgrade_stop_command": nothing, "femtoclaw_upgrade_start_command": start });
    let with = |more: Value| -> Value {
        let mut all = proves.clone();
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
        all
    };
    let checked = node.play("upgrade.yml", &proves, &["--check"])?;
    said(&checked, "changed=1")?;
    node.is("1.0.3", "confirmed")?;
    let digest = json!({ "femtoclaw_upgrade_plan_digest": "blake3:0" });
    refused(node.play("upgrade.yml", &with(digest), &[]), "not the one that was looked at")?;
    let unsigned = json!({ "femtoclaw_upgrade_development": false });
    refused(node.play("upgrade.yml", &with(unsigned), &[]), "exit code 5")?;
    node.is("1.0.3", "confirmed")?;
    node.play("upgrade.yml", &proves, &[])?;
    node.is(TARGET, "confirmed")?;
    let again = node.play("upgrade.yml", &proves, &[])?;
    said(&again, "changed=0")?;
    node.play("rollback.yml", &proves, &[])?;
    node.is("1.0.3", "confirmed")?;
    let idle = json!({
        "femtoclaw_upgrade_start_command": nothing, "femtoclaw_upgrade_confirm_retries": 2,
    });
    refused(node.play("upgrade.yml", &with(idle), &[]), "was not upgraded")?;
    Ok("linted; here a home was upgraded, upgraded again without a change, rolled back, and refused a plan that nobody \
        looked at, an upgrade that nobody allowed, and one that was never confirmed"
        .to_owned())
}

/// The same with the launcher: a runtime that becomes ready is confirmed, one that never does is left, and the roll-out ends.
pub(super) fn with_launcher(context: &Context) -> Result<String, String> {
    let node = Node::adopt(context, "launcher")?;
    let pid = node.file("pid");
    let came = launched(&node, &pid);
    // Whatever came of it, nothing goes on running.
    quietly(Command::new("sh").args(["-c", STOP, &pid]))?;
    came
}

fn launched(node: &Node<'_>, pid: &str) -> Result<String, String> {
    let [ready, sound, unsound] = ["ready", "sound", "unsound"].map(|name| node.file(name));
    for (file, text) in [(&sound, SOUND), (&unsound, UNSOUND)] {
        std::fs::write(file, text).map_err(|error| format!("{file}: {error}"))?;
    }
    let command = node.context.command.to_string_lossy();
    let home = node.home.to_string_lossy();
    let variables = |version: &str, runtime: &str, timeout: &str| {
        json!({
            "femtoclaw_upgrade_target_version": version,
            "femtoclaw_upgrade_runtime": runtime,
            "femtoclaw_upgrade_stop_command": ["sh", "-c", STOP, pid],
            "femtoclaw_upgrade_start_command":
                ["sh", "-c", LAUNCH, command, home, ready, pid, timeout],
        })
    };
    // What was adopted has no runtime to start: the first upgrade brings one.
    node.play("upgrade.yml", &variables(BEFORE, &sound, "30"), &[])?;
    node.is(BEFORE, "confirmed")?;
    let unsound = variables(TARGET, &unsound, "3");
    refused(node.play("upgrade.yml", &unsound, &[]), "went back to generation 2")?;
    node.is(BEFORE, "confirmed")?;
    Ok(format!(
        "a runtime that became ready was confirmed ({BEFORE}); one that did not was left for it ({TARGET}), and the roll-out ended"
    ))
}
