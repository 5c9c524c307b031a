//! Attacks by what is given as an authorisation.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Attack;
use super::ground::{Case, KEYRING, RELEASE, Stage, UPGRADE, beside, sign_with, text};

const BOTH: [&str; 2] = ["alice", "bob"];

/// The candidate, with this authorisation.
fn with(case: &Case<'_>, statement: &str) -> Vec<String> {
    case.apply(&case.ground.package("candidate"), statement)
}

/// The statement that everybody agreed to, with other signatures.
fn signed_by(case: &Case<'_>, signers: &[&str]) -> Vec<String> {
    signed_for(case, UPGRADE, signers)
}

fn signed_for(case: &Case<'_>, namespace: &str, signers: &[&str]) -> Vec<String> {
    let bytes = fs::read(case.ground.statement("to-candidate")).unwrap();
    let statement = case.signed("statement.json", &bytes, namespace, signers);
    with(case, &statement)
}

/// Another statement, signed by everybody who must.
fn stating(case: &Case<'_>, change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
    let statement = case.restated("to-candidate", &BOTH, change);
    with(case, &statement)
}

/// The statement that everybody agreed to, with this beside it instead of signatures.
fn beside_it(case: &Case<'_>, signatures: &[u8]) -> Vec<String> {
    let bytes = fs::read(case.ground.statement("to-candidate")).unwrap();
    let statement = case.write("statement.json", bytes);
    fs::write(beside(Path::new(&statement)), signatures).unwrap();
    with(case, &statement)
}

/// These bytes, signed by everybody who must.
fn bytes(case: &Case<'_>, bytes: &[u8]) -> Vec<String> {
    let statement = case.signed("statement.json", bytes, UPGRADE, &BOTH);
    with(case, &statement)
}

fn replaced(case: &Case<'_>, from: &str, to: &str) -> Vec<u8> {
    let text = fs::read_to_string(case.ground.statement("to-candidate")).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = authority();
    attacks.extend(signatures());
    attacks.extend(forms());
    attacks.extend(files());
    attacks.extend(meanings());
    attacks.extend(times());
    attacks.extend(other_actions());
    attacks
}

fn authority() -> Vec<Attack> {
    vec![
        Attack::refused("no authorisation", "unauthorized", |case| {
            words(&["apply", "--release", &case.ground.package("candidate")])
        })
        .then_legitimate(),
        Attack::refused("development mode", "development-refused", |case| {
            words(&["apply", "--release", &case.ground.package("candidate"), "--development"])
        })
        .then_legitimate(),
        Attack::refused("development mode for nothing", "development-refused", |_| {
            words(&["apply", "--target-version", "9.9.9", "--development"])
        }),
        Attack::refused("development mode with a runtime", "development-refused", |case| {
            let runtime = case.write("runtime", b"#!/bin/sh\n");
            words(&["apply", "--runtime", &runtime, "--development"])
        }),
    ]
}

