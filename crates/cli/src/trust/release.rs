//! `release`: packages.

use std::path::{Path, PathBuf};

use serde_json::json;
use upgrade::authorization::{Keyring, MAXIMUM_KEYRING_BYTES, Role, Signatures};
use upgrade::release::{Package, pack};
use upgrade::{Cause, Condition, Error, describe_package, package_contents};
use versioning::RuntimeVersion;

use super::arguments::ReleaseCommand;
use super::{files, human, signing};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::Output;

/// Carries out one of the commands. None of them needs a home, but `verify` without a keyring.
pub(crate) fn run(
    session: &Session<'_>,
    command: &ReleaseCommand,
    output: &mut Output,
) -> Result<u8, Failure> {
    match command {
        ReleaseCommand::New { from, target_version, security_epoch, output: file } => {
            new(session, [from, file], target_version, *security_epoch, output)
        }
        ReleaseCommand::Sign { package, signing: with } => {
            let opened = open(package)?;
            let signatures = signing::sign(with, Role::Publisher, opened.manifest_bytes())?;
            let unsigned = || {
                let manifest = Path::new("release.json");
                let line = signing::command_line(Role::Publisher, manifest);
                Failure::Unusable {
                    path: package.clone(),
                    reason: format!(
                        "nobody signs it: name keys with --sign-with or --agent, or sign what `release inspect \
                         --manifest` prints: {line}"
                    ),
                }
            };
            let beside = files::beside(package);
            files::add_signatures(&beside, &signatures.ok_or_else(unsigned)?)?;
            let value = json!({"release": opened.digest(), "signature": beside});
            output.result("release-signed", &value, |_| human::release_signed(&opened, &beside))?;
            Ok(0)
        }
        ReleaseCommand::Inspect { package, manifest } => {
            let opened = open(package)?;
            let text: serde_json::Value =
                serde_json::from_slice(opened.manifest_bytes()).unwrap_or_default();
            let value = json!({"release": opened.digest(), "manifest": text});
            output.result("release", &value, |style| {
                if *manifest {
                    String::from_utf8_lossy(opened.manifest_bytes()).into_owned()
                } else {
                    human::release(&opened, style)
                }
            })?;
            Ok(0)
        }
        ReleaseCommand::Verify { package, signature, keyring } => {
            verify(session, package, signature, keyring.as_deref(), output)
        }
    }
}

fn new(
    session: &Session<'_>,
    [from, file]: [&PathBuf; 2],
    version: &RuntimeVersion,
    security_epoch: u64,
    output: &mut Output,
) -> Result<u8, Failure> {
    let catalogue = session.environment.catalogue;
    let unusable = |reason: String| Failure::Unusable { path: from.clone(), reason };
    let release = catalogue.releases().iter().find(|release| release.runtime() == version);
    let release = release.filter(|release| release.installable);
    let release = release.ok_or_else(|| {
        unusable(format!("{version} is no release that this command can install"))
    })?;
    let description = describe_package(catalogue, release, security_epoch);
    let description = description.map_err(|error| unusable(error.to_string()))?;
    let contents = package_contents(catalogue, release);
    let contents = contents.map_err(|error| unusable(error.to_string()))?;
    // Beside the package, so that it lies on the same file system and with whoever may write there.
    let mut staging = file.as_os_str().to_os_string();
    staging.push(".staging");
    let staging = PathBuf::from(staging);
    let made = stage(from, &staging, &contents)
        .and_then(|()| pack(&description, &staging, file).map_err(changed_nothing));
    // It holds copies alone.
    let _ = durable::remove_tree(&staging);
    let manifest = made?;
    let value = json!({
        "release": manifest.digest(), "file": file, "version": version,
        "security_epoch": security_epoch, "artifacts": manifest.artifacts().len(),
    });
    output.done("release-packed", &value, |_| human::release_packed(&manifest, file));
    Ok(0)
}

/// Copies a directory, and puts beside what it holds what this command knows of the release.
fn stage(
    from: &Path,
    staging: &Path,
    contents: &std::collections::BTreeMap<String, upgrade::PackagedFile>,
) -> Result<(), Failure> {
    let copy = |_: &Path| durable::CloneMode::Copy;
    durable::clone_tree(from, staging, copy).map_err(changed_nothing)?;
    for (path, file) in contents {
        let place = staging.join(path);
        let parents: Vec<&Path> = Path::new(path).ancestors().skip(1).collect();
        for parent in parents.iter().rev().filter(|parent| !parent.as_os_str().is_empty()) {
            let parent = staging.join(parent);
            if !durable::is_directory(&parent).map_err(changed_nothing)? {
                durable::create_directory(&parent).map_err(changed_nothing)?;
            }
        }
        durable::create_file(&place, &file.bytes).map_err(changed_nothing)?;
        if file.executable {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            let failed = |error| Failure::File { path: place.clone(), error };
            std::fs::set_permissions(&place, mode).map_err(failed)?;
        }
    }
    Ok(())
}

fn verify(
    session: &Session<'_>,
    path: &Path,
    signature: &[PathBuf],
    keyring: Option<&Path>,
    output: &mut Output,
) -> Result<u8, Failure> {
    let package = open(path)?;
    let keyring = match keyring {
        Some(path) => {
            let bytes = files::read(path, MAXIMUM_KEYRING_BYTES)?;
            Keyring::parse(&bytes).map_err(|error| Failure::Keyring(error.to_string()))?
        }
        None => {
            let none = || {
                let reason = "there is no keyring to hold it to: name one with --keyring";
                Failure::Keyring(reason.to_owned())
            };
            session.view()?.keyring()?.ok_or_else(none)?.keyring
        }
    };
    let signatures = files::signatures(signature, path)?;
    let signatures = Signatures::parse(&signatures)
        .map_err(|error| changed_nothing(upgrade::InvalidAuthorization::from(error)))?;
    let now = session.environment.clock.now();
    let signers = keyring
        .verify(Role::Publisher, package.manifest_bytes(), &signatures, now)
        .map_err(|reason| changed_nothing(Cause::NotSigned(Box::new(reason))))?;
    package.verify().map_err(changed_nothing)?;
    let signers: Vec<_> = signers
        .iter()
        .map(|signer| {
            json!({"principal": signer.principal.to_string(), "key": signer.key.to_string()})
        })
        .collect();
    let value = json!({
        "release": package.digest(), "keyring_epoch": keyring.epoch(), "signers": signers,
    });
    output
        .result("release-verified", &value, |_| human::release_verified(&package, signers.len()))?;
    Ok(0)
}

fn open(path: &Path) -> Result<Package, Failure> {
    Package::open(path).map_err(changed_nothing)
}

/// What no home has anything to do with.
fn changed_nothing(cause: impl Into<Cause>) -> Failure {
    Failure::Upgrade(Error::new(cause, Condition::NoHome))
}
