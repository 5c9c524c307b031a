//! Keyrings, releases and authorisations as people use them, with the real `ssh-keygen` and the real `ssh-agent`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Scene;

const OPERATOR: &str = "upgrade@femtoclaw.dev";
const KEYRING: &str = "keyring@femtoclaw.dev";

impl Scene {
    pub(crate) fn named(&self, name: &str) -> String {
        self.path().join(name).display().to_string()
    }

    /// A key, and its public half beside it.
    pub(crate) fn key(&self, name: &str) {
        let status = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &self.named(name)])
            .status();
        assert!(status.expect("ssh-keygen (openssh-client) is needed").success());
    }

    pub(crate) fn signer(&self, name: &str, roles: &str) -> String {
        format!("{name}={}:{roles}", self.named(&format!("{name}.pub")))
    }

    /// As the command tells people to.
    pub(crate) fn ssh_sign(&self, name: &str, namespace: &str, file: &str) {
        let line = format!(
            "ssh-keygen -q -Y sign -n {namespace} -f {} < {file} >> {file}.sig",
            self.named(name)
        );
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success(), "{line}");
    }

    /// Packed and signed.
    pub(crate) fn publish(&self, version: &str, epoch: &str, publisher: &str) -> String {
        let directory = self.path().join(format!("release-{version}/runtime"));
        fs::create_dir_all(&directory).unwrap();
        let runtime = directory.join("femtoclaw");
        fs::write(&runtime, format!("#!/bin/sh\necho {version}\n")).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o755)).unwrap();
        let package = self.named(&format!("{version}.tar"));
        let from = self.named(&format!("release-{version}"));
        self.ok(&[
            "release",
            "new",
            "--from",
            &from,
            "--target-version",
            version,
            "--security-epoch",
            epoch,
            "--output",
            &package,
        ]);
        self.ok(&["release", "sign", &package, "--sign-with", &self.named(publisher)]);
        package
    }

    /// Adopted, with a keyring that wants two of three operators.
    pub(crate) fn secured() -> Self {
        let scene = Self::adopted();
        for name in ["alice", "bob", "carol", "acme", "apex"] {
            scene.key(name);
        }
        let installed = scene.ok(&[
            "keyring",
            "init",
            "--node",
            "edge",
            "--threshold",
            "operator=2",
            "--signer",
            &scene.signer("alice", "operator,keyring"),
            "--signer",
            &scene.signer("bob", "operator,keyring"),
            "--signer",
            &scene.signer("acme", "publisher"),
            "--sign-with",
            &scene.named("alice"),
        ]);
        assert_eq!((&installed["epoch"], &installed["node"]), (&1.into(), &"edge".into()));
        scene
    }

    /// Authorised by two, and done.
    pub(crate) fn authorized(&self, what: &[&str], file: &str, act: &[&str]) -> Value {
        let file = self.named(file);
        let (alice, bob) = (self.named("alice"), self.named("bob"));
        let terms = ["--output", &file, "--sign-with", &alice, "--sign-with", &bob];
        self.ok(&[&["authorize"], what, &terms].concat());
        self.ok(&[act, &["--authorization", &file]].concat())
    }

    pub(crate) fn upgrade_signed(&self, package: &str, file: &str) -> Value {
        let release = ["--release", package];
        let what = [&["upgrade"], &release[..]].concat();
        self.authorized(&what, file, &[&["apply"], &release[..]].concat())
    }

    pub(crate) fn fingerprint(&self, name: &str) -> String {
        let shown = Command::new("ssh-keygen").args(["-l", "-f", &self.named(name)]).output();
        let text = String::from_utf8(shown.unwrap().stdout).unwrap();
        text.split_whitespace().nth(1).unwrap().to_owned()
    }
}

