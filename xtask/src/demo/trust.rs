//! Keys made on the fly, a release that is packed and signed, authorisations that two people sign: one of them with the real
//! `ssh-keygen`.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::HOME;
use super::tool::Tool;
use crate::runner::output_of;

/// Names within the temporary directory.
const RELEASE: &str = "femtoclaw-2.1.0.tar";
const UPGRADE: &str = "upgrade.json";
const ROLLBACK: &str = "rollback.json";
/// What stands in for the runtime binary, which this project does not build.
const RUNTIME: &[u8] = b"#!/bin/sh\necho femtoclaw 2.1.0\n";
/// Who must be refused: the command's exit code for what nobody authorised.
const NOT_AUTHORIZED: i32 = 5;

/// Makes the keys and installs a keyring that wants two of three.
pub(super) fn install_keyring(tool: &Tool) -> Result<(), String> {
    for name in ["alice", "bob", "acme"] {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name]);
        output_of(command.current_dir(&tool.directory))?;
    }
    tool.show(&format!(
        "keyring init --home {HOME} --node demo --threshold operator=2 \
         --signer alice=alice.pub:operator,keyring --signer bob=bob.pub:operator \
         --signer acme=acme.pub:publisher --sign-with alice"
    ))?;
    tool.show(&format!("keyring show --home {HOME}"))
}

/// Packs and signs a release.
pub(super) fn publish(tool: &Tool) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot make a release: {error}");
    let runtime = tool.directory.join("release/runtime");
    fs::create_dir_all(&runtime).map_err(failed)?;
    let binary = runtime.join("femtoclaw");
    fs::write(&binary, RUNTIME).map_err(failed)?;
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    let new = "release new --from release --target-version 2.1.0 --security-epoch 1";
    tool.show(&format!("{new} --output {RELEASE}"))?;
    tool.show(&format!("release sign {RELEASE} --sign-with acme"))?;
    tool.show(&format!("release verify {RELEASE} --home {HOME}"))
}

/// Shows what an upgrade would do; that nobody can do it alone; and does it once two have signed.
pub(super) fn upgrade(tool: &Tool) -> Result<(), String> {
    tool.show(&format!("plan --home {HOME} --release {RELEASE}"))?;
    tool.refuse(
        &format!("apply --home {HOME} --release {RELEASE} --development --yes"),
        NOT_AUTHORIZED,
    )?;
    tool.show(&format!(
        "authorize upgrade --home {HOME} --release {RELEASE} --output {UPGRADE} --sign-with alice"
    ))?;
    let apply = format!("apply --home {HOME} --release {RELEASE} --authorization {UPGRADE} --yes");
    tool.refuse(&apply, NOT_AUTHORIZED)?;
    sign_as_bob(tool, UPGRADE)?;
    tool.show(&apply)
}

/// Goes back, once two have signed; and shows that what was signed for the upgrade does not do it a second time.
pub(super) fn rollback(tool: &Tool) -> Result<(), String> {
    tool.show(&format!(
        "authorize rollback --home {HOME} --output {ROLLBACK} --sign-with alice --sign-with bob"
    ))?;
    tool.show(&format!("rollback --home {HOME} --authorization {ROLLBACK} --yes"))?;
    let again = format!("apply --home {HOME} --release {RELEASE} --authorization {UPGRADE} --yes");
    tool.refuse(&again, NOT_AUTHORIZED)
}

/// As the command says that it is done.
fn sign_as_bob(tool: &Tool, file: &str) -> Result<(), String> {
    let line = format!("ssh-keygen -Y sign -n upgrade@femtoclaw.dev -f bob < {file} >> {file}.sig");
    tool.audience.say(&format!("\n$ {line}\n"));
    let failed = |error: std::io::Error| format!("{line}: {error}");
    let signed = fs::File::open(tool.directory.join(file)).map_err(failed)?;
    let signatures = OpenOptions::new()
        .append(true)
        .open(tool.directory.join(format!("{file}.sig")))
        .map_err(failed)?;
    let status = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "upgrade@femtoclaw.dev", "-f", "bob"])
        .current_dir(&tool.directory)
        .stdin(signed)
        .stdout(signatures)
        .stderr(Stdio::inherit())
        .status()
        .map_err(failed)?;
    if status.success() { Ok(()) } else { Err(format!("{line}: {status}")) }
}
