//! The real `ssh-keygen`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use authorization::{Moment, SigningKey};

/// A key that `ssh-keygen` made.
pub(crate) struct Key {
    pub(crate) path: PathBuf,
    pub(crate) ours: SigningKey,
}

pub(crate) struct Tool {
    directory: tempfile::TempDir,
}

/// What `ssh-keygen -Y verify` is asked.
pub(crate) struct Question<'a> {
    /// A name for its files, of its own for each question that may be asked at the same time.
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) allowed_signers: &'a str,
    pub(crate) revoked: &'a str,
    pub(crate) message: &'a [u8],
    pub(crate) signature: &'a [u8],
    pub(crate) now: Moment,
}

/// What it says when it refuses, as opposed to when it could not do its work at all.
const REFUSALS: [&str; 2] = ["Could not verify signature", "Couldn't parse signature"];

impl Tool {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes a key of a type, with a passphrase if it is not empty.
    pub(crate) fn make_key_file(
        &self,
        name: &str,
        arguments: &[&str],
        passphrase: &str,
    ) -> PathBuf {
        let path = self.path(name);
        let file = path.to_str().unwrap();
        let fixed = ["-q", "-C", "made for a test", "-N", passphrase, "-f", file];
        let output = run(&[&fixed, arguments].concat(), b"");
        assert!(output.status.success(), "{output:?}");
        path
    }

    pub(crate) fn make_key(&self, name: &str) -> Key {
        let path = self.make_key_file(name, &["-t", "ed25519"], "");
        let ours = SigningKey::from_openssh(&fs::read(&path).unwrap()).unwrap();
        Key { path, ours }
    }

    /// What `ssh-keygen -Y sign` writes.
    pub(crate) fn sign(&self, key: &Key, namespace: &str, message: &[u8]) -> String {
        sign(&key.path, namespace, &[], message)
    }

    /// Whether `ssh-keygen -Y verify` says that the signature is good.
    pub(crate) fn accepts(&self, question: &Question<'_>) -> bool {
        let write = |what: &str, bytes: &[u8]| {
            let path = self.path(&format!("{}.{what}", question.name));
            fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let signers = write("signers", question.allowed_signers.as_bytes());
        let revoked = write("revoked", question.revoked.as_bytes());
        let signature = write("sig", question.signature);
        let now = format!("-Overify-time={}", question.now);
        let (namespace, principal) = (question.namespace, question.principal);
        let output = run(
            &[
                "-Y", "verify", &now, "-n", namespace, "-I", principal, "-f", &signers, "-s",
                &signature, "-r", &revoked,
            ],
            question.message,
        );
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if output.status.success() {
            assert!(
                said.starts_with(&format!("Good \"{namespace}\" signature for {principal}")),
                "{said}"
            );
        } else {
            assert!(
                REFUSALS.iter().any(|refusal| said.contains(refusal)),
                "{}: {said}",
                question.name
            );
        }
        output.status.success()
    }
}

/// What `ssh-keygen -Y sign` writes.
pub(crate) fn sign(key: &Path, namespace: &str, more: &[&str], message: &[u8]) -> String {
    let fixed = ["-Y", "sign", "-n", namespace, "-f", key.to_str().unwrap()];
    let output = run(&[&fixed, more].concat(), message);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `ssh-keygen`, which must be there, in a time zone that is not UTC.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("ssh-keygen")
        .args(arguments)
        .env("TZ", "ELSEWHERE+7:30")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need ssh-keygen (OpenSSH 9)");
    // It may end before it has read its input, if it refuses what it is asked for another reason.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}