fn signatures() -> Vec<Attack> {
    vec![
        Attack::refused("one of two has signed", "not-signed", |case| signed_by(case, &["alice"]))
            .then_legitimate(),
        Attack::refused("one key signs twice", "signed-twice-with-one-key", |case| {
            signed_by(case, &["alice", "alice"])
        }),
        Attack::refused("one person signs with two keys", "signed-twice-by-one-person", |case| {
            signed_by(case, &["alice", "alice-too"])
        })
        .then_legitimate(),
        Attack::refused("a stranger signs", "signer-unknown", |case| {
            signed_by(case, &["alice", "mallory"])
        }),
        Attack::refused("a revoked key signs", "signer-revoked", |case| {
            signed_by(case, &["carol", "bob"])
        }),
        Attack::refused("an expired key signs", "signer-expired", |case| {
            signed_by(case, &["bob", "eve"])
        }),
        Attack::refused("a publisher signs as an operator", "signer-without-role", |case| {
            signed_by(case, &["alice", "acme"])
        }),
        Attack::refused("signed as a release", "signature-for-another-purpose", |case| {
            signed_for(case, RELEASE, &BOTH)
        }),
        Attack::refused("signed as a keyring", "signature-for-another-purpose", |case| {
            signed_for(case, KEYRING, &BOTH)
        }),
        Attack::refused("signed as a file", "signature-for-another-purpose", |case| {
            signed_for(case, "file", &BOTH)
        }),
        Attack::refused(
            "the signatures of another statement",
            "signature-of-another-content",
            |case| {
                let other = case.restated("to-candidate", &BOTH, |it| it["reason"] = json!("x"));
                let signatures = fs::read(beside(Path::new(&other))).unwrap();
                beside_it(case, &signatures)
            },
        ),
        Attack::refused("one byte is edited", "signature-of-another-content", |case| {
            let edited = replaced(case, "\"reason\": \"\"", "\"reason\": \"!\"");
            let path = case.write("edited.json", edited);
            let good = case.ground.statement("to-candidate");
            fs::copy(beside(Path::new(&good)), beside(Path::new(&path))).unwrap();
            with(case, &path)
        }),
        Attack::refused("one space more", "signature-of-another-content", |case| {
            let path = case.write("edited.json", replaced(case, "\n", "\n "));
            let good = case.ground.statement("to-candidate");
            fs::copy(beside(Path::new(&good)), beside(Path::new(&path))).unwrap();
            with(case, &path)
        }),
        Attack::refused("another id, so that it is new", "signature-of-another-content", |case| {
            let path = case.restated("to-candidate", &[], |it| {
                it["id"] = json!("00000000000000000000000000000001");
            });
            let good = case.ground.statement("to-candidate");
            fs::copy(beside(Path::new(&good)), beside(Path::new(&path))).unwrap();
            with(case, &path)
        }),
        Attack::refused("no signature in the file", "signatures-unreadable", |case| {
            beside_it(case, b"")
        }),
        Attack::refused("no signature but a letter", "signatures-unreadable", |case| {
            beside_it(case, b"I agree. Alice\n")
        }),
        Attack::refused("a signature that is cut", "signatures-unreadable", |case| {
            let good = fs::read(beside(Path::new(&case.ground.statement("to-candidate")))).unwrap();
            beside_it(case, &good[..good.len() - 40])
        }),
        Attack::refused("more signatures than anybody reads", "signatures-unreadable", |case| {
            let good = fs::read(beside(Path::new(&case.ground.statement("to-candidate")))).unwrap();
            beside_it(case, &good.repeat(9))
        }),
        Attack::refused("a key of another algorithm", "signatures-unreadable", |case| {
            let key = case.file("ecdsa");
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", "ecdsa", "-N", "", "-f"]).arg(&key);
            assert!(make.status().unwrap().success());
            let statement = fs::read(case.ground.statement("to-candidate")).unwrap();
            beside_it(case, &sign_with(&key, UPGRADE, &statement))
        }),
    ]
}

fn forms() -> Vec<Attack> {
    let unreadable = "authorization-unreadable";
    vec![
        Attack::refused("no JSON", unreadable, |case| bytes(case, b"please")),
        Attack::refused("an unknown field", unreadable, |case| {
            stating(case, |it| it["force"] = json!(true))
        }),
        Attack::refused("a field that is missing", unreadable, |case| {
            stating(case, |it| drop(it.as_object_mut().unwrap().remove("plan")))
        }),
        Attack::refused("a field that is repeated", unreadable, |case| {
            let twice = replaced(case, "\"id\"", "\"action\": \"upgrade\", \"id\"");
            bytes(case, &twice)
        }),
        Attack::refused("a field that is repeated below", unreadable, |case| {
            let twice = replaced(case, "\"nodes\"", "\"nodes\": [\"x\"], \"nodes\"");
            bytes(case, &twice)
        }),
        Attack::refused("a later type", unreadable, |case| {
            stating(case, |it| it["type"] = json!("femtoclaw.dev/upgrade-authorization/v2"))
        }),
        Attack::refused("for no node", unreadable, |case| {
            stating(case, |it| it["audience"]["nodes"] = json!([]))
        }),
        Attack::refused("from nowhere", unreadable, |case| {
            stating(case, |it| it["from"] = json!(null))
        }),
        Attack::refused("a keyring in its place", unreadable, |case| {
            let keyring = fs::read(case.at("keyring/2.json")).unwrap();
            bytes(case, &keyring)
        }),
        Attack::refused("a release manifest in its place", unreadable, |case| {
            let package = fs::read(case.ground.package("candidate")).unwrap();
            let end = package.windows(2).position(|two| two == b"}\n").unwrap();
            bytes(case, &package[512..end + 2])
        }),
        Attack::refused("a reason that a terminal obeys", unreadable, |case| {
            stating(case, |it| it["reason"] = json!("\u{1b}[2J"))
        }),
    ]
}

