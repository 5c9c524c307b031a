//! What a pod does before its launcher starts, as the manifest has it: run here, on a home with keys.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Context, FIXTURE};
use crate::runner::output_of;

const MANIFEST: &str = "kubernetes/statefulset.yaml";
/// How the manifest calls it.
const SCRIPT: &str = "upgrade.sh";
/// Which pod this is.
const POD: &str = "femtoclaw-0";
const RELEASE: &str = "femtoclaw-2.1.0.tar";
/// What stands in for the runtime binary, which this project does not build.
const RUNTIME: &str = "#!/bin/sh\nexit 0\n";

/// A pod: its volume, and what it is given.
struct Pod<'c> {
    context: &'c Context,
    directory: PathBuf,
    script: PathBuf,
}

impl Pod<'_> {
    /// Runs `femtoclaw-upgrade` as an operator does.
    fn operator(&self, arguments: &str) -> Result<(), String> {
        let mut command = Command::new(&self.context.command);
        command.current_dir(&self.directory).args(arguments.split_whitespace());
        output_of(&mut command).map(drop)
    }

    /// Starts the pod: runs its init container. Its exit code.
    fn start(&self) -> Result<i32, String> {
        let mut command = Command::new("sh");
        let own = self.context.command.parent().unwrap_or(Path::new("/")).to_path_buf();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path)));
        command.arg(&self.script).env("PATH", path.map_err(|error| error.to_string())?);
        command.env("POD_NAME", POD).env("FEMTOCLAW_HOME", self.directory.join("home"));
        command.env("RELEASE", self.directory.join(RELEASE));
        command.env("AUTHORIZATIONS", self.directory.join("authorizations"));
        let output = command.output().map_err(|error| format!("cannot start sh: {error}"))?;
        output.status.code().ok_or_else(|| "a signal ended it".to_owned())
    }

    /// Starts it: it has to start, and this version to be current.
    fn comes_to(&self, version: &str, when: &str) -> Result<(), String> {
        let code = self.start()?;
        let status = self.context.ask(&["status"], &self.directory.join("home"))?;
        let current = status.get("version").and_then(serde_json::Value::as_str).unwrap_or_default();
        if (code, current) == (0, version) {
            return Ok(());
        }
        Err(format!("{when}: exit code {code}, and {current} is current, not {version}"))
    }
}

/// A text of a ConfigMap: the lines below its name that are indented further.
fn text_of(manifest: &str, name: &str) -> Option<String> {
    let head = format!("  {name}: |");
    let below = manifest.lines().skip_while(|line| *line != head).skip(1);
    let own = below.take_while(|line| line.is_empty() || line.starts_with("    "));
    let text: String = own.map(|line| format!("{}\n", line.get(4..).unwrap_or_default())).collect();
    (!text.is_empty()).then_some(text)
}

/// With nothing to do, with an authorisation, with one that is used up, with one to go back, and without a home.
pub(super) fn starts(context: &Context) -> Result<String, String> {
    let manifest = context.deploy(MANIFEST);
    let text =
        std::fs::read_to_string(&manifest).map_err(|error| format!("{MANIFEST}: {error}"))?;
    let text = text_of(&text, SCRIPT).ok_or_else(|| format!("{MANIFEST} has no {SCRIPT}"))?;
    let directory = context.scratch.path().join("pod");
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    let script = directory.join(SCRIPT);
    let runtime = directory.join("release/runtime/femtoclaw");
    std::fs::create_dir_all(directory.join("release/runtime")).map_err(failed)?;
    std::fs::create_dir_all(directory.join("authorizations")).map_err(failed)?;
    std::fs::write(&script, text).map_err(failed)?;
    std::fs::write(&runtime, RUNTIME).map_err(failed)?;
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&runtime, executable).map_err(failed)?;
    let pod = Pod { context, directory: directory.clone(), script };
    let code = pod.start()?;
    if code == 0 {
        return Err("a volume without a home is taken for one".to_owned());
    }
    prepare(&pod)?;
    pod.comes_to("1.0.3", "nobody has allowed anything")?;
    let there = format!("authorizations/{POD}.json");
    pod.operator(&format!(
        "authorize upgrade --home home --release {RELEASE} --output {there} --sign-with alice"
    ))?;
    pod.comes_to("2.1.0", "an upgrade is allowed")?;
    pod.operator("confirm --home home --yes")?;
    pod.comes_to("2.1.0", "it is upgraded already")?;
    let back = format!("authorizations/{POD}.rollback.json");
    pod.operator(&format!("authorize rollback --home home --output {back} --sign-with alice"))?;
    pod.comes_to("1.0.3", "a rollback is allowed")?;
    pod.comes_to("1.0.3", "the rollback is used up")?;
    std::fs::remove_file(directory.join(&back)).map_err(failed)?;
    pod.comes_to("1.0.3", "the upgrade is used up")?;
    Ok("before the launcher a pod upgrades once it is allowed, goes back once, and starts as it is otherwise".to_owned())
}

/// Adopts a home, gives it keys, and signs a release.
fn prepare(pod: &Pod<'_>) -> Result<(), String> {
    for name in ["alice", "acme"] {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name]);
        output_of(command.current_dir(&pod.directory))?;
    }
    let from = pod.context.root.join(FIXTURE);
    let mut adopt = Command::new(&pod.context.command);
    adopt.current_dir(&pod.directory).args(["adopt", "--yes", "--home", "home", "--from"]);
    output_of(adopt.arg(from))?;
    pod.operator(
        "keyring init --home home --node femtoclaw-0 --threshold operator=1 --sign-with alice \
         --signer alice=alice.pub:operator,keyring --signer acme=acme.pub:publisher --yes",
    )?;
    let new = "release new --from release --target-version 2.1.0 --security-epoch 1 --output";
    pod.operator(&format!("{new} {RELEASE}"))?;
    pod.operator(&format!("release sign {RELEASE} --sign-with acme"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_manifest_ends_where_it_is_indented_less() {
        let manifest =
            "data:\n  a.sh: |\n    one\n      two\n\n    three\n  b.sh: |\n    four\n---\n";
        assert_eq!(text_of(manifest, "a.sh").unwrap(), "one\n  two\n\nthree\n");
        assert_eq!(text_of(manifest, "b.sh").unwrap(), "four\n");
        assert_eq!(text_of(manifest, "c.sh"), None);
    }
}
