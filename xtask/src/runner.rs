//! Running other programs, and where this workspace is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The root of the workspace.
///
/// `cargo run` says where the package is; without it, the place at which this was compiled counts.
pub(crate) fn workspace_root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
    let package = PathBuf::from(package);
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}

/// `cargo`, as it was called, in the root of the workspace.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(workspace_root());
    command
}

/// Where cargo builds.
///
/// # Errors
/// What cargo says.
pub(crate) fn target_directory() -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--no-deps", "--locked"]);
    let metadata: serde_json::Value = serde_json::from_slice(&output_of(&mut command)?)
        .map_err(|error| format!("cargo metadata says nothing that can be read: {error}"))?;
    let directory = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    directory
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

/// A command as people would type it.
pub(crate) fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let mut line = name.into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// Runs a command to its end and returns what it wrote to standard output.
///
/// # Errors
/// If it cannot be started or does not succeed: a sentence with what it wrote to standard error.
pub(crate) fn output_of(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start `{}`: {error}", shown(command)))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{}` ended with {}: {}", shown(command), output.status, said.trim()))
}

/// The time, for saying how long something took.
#[expect(
    clippy::disallowed_methods,
    reason = "what takes how long is told, and decides nothing else"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Builds a package and returns the path of one of its binaries. What cargo says goes to standard error.
///
/// # Errors
/// If it does not build, or has no such binary.
pub(crate) fn build(package: &str, binary: &str, release: bool) -> Result<PathBuf, String> {
    let mut arguments = vec!["--package", package, "--bin", binary];
    if release {
        arguments.push("--release");
    }
    executable(&arguments, binary)
}

/// Builds an example as `cargo xtask test` builds it, so that nothing is built for both, and returns its path.
///
/// # Errors
/// If it does not build, or is not there.
pub(crate) fn build_example(example: &str) -> Result<PathBuf, String> {
    let all_but_bench = ["--workspace", "--exclude", crate::bench::PACKAGE];
    executable(&[&all_but_bench[..], &["--example", example]].concat(), example)
}

fn executable(arguments: &[&str], name: &str) -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["build", "--locked"]).args(arguments);
    command.arg("--message-format=json-render-diagnostics");
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start `{}`: {error}", shown(&command)))?;
    if !output.status.success() {
        return Err(format!("`{}` ended with {}", shown(&command), output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut executables = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let built = message.get("target")?.get("name")?.as_str()?;
        let path = message.get("executable")?.as_str()?;
        (built == name).then(|| PathBuf::from(path))
    });
    executables.next_back().ok_or_else(|| format!("cargo built no {name}"))
}