fn files() -> Vec<Attack> {
    fn attack(name: &'static str, prepare: fn(&Case<'_>) -> Vec<String>) -> Attack {
        Attack::refused(name, "file-not-read", prepare).exit(1).unrecorded()
    }
    vec![
        attack("a huge authorisation", |case| {
            let path = case.write("huge.json", b"{");
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
            with(case, &path)
        }),
        attack("a pipe as authorisation", |case| {
            pipe(&case.file("pipe"));
            with(case, &text(&case.file("pipe")))
        }),
        attack("a directory as authorisation", |case| with(case, &text(&case.home()))),
        attack("a device as authorisation", |case| with(case, "/dev/zero")),
        attack("a link to itself as authorisation", |case| {
            let path = case.file("loop");
            std::os::unix::fs::symlink(&path, &path).unwrap();
            with(case, &text(&path))
        }),
        attack("no signatures beside it", |case| {
            let statement = fs::read(case.ground.statement("to-candidate")).unwrap();
            with(case, &case.write("alone.json", statement))
        }),
        attack("a pipe instead of signatures", |case| {
            let statement = fs::read(case.ground.statement("to-candidate")).unwrap();
            let path = case.write("statement.json", statement);
            pipe(&beside(Path::new(&path)));
            with(case, &path)
        }),
        attack("an authorisation that nobody may read", |case| {
            let path = case.restated("to-candidate", &BOTH, |_| {});
            let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o0);
            fs::set_permissions(&path, nobody).unwrap();
            case.without_privileges();
            with(case, &path)
        }),
    ]
}

fn meanings() -> Vec<Attack> {
    vec![
        Attack::refused("for another node", "authorization-for-another-node", |case| {
            stating(case, |it| it["audience"]["nodes"] = json!(["node-2"]))
        })
        .then_legitimate(),
        Attack::refused("for all nodes by a pattern", "authorization-for-another-node", |case| {
            stating(case, |it| it["audience"]["nodes"] = json!(["*", "node-", "NODE-1"]))
        }),
        Attack::refused("for a rollback", "authorization-for-another-action", |case| {
            stating(case, |it| {
                it["action"] = json!("rollback");
                it["to"] = it["from"].clone();
            })
        }),
        Attack::refused("for another release", "authorization-for-another-target", |case| {
            case.apply(&case.ground.package("sibling"), &case.ground.statement("to-candidate"))
        }),
        Attack::refused("for a higher epoch", "authorization-for-another-target", |case| {
            stating(case, |it| it["to"]["security_epoch"] = json!(9))
        }),
        Attack::refused("from another state", "authorization-from-changed", |case| {
            stating(case, |it| it["from"]["generation"] = json!(7))
        }),
        Attack::refused("from the same number, altered", "authorization-from-changed", |case| {
            stating(case, |it| it["from"]["manifest"] = it["plan"].clone())
        }),
        Attack::refused("the state has changed since", "authorization-from-changed", |case| {
            case.apply(&case.ground.package("final"), &case.ground.statement("to-candidate"))
        })
        .on(Stage::Confirmed),
        Attack::refused("it was used before", "authorization-used", |case| case.legitimate())
            .on(Stage::Returned),
        Attack::refused("the plan has changed since", "authorization-plan-changed", |case| {
            let more = words(&["--peers-move-together"]);
            [case.legitimate(), more].concat()
        }),
        Attack::refused("a grant that nobody approved", "authorization-plan-changed", |case| {
            let more = words(&["--grant", "*:fs.watch:execute"]);
            [case.legitimate(), more].concat()
        }),
        Attack::refused("a grant that is left out", "authorization-grant-missing", |case| {
            let grant = ["--grant", "*:fs.watch:execute"];
            let (package, written) =
                (case.ground.package("candidate"), text(&case.file("granted.json")));
            let line = ["authorize", "upgrade", "--release", &package, "--output"];
            let line = [&line[..], &[&written], &grant].concat();
            super::ground::done(&case.home(), &line);
            let bytes = fs::read(&written).unwrap();
            let mut statement: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            statement["grants"] = json!([]);
            let statement = statement.to_string();
            let path = case.signed("statement.json", statement.as_bytes(), UPGRADE, &BOTH);
            [with(case, &path), words(&grant)].concat()
        })
        .then_legitimate(),
        Attack::refused("another data policy", "authorization-data-policy", |case| {
            stating(case, |it| it["data_policy"] = json!("preserve"))
        }),
        Attack::refused("by an earlier keyring", "authorization-keyring-epoch", |case| {
            stating(case, |it| it["keyring_epoch"] = json!(1))
        }),
        Attack::refused("a plan that was approved is stale", "stale-plan", |case| {
            let digest = format!("blake3:{}", "0".repeat(64));
            [case.legitimate(), words(&["--plan", &digest])].concat()
        })
        .exit(1)
        .unrecorded(),
        Attack::refused("no package", "release-required", |case| {
            let statement = case.ground.statement("to-candidate");
            words(&["apply", "--target-version", "2.0.0-rc.1", "--authorization", &statement])
        }),
    ]
}

