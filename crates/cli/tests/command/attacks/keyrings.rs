//! Attacks on who may authorise.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use upgrade::Digest;

use super::ground::{Case, Ground, KEYRING, RELEASE, Stage, UPGRADE, done, text};
use super::{Attack, snapshot};

/// The third epoch: the second one after a change, signed by these.
fn next(case: &Case<'_>, signers: &[&str], change: impl FnOnce(&mut Value)) -> Vec<String> {
    let second = fs::read(case.at("keyring/2.json")).unwrap();
    let mut epoch: Value = serde_json::from_slice(&second).unwrap();
    epoch["epoch"] = json!(3);
    epoch["previous"] = json!(Digest::of(&second));
    change(&mut epoch);
    let draft = case.signed("epoch.json", epoch.to_string().as_bytes(), KEYRING, signers);
    install(&draft)
}

fn install(draft: &str) -> Vec<String> {
    ["keyring", "install", draft].map(str::to_owned).into()
}

/// Somebody's line, with the key of somebody else.
fn line_with_key(case: &Case<'_>, line: &str, who: &str) -> Value {
    let public = fs::read_to_string(format!("{}.pub", case.ground.key(who).display())).unwrap();
    let key = public.split(' ').nth(1).unwrap();
    let at = line.split(' ').position(|word| word == "ssh-ed25519").unwrap();
    let mut words: Vec<&str> = line.split(' ').take(at + 2).collect();
    words[at + 1] = key;
    json!(words.join(" "))
}

/// Gives the keyring to Nina, in Alice's place.
fn to_nina(case: &Case<'_>, epoch: &mut Value) {
    let line = epoch["allowed_signers"][0].as_str().unwrap().to_owned();
    epoch["allowed_signers"][0] = line_with_key(case, &line, "nina");
}

/// `keyring init` by a stranger, who takes all roles.
fn init(case: &Case<'_>, node: &str) -> Vec<String> {
    let (key, public) =
        (case.ground.key("mallory"), format!("{}.pub", case.ground.key("mallory").display()));
    let signer = format!("mallory={public}:publisher,operator,keyring");
    ["keyring", "init", "--node", node, "--signer", &signer, "--sign-with", &text(&key)]
        .map(str::to_owned)
        .into()
}

fn revoke(case: &Case<'_>, who: &str) -> Vec<String> {
    let (key, alice) = (case.ground.fingerprint(who), text(&case.ground.key("alice")));
    ["keyring", "revoke", "--key", &key, "--sign-with", &alice].map(str::to_owned).into()
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = epochs();
    attacks.extend(orphans());
    attacks.extend(files());
    attacks
}

fn epochs() -> Vec<Attack> {
    vec![
        Attack::refused("a second first keyring", "keyring-epoch", |case| init(case, "node-1"))
            .then_legitimate(),
        Attack::refused("a second first keyring, renamed", "keyring-epoch", |case| {
            init(case, "mine")
        }),
        Attack::refused("a keyring that skips an epoch", "keyring-epoch", |case| {
            next(case, &["alice"], |epoch| epoch["epoch"] = json!(4))
        }),
        Attack::refused("the present keyring again", "keyring-epoch", |case| {
            let present = fs::read(case.at("keyring/2.json")).unwrap();
            install(&case.signed("epoch.json", &present, KEYRING, &["alice"]))
        }),
        Attack::refused("a keyring of another history", "keyring-of-another-history", |case| {
            next(case, &["alice"], |epoch| epoch["previous"] = json!(Digest::of(b"another")))
        }),
        Attack::refused("a revocation taken back", "keyring-takes-revocation-back", |case| {
            next(case, &["alice"], |epoch| epoch["revoked"] = json!([]))
        })
        .then_legitimate(),
        Attack::refused(
            "a keyring that its new keys sign",
            "keyring-not-signed-by-present",
            |case| next(case, &["nina"], |epoch| to_nina(case, epoch)),
        ),
        Attack::refused(
            "a keyring that the old keys sign",
            "keyring-not-signed-by-itself",
            |case| next(case, &["alice"], |epoch| to_nina(case, epoch)),
        ),
        Attack::refused(
            "a keyring that a stranger signs",
            "keyring-not-signed-by-present",
            |case| next(case, &["mallory"], |_| {}),
        ),
        Attack::refused(
            "a keyring that an operator signs",
            "keyring-not-signed-by-present",
            |case| next(case, &["bob"], |epoch| epoch["thresholds"]["operator"] = json!(1)),
        ),
        Attack::refused(
            "a keyring that was signed as an authorisation",
            "keyring-not-signed-by-present",
            |case| {
                let second = fs::read(case.at("keyring/2.json")).unwrap();
                let mut epoch: Value = serde_json::from_slice(&second).unwrap();
                epoch["epoch"] = json!(3);
                epoch["previous"] = json!(Digest::of(&second));
                install(&case.signed(
                    "epoch.json",
                    epoch.to_string().as_bytes(),
                    UPGRADE,
                    &["alice"],
                ))
            },
        ),
        Attack::refused("another name for the home", "node-invalid", |case| {
            [next(case, &["alice"], |_| {}), ["--node", "mine"].map(str::to_owned).into()].concat()
        }),
        Attack::refused("a keyring with an unknown field", "keyring-unusable", |case| {
            next(case, &["alice"], |epoch| epoch["trust"] = json!("me"))
        })
        .exit(1)
        .unrecorded(),
        Attack::refused("a threshold of nobody", "keyring-unusable", |case| {
            next(case, &["alice"], |epoch| epoch["thresholds"]["operator"] = json!(0))
        })
        .exit(1)
        .unrecorded(),
        Attack::refused("one key for two people", "keyring-unusable", |case| {
            next(case, &["alice"], |epoch| {
                let line = epoch["allowed_signers"][2].as_str().unwrap().to_owned();
                epoch["allowed_signers"][2] = line_with_key(case, &line, "alice");
            })
        })
        .exit(1)
        .unrecorded(),
    ]
}

