//! Attacks on the generations and directories of a home.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use upgrade::{Cause, EngineOptions, Home, NoTelemetry, Operation};
use versioning::FixedClock;

use super::Attack;
use super::ground::{Case, Stage, environment};

/// Puts something on record at this time.
pub(super) fn date_the_journal(case: &Case<'_>, time: &str) {
    let (clock, engine) = (FixedClock(time.parse().unwrap()), EngineOptions::default());
    let (mut telemetry, timeout) = (NoTelemetry, Duration::ZERO);
    let home = Home::open(&case.home(), environment(&clock, &engine), &mut telemetry, timeout);
    let operation = Operation::Upgrade;
    let _ = home.unwrap().refuse(operation, None, Cause::Unauthorized { operation });
}

/// Puts a link in the place of something, which goes elsewhere.
fn link_away(case: &Case<'_>, path: &str) {
    let (path, elsewhere) = (case.at(path), case.file("elsewhere"));
    durable::rename(&path, &elsewhere).unwrap();
    symlink(elsewhere, path).unwrap();
}

fn pipe_instead(path: &Path) {
    fs::remove_file(path).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The largest file of the store of the current generation.
fn store_file(case: &Case<'_>) -> std::path::PathBuf {
    let files = crate::support::files(&case.at("generations/2/store")).into_iter();
    files.max_by_key(|(_, bytes)| bytes.len()).unwrap().0
}

/// Something is wrong with the current generation, and is found by whoever reads all of it.
fn verified(name: &'static str, error: &'static str, prepare: fn(&Case<'_>)) -> Attack {
    let mut attack = Attack::refused(name, error, |_| vec!["verify".to_owned()]);
    attack.before = Some(prepare);
    attack.on(Stage::Confirmed).exit(6).unrecorded()
}

/// Something is wrong, and an upgrade that everybody has signed is not made on it.
fn applied(name: &'static str, error: &'static str, prepare: fn(&Case<'_>)) -> Attack {
    verified(name, error, prepare).command(|case| {
        case.apply(&case.ground.package("final"), &case.ground.statement("to-final"))
    })
}

/// Something is wrong with what a rollback leads to.
fn returned(name: &'static str, error: &'static str, prepare: fn(&Case<'_>)) -> Attack {
    verified(name, error, prepare).command(|case| {
        ["rollback", "--authorization", &case.ground.statement("back")].map(str::to_owned).into()
    })
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = generations();
    attacks.extend(seals());
    attacks.extend(planted());
    attacks.extend(permissions());
    attacks
}

fn generations() -> Vec<Attack> {
    let altered = "integrity-violated";
    vec![
        verified("the runtime is replaced", altered, |case| {
            fs::write(case.at("generations/2/runtime/runtime"), "#!/bin/sh\nevil\n").unwrap();
        }),
        applied("the runtime is replaced, then an upgrade", altered, |case| {
            flip(&case.at("generations/2/runtime/runtime"));
        })
        .undone(),
        applied("the configuration is edited, then an upgrade", altered, |case| {
            flip(&case.at("generations/2/config/femtoclaw.toml"));
        }),
        verified("the policy is edited", altered, |case| {
            flip(&case.at("generations/2/policy/policies.json"));
        }),
        verified("the release's signature is edited", altered, |case| {
            flip(&case.at("generations/2/runtime/release.json.sig"));
        }),
        verified("a file is added", altered, |case| {
            fs::write(case.at("generations/2/config/evil.toml"), "").unwrap();
        }),
        verified("a file is removed", altered, |case| {
            fs::remove_file(case.at("generations/2/policy/policies.json")).unwrap();
        }),
        applied("a manifest is edited", altered, |case| {
            flip(&case.at("generations/2/manifest.json"));
        }),
        applied("a manifest of another generation", altered, |case| {
            let (one, two) =
                (case.at("generations/1/manifest.json"), case.at("generations/2/manifest.json"));
            fs::copy(one, two).unwrap();
        }),
        applied("a generation is gone", altered, |case| {
            fs::remove_dir_all(case.at("generations/2")).unwrap();
        }),
        verified("a generation that nobody built", altered, |case| {
            super::ground::copy(&case.at("generations/2"), &case.at("generations/9"));
        }),
        returned("what a rollback leads to is edited", altered, |case| {
            flip(&case.at("generations/1/config/config/config.json"));
        }),
        returned("what a rollback leads to is gone", altered, |case| {
            fs::remove_dir_all(case.at("generations/1")).unwrap();
        }),
    ]
}

fn seals() -> Vec<Attack> {
    let altered = "integrity-violated";
    vec![
        applied("the closed store has another byte", altered, |case| flip(&store_file(case)))
            .undone(),
        applied("the closed store has a file more", altered, |case| {
            fs::write(case.at("generations/2/store/evil"), "").unwrap();
        })
        .undone(),
        applied("the seal of the closed store is edited", altered, |case| {
            flip(&case.at("seals/2.json"));
        })
        .undone(),
        verified("the seal of the closed store is gone", altered, |case| {
            fs::remove_file(case.at("seals/2.json")).unwrap();
        }),
        verified("the seal of the closed store is a pipe", altered, |case| {
            pipe_instead(&case.at("seals/2.json"));
        }),
        verified("the closed store is edited with its seal", altered, |case| {
            let path = store_file(case);
            let before = upgrade::Digest::of(&fs::read(&path).unwrap()).to_string();
            flip(&path);
            let after = upgrade::Digest::of(&fs::read(&path).unwrap()).to_string();
            let seal = fs::read_to_string(case.at("seals/2.json")).unwrap();
            assert!(seal.contains(&before), "the seal names every file");
            fs::write(case.at("seals/2.json"), seal.replace(&before, &after)).unwrap();
        }),
    ]
}

fn planted() -> Vec<Attack> {
    let (planted, altered) = ("planted", "integrity-violated");
    vec![
        applied("the generations are a link", planted, |case| link_away(case, "generations")),
        applied("the keyrings are a link", planted, |case| link_away(case, "keyring")),
        applied("the seals are a link", planted, |case| link_away(case, "seals")),
        applied("the journal is a link", planted, |case| link_away(case, "journal")),
        applied("the journal is a file", planted, |case| {
            fs::remove_dir_all(case.at("journal")).unwrap();
            fs::write(case.at("journal"), "").unwrap();
        }),
        applied("the current generation is a link", altered, |case| {
            link_away(case, "generations/2");
        }),
        verified("the runtime is a link", altered, |case| {
            link_away(case, "generations/2/runtime/runtime");
        }),
        applied("a configuration file is a link", planted, |case| {
            link_away(case, "generations/2/config/femtoclaw.toml");
        }),
        verified("a directory of the configuration is a link", altered, |case| {
            link_away(case, "generations/2/config");
        }),
        applied("a manifest is a pipe", planted, |case| {
            pipe_instead(&case.at("generations/2/manifest.json"));
        }),
        applied("a manifest is a device", planted, |case| {
            let path = case.at("generations/2/manifest.json");
            fs::remove_file(&path).unwrap();
            symlink("/dev/zero", path).unwrap();
        }),
        verified("a pipe in the store", altered, |case| {
            assert!(
                Command::new("mkfifo")
                    .arg(case.at("generations/2/store/evil"))
                    .status()
                    .unwrap()
                    .success()
            );
        }),
        applied("the lock of the store is a pipe", altered, |case| {
            pipe_instead(&case.at("generations/2/store/lock"));
        })
        .undone(),
    ]
}

fn permissions() -> Vec<Attack> {
    vec![
        applied("everybody may write to the home", "exposed", |case| set_mode(&case.home(), 0o777)),
        applied("everybody may write to the keyrings", "exposed", |case| {
            set_mode(&case.at("keyring"), 0o777);
        }),
        applied("everybody may write to the journal", "exposed", |case| {
            set_mode(&case.at("journal"), 0o702);
        }),
        applied("everybody may write to the generations", "exposed", |case| {
            set_mode(&case.at("generations"), 0o777);
        }),
        verified("a file may be executed that might not", "integrity-violated", |case| {
            set_mode(&case.at("generations/2/config/femtoclaw.toml"), 0o700);
        }),
        verified("the runtime may not be executed", "integrity-violated", |case| {
            set_mode(&case.at("generations/2/runtime/runtime"), 0o600);
        }),
        applied("a manifest that cannot be read", "generation-unusable", |case| {
            set_mode(&case.at("generations/2/manifest.json"), 0o0);
            case.without_privileges();
        })
        .exit(1),
        applied("a keyring that cannot be read", "file-operation-failed", |case| {
            set_mode(&case.at("keyring/2.json"), 0o0);
            case.without_privileges();
        })
        .exit(1),
    ]
}
