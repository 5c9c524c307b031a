//! Signing: with a private key from a file, or through the agent that has it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use upgrade::authorization::{PublicKey, Role, Signature, Signatures, SigningKey};

use super::arguments::SigningArguments;
use super::files;
use crate::failure::Failure;

/// The largest key that is read.
const MAXIMUM_KEY_BYTES: usize = 16 * 1024;

/// Signs with everything that is named; none if nothing is.
pub(super) fn sign(
    arguments: &SigningArguments,
    role: Role,
    message: &[u8],
) -> Result<Option<Signatures>, Failure> {
    if arguments.is_empty() {
        return Ok(None);
    }
    let mut made: Vec<Signature> = Vec::new();
    for path in &arguments.sign_with {
        let key = files::read(path, MAXIMUM_KEY_BYTES)?;
        let key = SigningKey::from_openssh(&key).map_err(|error| unusable(path, &error))?;
        made.push(key.sign(role, message).map_err(|error| unusable(path, &error))?);
    }
    for path in &arguments.agent {
        let signed = Signatures::parse(&ask_agent(path, role, message)?);
        made.extend(signed.map_err(|error| unusable(path, &error))?.iter().cloned());
    }
    let first = arguments.sign_with.first().or(arguments.agent.first());
    let signatures = Signatures::new(made);
    signatures.map(Some).map_err(|error| unusable(first.map_or(Path::new(""), |p| p), &error))
}

/// A public key from a file.
pub(super) fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    let text = files::read(path, MAXIMUM_KEY_BYTES)?;
    let text = String::from_utf8_lossy(&text);
    text.trim_end().parse().map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Unusable { path: path.to_path_buf(), reason: error.to_string() }
}

/// Has `ssh-keygen` ask the agent: it knows where the agent listens, and asks for a touch or a PIN where a token wants one.
fn ask_agent(key: &Path, role: Role, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Unusable {
        path: key.to_path_buf(),
        reason: format!("ssh-keygen could not sign with it: {error}"),
    };
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-U", "-q", "-n", role.namespace(), "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(message).map_err(|error| failed(&error))?;
    }
    let done = child.wait_with_output().map_err(|error| failed(&error))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(failed(&said.lines().next().unwrap_or("it says nothing")));
    }
    Ok(done.stdout)
}

/// The line that signs a file elsewhere, and adds the signature to those that are there.
pub(super) fn command_line(role: Role, file: &Path) -> String {
    let (signed, signatures) = (quoted(file), quoted(&super::files::beside(file)));
    format!("ssh-keygen -Y sign -n {} -f KEY < {signed} >> {signatures}", role.namespace())
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    crate::shell::quoted(&path.display().to_string())
}