fn orphans() -> Vec<Attack> {
    vec![
        Attack::refused("the current release is left to nobody", "keyring-would-orphan", |case| {
            revoke(case, "acme")
        })
        .on(Stage::Confirmed),
        Attack::refused(
            "the current release is left to a stranger",
            "keyring-would-orphan",
            |case| {
                let signature = resigned(case, "mallory");
                [revoke(case, "acme"), ["--release-signature".to_owned(), signature].into()]
                    .concat()
            },
        )
        .on(Stage::Confirmed),
    ]
}

/// The candidate's manifest as somebody else signs it.
fn resigned(case: &Case<'_>, who: &str) -> String {
    let manifest = fs::read(case.at("generations/2/runtime/release.json")).unwrap();
    case.write("again.sig", case.ground.sign(who, RELEASE, &manifest))
}

/// The files of the keyring in the home.
fn files() -> Vec<Attack> {
    fn altered(name: &'static str, prepare: fn(&Case<'_>)) -> Attack {
        // A table of functions: what is prepared is told by the name.
        let mut attack = Attack::refused(name, "keyring-altered", |case| case.legitimate());
        attack.before = Some(prepare);
        attack.exit(6).unrecorded()
    }
    vec![
        altered("the keyring is rolled back", |case| {
            fs::copy(case.at("keyring/1.json"), case.at("keyring/2.json")).unwrap();
            fs::copy(case.at("keyring/1.json.sig"), case.at("keyring/2.json.sig")).unwrap();
        }),
        altered("the keyring is edited", |case| {
            let path = case.at("keyring/2.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains("\"operator\": 2"), "{text}");
            fs::write(path, text.replace("\"operator\": 2", "\"operator\": 1")).unwrap();
        }),
        altered("the keyring is deleted", |case| {
            fs::remove_file(case.at("keyring/2.json")).unwrap();
        }),
        altered("all keyrings are deleted", |case| {
            fs::remove_dir_all(case.at("keyring")).unwrap();
        }),
        altered("the keyring is a link", |case| {
            let (path, elsewhere) = (case.at("keyring/2.json"), case.file("elsewhere.json"));
            fs::copy(&path, &elsewhere).unwrap();
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(elsewhere, path).unwrap();
        }),
        altered("the keyring is a pipe", |case| {
            let path = case.at("keyring/2.json");
            fs::remove_file(&path).unwrap();
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        }),
        altered("the keyring is a directory", |case| {
            let path = case.at("keyring/2.json");
            fs::remove_file(&path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        altered("the keyring is huge", |case| {
            let file = fs::OpenOptions::new().write(true).open(case.at("keyring/2.json"));
            file.unwrap().set_len(1 << 20).unwrap();
        }),
    ]
}

/// A publisher may be revoked whose release somebody else has signed since; and the home goes on to work.
pub(super) fn what_is_signed_anew_may_be_revoked(ground: &Ground) {
    let case = Case::new(ground, Stage::Confirmed);
    let (signature, line) = (resigned(&case, "apex"), revoke(&case, "acme"));
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let installed = done(&case.home(), &[&line[..], &["--release-signature", &signature]].concat());
    assert_eq!(installed["epoch"], 3);
    done(&case.home(), &["verify"]);
    // What was signed before is signed for the keyring before.
    let before = snapshot(&case.home());
    let output = case.run(&case.apply(&ground.package("final"), &ground.statement("to-final")));
    assert_eq!(output.unwrap().status.code(), Some(5));
    assert_eq!(snapshot(&case.home()), before);
    let back = text(&case.file("back.json"));
    let (alice, bob) = (text(&ground.key("alice")), text(&ground.key("bob")));
    let authorize = ["authorize", "rollback", "--output", &back];
    done(&case.home(), &[&authorize[..], &["--sign-with", &alice, "--sign-with", &bob]].concat());
    done(&case.home(), &["rollback", "--authorization", &back]);
}
