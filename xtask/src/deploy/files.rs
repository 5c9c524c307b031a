//! The files of orchestrators and containers, by the tools that know their formats.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Context, quietly};
use crate::runner::output_of;

/// Commands of `femtoclaw-upgrade` that the files use.
const COMMANDS: [&str; 5] = ["plan", "apply", "status", "rollback", "launch"];
/// Options in the files that are not of `femtoclaw-upgrade`: of the runtime, of curl, of useradd and its like.
const OF_OTHERS: [&str; 12] = [
    "--config",
    "--fail",
    "--silent",
    "--ready-file",
    "--gid",
    "--uid",
    "--no-create-home",
    "--home-dir",
    "--shell",
    "--directory",
    "--owner",
    "--group",
];
/// Options of the tools that files are built or used with.
const OF_TOOLS: [&str; 8] =
    ["--mode", "--path", "--locked", "--root", "--file", "--tag", "--check", "--from"];

/// The container file, by hadolint.
pub(super) fn container(context: &Context) -> Result<String, String> {
    quietly(context.program("hadolint").arg("deploy/container/Containerfile"))?;
    Ok("hadolint has nothing to say; the image was not built".to_owned())
}

/// Every manifest, by the schemas that kubernetes-validate brings.
pub(super) fn kubernetes(context: &Context) -> Result<String, String> {
    let files = ["deploy/kubernetes/statefulset.yaml", "docs/simulator-job.yaml"];
    let said = quietly(context.program("kubernetes-validate").arg("--strict").args(files))?;
    let passed = said.lines().filter(|line| line.contains(" passed for resource ")).count();
    if passed == 0 {
        return Err(format!("nothing was looked at: {said}"));
    }
    let version =
        said.split("against version ").nth(1).and_then(|rest| rest.split_whitespace().next());
    Ok(format!("{passed} objects are as Kubernetes {} has them", version.unwrap_or_default()))
}

/// The job is HCL2, and holds what the documentation relies on.
pub(super) fn nomad(context: &Context) -> Result<String, String> {
    let mut convert = context.program("hcl2tojson");
    let said = output_of(convert.arg("deploy/nomad/femtoclaw.nomad.hcl"))?;
    let job: Value = serde_json::from_slice(&said).map_err(|error| format!("no JSON: {error}"))?;
    let update = find(&job, "update").ok_or("the job has no update block")?;
    let number = |name: &str| update.get(name).and_then(Value::as_u64);
    let claims = [
        (update.get("auto_revert") == Some(&Value::Bool(false)), "auto_revert is not false"),
        (number("max_parallel") == Some(1), "max_parallel is not 1"),
        (number("canary") == Some(0), "there are canaries, which volumes of allocations rule out"),
        (find(&job, "per_alloc").is_some(), "the volume is not of the allocation"),
        (find(&job, "kill_timeout").is_some(), "there is no kill_timeout"),
    ];
    let wrong: Vec<&str> =
        claims.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect();
    if wrong.is_empty() {
        return Ok("it is HCL2, one at a time, and never goes back by itself; Nomad was not asked"
            .to_owned());
    }
    Err(wrong.join("; "))
}

/// The first value by this name, at any depth; of a list its first.
fn find<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let first = |value: &'v Value| value.as_array().map_or(Some(value), |list| list.first());
    match value {
        Value::Object(members) => members
            .get(name)
            .and_then(first)
            .or_else(|| members.values().find_map(|member| find(member, name))),
        Value::Array(members) => members.iter().find_map(|member| find(member, name)),
        _ => None,
    }
}

/// Every option that the files give the command is one of it.
pub(super) fn options(context: &Context) -> Result<String, String> {
    let mut known: BTreeSet<String> =
        OF_OTHERS.iter().chain(&OF_TOOLS).map(ToString::to_string).collect();
    for command in COMMANDS {
        let mut help = Command::new(&context.command);
        let said = output_of(help.args([command, "--help"]))?;
        known.extend(options_in(&String::from_utf8_lossy(&said)));
    }
    let mut used = BTreeSet::new();
    collect(&context.root.join("deploy"), &mut used)?;
    let unknown: Vec<&String> = used.difference(&known).collect();
    if !unknown.is_empty() {
        return Err(format!("the command has no {unknown:?}"));
    }
    Ok(format!("all {} options in the files are known", used.len()))
}

fn collect(directory: &Path, into: &mut BTreeSet<String>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else {
            into.extend(options_in(&std::fs::read_to_string(&path).map_err(failed)?));
        }
    }
    Ok(())
}

/// Everything in a text that looks like an option: `--name`.
fn options_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = text.split(|c: char| !is_part(c));
    let options = words.filter(|word| {
        let name = word.strip_prefix("--").unwrap_or_default();
        name.starts_with(|c: char| c.is_ascii_lowercase())
    });
    options.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_wherever_they_stand() {
        let text = "a --home DIR, ['--lock-timeout', 3] --- -- -x \"--yes\"\n--json";
        let found: Vec<String> = options_in(text).into_iter().collect();
        assert_eq!(found, ["--home", "--json", "--lock-timeout", "--yes"]);
    }

    #[test]
    fn a_block_is_found_at_any_depth() {
        let job =
            serde_json::json!({ "job": [{ "a": { "group": [{ "update": [{ "canary": 0 }] }] } }] });
        assert_eq!(find(&job, "update").unwrap()["canary"], 0);
        assert_eq!(find(&job, "canary"), Some(&Value::from(0)));
        assert_eq!(find(&job, "volume"), None);
    }
}