fn times() -> Vec<Attack> {
    fn between(case: &Case<'_>, not_before: &str, not_after: &str) -> Vec<String> {
        stating(case, |it| {
            it["not_before"] = json!(not_before);
            it["not_after"] = json!(not_after);
        })
    }
    vec![
        Attack::refused("its time is over", "authorization-expired", |case| {
            between(case, "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
        })
        .then_legitimate(),
        Attack::refused("its time has not come", "authorization-not-yet-valid", |case| {
            between(case, "2999-01-01T00:00:00Z", "2999-01-02T00:00:00Z")
        }),
        Attack::refused("it holds for a thousand years", "authorization-window", |case| {
            between(case, "2000-01-01T00:00:00Z", "2999-01-02T00:00:00Z")
        }),
        Attack::refused("it ends before it begins", "authorization-window", |case| {
            between(case, "2999-01-02T00:00:00Z", "2000-01-01T00:00:00Z")
        }),
        Attack::refused("the clock is behind the journal", "clock-behind", |case| {
            super::homes::date_the_journal(case, "2040-01-01T00:00:00Z");
            case.legitimate()
        }),
        Attack::refused(
            "the clock is accepted, the time is over",
            "authorization-expired",
            |case| {
                super::homes::date_the_journal(case, "2040-01-01T00:00:00Z");
                [case.legitimate(), words(&["--accept-clock"])].concat()
            },
        ),
    ]
}

/// What is asked for is something else than an upgrade.
fn other_actions() -> Vec<Attack> {
    fn back(case: &Case<'_>, statement: &str) -> Vec<String> {
        let _ = case;
        words(&["rollback", "--authorization", statement])
    }
    fn lost(case: &Case<'_>, more: &[&str]) -> Vec<String> {
        fs::remove_dir_all(case.at("journal")).unwrap();
        [words(&["recover", "--generation", "1"]), words(more)].concat()
    }
    vec![
        Attack::refused("a rollback without authority", "unauthorized", |_| words(&["rollback"]))
            .on(Stage::Confirmed),
        Attack::refused("a rollback in development mode", "development-refused", |_| {
            words(&["rollback", "--development"])
        })
        .on(Stage::Confirmed),
        Attack::refused("a rollback by an upgrade", "authorization-for-another-action", |case| {
            back(case, &case.ground.statement("to-final"))
        })
        .on(Stage::Confirmed),
        Attack::refused("a rollback elsewhere", "authorization-for-another-target", |case| {
            let statement = case.restated("back", &BOTH, |it| it["to"]["generation"] = json!(2));
            back(case, &statement)
        })
        .on(Stage::Confirmed),
        Attack::refused("a rollback that one signed", "not-signed", |case| {
            back(case, &case.restated("back", &["bob"], |_| {}))
        })
        .on(Stage::Confirmed),
        Attack::refused("a collection without authority", "unauthorized", |_| words(&["gc"]))
            .on(Stage::Finished),
        Attack::refused(
            "a collection of something else",
            "authorization-for-another-target",
            |case| {
                let statement =
                    case.restated("collect", &BOTH, |it| it["to"]["generations"] = json!([2]));
                words(&["gc", "--authorization", &statement])
            },
        )
        .on(Stage::Finished),
        Attack::refused("a collection by a rollback", "authorization-for-another-action", |case| {
            let statement = case.restated("back", &BOTH, |_| {});
            words(&["gc", "--authorization", &statement])
        })
        .on(Stage::Finished),
        // Where the journal is lost there is nothing to put a refusal on.
        Attack::refused("a recovery without authority", "unauthorized", |case| lost(case, &[]))
            .unrecorded(),
        Attack::refused("a recovery in development mode", "development-refused", |case| {
            lost(case, &["--development"])
        })
        .unrecorded(),
        Attack::refused("a recovery by an upgrade", "authorization-for-another-action", |case| {
            let statement = case.ground.statement("to-candidate");
            lost(case, &["--authorization", &statement])
        })
        .unrecorded(),
    ]
}