/// An agent that holds one key, for as long as this lives.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    fn with(scene: &Scene, key: &str) -> Self {
        let socket = scene.path().join("agent");
        let process = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-agent (openssh-client) is needed");
        let agent = Self { process, socket };
        let until = Instant::now() + Duration::from_secs(10);
        while !agent.socket.exists() {
            assert!(Instant::now() < until, "the agent does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        let added = Command::new("ssh-add")
            .args(["-q", &scene.named(key)])
            .env("SSH_AUTH_SOCK", &agent.socket)
            .status();
        assert!(added.unwrap().success());
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

// trace: test FC-21.1 FC-21.3 FC-23.2
#[test]
fn a_home_with_a_keyring_goes_its_whole_way_signed() {
    let scene = Scene::secured();
    let first = scene.publish("2.0.0", "1", "acme");
    scene.ok(&["release", "verify", &first]);
    let refused = scene.refused(&["apply", "--development", "--release", &first], 5);
    assert_eq!(refused["error"], "development-refused");
    assert_eq!(scene.upgrade_signed(&first, "first")["to"], 2);
    let binary = fs::read_to_string(scene.home().join("generations/2/runtime/runtime")).unwrap();
    assert_eq!(binary, "#!/bin/sh\necho 2.0.0\n");
    // Which release it is, and who published it, can be told from the generation itself, and from the journal.
    let manifest = scene.run(&["release", "inspect", "--manifest", &first]).stdout;
    let place = |name: &str| scene.home().join("generations/2/runtime").join(name);
    assert_eq!(fs::read(place("release.json")).unwrap(), manifest);
    let published = fs::read(format!("{first}.sig")).unwrap();
    assert_eq!(fs::read(place("release.json.sig")).unwrap(), published);
    let prepared = scene
        .lines(&["history"])
        .into_iter()
        .rev()
        .find(|line| line["event"]["type"] == "PREPARED");
    let digest = upgrade::Digest::of(&manifest).to_string();
    assert_eq!(prepared.unwrap()["event"]["release"]["manifest"], digest.as_str());
    scene.ok(&["confirm"]);
    let status = scene.ok(&["status"]);
    assert_eq!(status["keyring"], serde_json::json!({"epoch": 1, "node": "edge"}));
    assert_eq!((&status["security_floor"], &status["development"]), (&1.into(), &false.into()));
    let second = scene.publish("2.1.0", "2", "acme");
    assert_eq!(scene.upgrade_signed(&second, "second")["to"], 3);
    scene.authorized(&["rollback"], "back", &["rollback"]);
    assert_eq!(scene.ok(&["status"])["version"], "2.0.0");
    assert_eq!(scene.ok(&["status"])["security_floor"], 1, "a trial raises nothing");
    let third = scene.upgrade_signed(&second, "third");
    assert_eq!(third["to"], 4);
    scene.ok(&["confirm"]);
    let collected = scene.authorized(&["gc"], "gc", &["gc"]);
    assert_eq!(collected["generations"], serde_json::json!([1]));
    scene.ok(&["verify"]);
    // History survives all of it, with names.
    let records = scene.lines(&["history"]);
    let signed: Vec<&Value> =
        records.iter().filter(|line| line["event"]["authority"] == "signed").collect();
    assert_eq!(signed.len(), 5, "two upgrades, a rollback, an upgrade, a collection");
    for record in signed {
        let signers = record["event"]["signed"]["signers"].as_array().unwrap();
        let names: Vec<&str> =
            signers.iter().map(|signer| signer["principal"].as_str().unwrap()).collect();
        assert_eq!(names, ["alice", "bob"]);
        assert_eq!(signers[0]["key"], scene.fingerprint("alice").as_str());
    }
    assert!(records.iter().any(|line| line["event"]["type"] == "REFUSED"));
    assert!(records.iter().any(|line| line["event"]["type"] == "COLLECTED"));
}

#[test]
fn people_sign_elsewhere_and_through_an_agent() {
    let scene = Scene::secured();
    let package = scene.publish("2.1.0", "0", "acme");
    let file = scene.named("upgrade.json");
    let agent = Agent::with(&scene, "alice");
    let authorize = ["authorize", "upgrade", "--release", &package, "--output", &file, "--json"];
    let mut command = scene.command(&authorize);
    let by_agent = command
        .args(["--agent", &scene.named("alice.pub")])
        .env("SSH_AUTH_SOCK", &agent.socket)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    assert!(by_agent.status.success(), "{}", String::from_utf8_lossy(&by_agent.stderr));
    let apply = ["apply", "--release", &package, "--authorization", &file];
    assert_eq!(scene.refused(&apply, 5)["error"], "not-signed");
    scene.ssh_sign("bob", OPERATOR, &file);
    assert_eq!(scene.ok(&apply)["to"], 2);
}

#[test]
fn a_keyring_is_drafted_signed_by_others_and_installed() {
    let scene = Scene::secured();
    let draft = scene.named("next.json");
    let carol = scene.signer("carol", "operator,keyring");
    scene.ok(&[
        "keyring",
        "add",
        "--signer",
        &carol,
        "--threshold",
        "keyring=2",
        "--draft",
        &draft,
    ]);
    // Two must sign by its own threshold, one of them by the present one.
    scene.ssh_sign("alice", KEYRING, &draft);
    assert_eq!(
        scene.refused(&["keyring", "install", &draft], 5)["error"],
        "keyring-not-signed-by-itself"
    );
    scene.ssh_sign("carol", KEYRING, &draft);
    assert_eq!(scene.ok(&["keyring", "install", &draft])["epoch"], 2);
    assert_eq!(scene.refused(&["keyring", "install", &draft], 5)["error"], "keyring-epoch");
    // A new key takes the place of an old one.
    scene.key("bob2");
    let (old, new) = (scene.fingerprint("bob"), scene.named("bob2.pub"));
    let (alice, carol) = (scene.named("alice"), scene.named("carol"));
    let both = ["--sign-with", &alice, "--sign-with", &carol];
    let rotated =
        scene.ok(&[&["keyring", "rotate", "--key", &old, "--new", &new], &both[..]].concat());
    assert_eq!(rotated["epoch"], 3);
    let shown = scene.ok(&["keyring", "show"]);
    let keys: Vec<&str> = shown["signers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signer| signer["key"].as_str().unwrap())
        .collect();
    assert!(keys.contains(&scene.fingerprint("bob2").as_str()) && !keys.contains(&old.as_str()));
    // What `ssh-keygen` makes of the lines is what the keyring says.
    let lines = scene.run(&["keyring", "show", "--allowed-signers"]).stdout;
    let allowed = scene.named("allowed");
    fs::write(&allowed, lines).unwrap();
    fs::write(scene.named("message"), "message").unwrap();
    scene.ssh_sign("bob2", OPERATOR, &scene.named("message"));
    let verified = |principal: &str| {
        Command::new("ssh-keygen")
            .args(["-q", "-Y", "verify", "-n", OPERATOR, "-f", &allowed, "-I", principal, "-s"])
            .arg(scene.named("message.sig"))
            .stdin(fs::File::open(scene.named("message")).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    };
    assert!(verified("bob") && !verified("alice"));
}

#[test]
fn a_publisher_whose_release_is_needed_is_revoked_only_once_somebody_else_vouches_for_it() {
    let scene = Scene::secured();
    let alice = scene.named("alice");
    let apex = scene.signer("apex", "publisher");
    scene.ok(&["keyring", "add", "--signer", &apex, "--sign-with", &alice]);
    let package = scene.publish("2.1.0", "0", "acme");
    scene.upgrade_signed(&package, "upgrade");
    let key = scene.fingerprint("acme");
    let revoke = ["keyring", "revoke", "--key", &key, "--sign-with", &alice];
    assert_eq!(scene.refused(&revoke, 5)["error"], "keyring-would-orphan");
    // Signed anew, by somebody who goes on to count.
    let anew = scene.named("anew.sig");
    let manifest = scene.run(&["release", "inspect", "--manifest", &package]).stdout;
    fs::write(scene.named("anew"), manifest).unwrap();
    scene.ssh_sign("apex", "release@femtoclaw.dev", &scene.named("anew"));
    let revoked = scene.ok(&[&revoke[..], &["--release-signature", &anew]].concat());
    assert_eq!(revoked["epoch"], 3);
    assert_eq!(scene.ok(&["keyring", "show"])["revoked"], serde_json::json!([key]));
    // The next change of the keyring still finds somebody who vouches for it.
    scene.ok(&[
        "keyring",
        "add",
        "--threshold",
        "keyring=2",
        "--sign-with",
        &alice,
        "--sign-with",
        &scene.named("bob"),
    ]);
    assert_eq!(scene.refused(&["release", "verify", &package], 5)["error"], "signer-revoked");
}

#[test]
fn what_is_printed_for_people_says_what_comes_next() {
    let scene = Scene::adopted();
    let text = |arguments: &[&str]| {
        let output = scene.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["keyring", "show"]).contains("keyring init"));
    assert!(text(&["status"]).contains("development mode alone"));
    scene.key("alice");
    let signer = scene.signer("alice", "operator,keyring,publisher");
    let draft = scene.named("first.json");
    let said = text(&["keyring", "init", "--signer", &signer, "--node", "edge", "--draft", &draft]);
    for part in [&format!("-n {KEYRING}"), "keyring install", "--node edge"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    scene.ssh_sign("alice", KEYRING, &draft);
    text(&["keyring", "install", &draft, "--node", "edge"]);
    assert!(text(&["status"]).contains("keyring 1 of edge, security floor 0"));
    let package = scene.publish("2.1.0", "0", "alice");
    let file = scene.named("upgrade.json");
    let said = text(&["authorize", "upgrade", "--release", &package, "--output", &file]);
    for part in [&format!("-n {OPERATOR}"), "Not signed yet", "edge", "2.1.0"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let inspected = text(&["release", "inspect", &package]);
    assert!(inspected.contains("security epoch") && inspected.contains("runtime/femtoclaw"));
    let again = scene.run(&["authorize", "upgrade", "--release", &package, "--output", &file]);
    assert_eq!(again.status.code(), Some(1), "nothing is written over");
}
