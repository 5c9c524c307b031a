//! Homes with a keyring, and a clock that can be set. Keys are made by the real `ssh-keygen`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use femtoclaw_catalogue::FemtoClaw;
use femtoclaw_catalogue::sample::{SampleOptions, write_sample_home};
use upgrade::authorization::{
    AllowedSigner, AuthorizationId, Keyring, Role, Signatures, SigningKey, Statement, Thresholds,
};
use upgrade::release::{Description, Package, pack};
use upgrade::{
    AdoptRequest, Applied, Authorization, Booted, Cause, EngineOptions, Environment, Error, Event,
    Home, HomeView, KeyringProposal, NoTelemetry, PackagedFile, Request, SignedRelease, Terms,
};
use versioning::{Clock, GenerationNumber, Timestamp};

/// When the homes are made.
pub(crate) const BEGIN: &str = "2026-06-01T00:00:00Z";
/// What authorisations call the homes.
const NODE: &str = "node-1";
/// Version and security epoch of every package.
const PACKAGES: [(&str, u64); 5] =
    [("2.0.0-rc.1", 3), ("2.0.0", 3), ("2.1.0", 4), ("2.1.0", 2), ("2.0.0-rc.1", 1)];

/// A clock that can be set.
pub(crate) struct SetClock(Cell<Timestamp>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.0.get()
    }
}

/// What all tests start from; made once.
pub(crate) struct Ground {
    directory: tempfile::TempDir,
    keys: BTreeMap<&'static str, SigningKey>,
}

/// Keys, packages, and a home with a keyring: alice and bob must sign together, acme or apex a release.
pub(crate) fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(Ground::new)
}

impl Ground {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let people = ["alice", "bob", "acme", "apex", "mallory"];
        let make = |name| {
            let path = directory.path().join(name);
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path);
            assert!(command.status().unwrap().success());
            (name, SigningKey::from_openssh(&fs::read(path).unwrap()).unwrap())
        };
        let keys = people.map(make).into();
        let ground = Self { directory, keys };
        for (version, epoch) in PACKAGES {
            ground.publish(version, epoch);
        }
        let scene = Scene::at(ground.directory.path().join("secured"));
        scene.adopt();
        scene.install(&ground, &first_keyring(&ground), None, &["alice"]).unwrap();
        ground
    }

    pub(crate) fn key(&self, name: &str) -> &SigningKey {
        &self.keys[name]
    }

    pub(crate) fn sign(&self, role: Role, message: &[u8], who: &[&str]) -> Signatures {
        let sign = |name: &&str| self.key(name).sign(role, message).unwrap();
        Signatures::new(who.iter().map(sign).collect()).unwrap()
    }

    pub(crate) fn package(&self, version: &str, epoch: u64) -> PathBuf {
        self.directory.path().join(format!("{version}-{epoch}.tar"))
    }

    fn publish(&self, version: &str, epoch: u64) {
        self.publish_as(version, epoch, &self.package(version, epoch), |_| {});
    }

    /// Packs a release that states something else than what is known of it.
    pub(crate) fn publish_as(
        &self,
        version: &str,
        epoch: u64,
        package: &Path,
        change: impl FnOnce(&mut Description),
    ) {
        use upgrade::Catalogue;
        let releases = FemtoClaw.releases().iter();
        let release = releases.into_iter().find(|it| it.runtime().to_string() == version).unwrap();
        let directory = self.directory.path().join(format!("{version}-{epoch}"));
        let runtime = format!("#!/bin/sh\necho {version}, {epoch}\n").into_bytes();
        let runtime = PackagedFile { bytes: runtime, executable: true };
        let contents = upgrade::package_contents(&FemtoClaw, release).unwrap();
        for (path, file) in contents.into_iter().chain([("runtime/femtoclaw".to_owned(), runtime)])
        {
            let place = directory.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(&place, file.bytes).unwrap();
            let mode = if file.executable { 0o700 } else { 0o600 };
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(&place, mode).unwrap();
        }
        let mut description = upgrade::describe_package(&FemtoClaw, release, epoch).unwrap();
        change(&mut description);
        pack(&description, &directory, package).unwrap();
    }
}

pub(crate) fn signer(ground: &Ground, name: &str, roles: &[Role]) -> AllowedSigner {
    let roles: BTreeSet<Role> = roles.iter().copied().collect();
    let key = ground.key(name).public_key().clone();
    AllowedSigner::new(name.parse().unwrap(), roles, key).unwrap()
}

fn first_keyring(ground: &Ground) -> Keyring {
    let one = NonZeroU32::MIN;
    let thresholds = Thresholds { operator: NonZeroU32::new(2).unwrap(), ..Thresholds::all(one) };
    let signers = vec![
        signer(ground, "alice", &[Role::Operator, Role::Keyring]),
        signer(ground, "bob", &[Role::Operator]),
        signer(ground, "acme", &[Role::Publisher]),
        signer(ground, "apex", &[Role::Publisher]),
    ];
    Keyring::first(thresholds, signers).unwrap()
}

/// A home, and the clock that it is told.
pub(crate) struct Scene {
    /// Kept for as long as the scene.
    _directory: Option<tempfile::TempDir>,
    home: PathBuf,
    clock: SetClock,
    engine: EngineOptions,
    /// Ids are given out in order.
    ids: Cell<u8>,
}

impl Scene {
    fn at(home: PathBuf) -> Self {
        Self {
            _directory: None,
            home,
            clock: SetClock(Cell::new(BEGIN.parse().unwrap())),
            engine: EngineOptions::default(),
            ids: Cell::new(0),
        }
    }

    /// A home that was adopted, and its first keyring installed.
    pub(crate) fn secured() -> Self {
        let secured = &ground().directory.path().join("secured");
        let directory = tempfile::tempdir().unwrap();
        let scene = Self::at(directory.path().join("home"));
        copy(secured, &scene.home);
        scene.set_clock("2026-06-01T12:00:00Z");
        Self { _directory: Some(directory), ..scene }
    }

    /// Upgraded, started and stopped in good order, and confirmed.
    pub(crate) fn confirmed() -> Self {
        let scene = Self::secured();
        scene.upgrade("2.0.0-rc.1", 3).unwrap();
        scene.run("2.0.0-rc.1");
        scene.confirm();
        scene
    }

    /// The same home as it lies now, in another place.
    pub(crate) fn copied(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let scene = Self::at(directory.path().join("home"));
        copy(&self.home, &scene.home);
        scene.clock.0.set(self.clock.now());
        scene.ids.set(self.ids.get());
        Self { _directory: Some(directory), ..scene }
    }

    fn adopt(&self) {
        let source = self.home.with_extension("installation");
        let options = SampleOptions { records: 10, ..SampleOptions::default() };
        write_sample_home(&source, &options).unwrap();
        let request = AdoptRequest {
            source,
            home: self.home.clone(),
            assumed: None,
            runtime: None,
            lock_timeout: Duration::ZERO,
        };
        upgrade::adopt(&request, self.environment(), &mut NoTelemetry, &mut |_| {}).unwrap();
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn set_clock(&self, time: &str) {
        self.clock.0.set(time.parse().unwrap());
    }

    pub(crate) fn environment(&self) -> Environment<'_> {
        let clock = &self.clock;
        Environment { catalogue: &FemtoClaw, clock, operator: "test", engine: &self.engine }
    }

    pub(crate) fn view(&self) -> HomeView<'_> {
        HomeView::read(&self.home, self.environment()).unwrap()
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Home<'_>) -> T) -> T {
        let mut telemetry = NoTelemetry;
        let home = Home::open(&self.home, self.environment(), &mut telemetry, Duration::ZERO);
        act(&mut home.unwrap())
    }

    /// Terms from now on, for a day.
    pub(crate) fn terms(&self) -> Terms {
        self.ids.set(self.ids.get() + 1);
        let now = self.clock.now();
        let day = now.unix_nanoseconds() + 86_400 * 1_000_000_000;
        Terms {
            id: AuthorizationId::new([self.ids.get(); 16]),
            nodes: Vec::new(),
            not_before: now,
            not_after: Timestamp::from_unix_nanoseconds(day).unwrap(),
            reason: "a test".to_owned(),
        }
    }

    pub(crate) fn request(&self, version: &str, epoch: u64) -> Request {
        request_of(&ground().package(version, epoch))
    }

    /// What everybody who must has signed, for an upgrade as it would be now.
    pub(crate) fn authorize(&self, version: &str, epoch: u64) -> Authorization {
        let (view, request) = (self.view(), self.request(version, epoch));
        let plan = view.plan(&request).unwrap();
        signed(&view.draft_upgrade(&plan, self.terms()).unwrap())
    }

    pub(crate) fn apply(
        &self,
        request: &Request,
        authorization: &Authorization,
    ) -> Result<Option<Applied>, Error> {
        let authorization = Some(authorization.clone());
        self.with(|home| home.apply(request, None, authorization, &mut |_| {}))
    }

    pub(crate) fn upgrade(&self, version: &str, epoch: u64) -> Result<Option<Applied>, Error> {
        self.apply(&self.request(version, epoch), &self.authorize(version, epoch))
    }

    pub(crate) fn rollback(&self) -> Result<(), Error> {
        let statement =
            self.view().draft_rollback(upgrade::DataPolicy::SetAside, self.terms()).unwrap();
        let authorization = Some(signed(&statement));
        self.with(|home| home.rollback(None, authorization, "a test", &mut |_| {})).map(|_| ())
    }

    pub(crate) fn confirm(&self) {
        self.with(|home| home.confirm(home.state().current.unwrap())).unwrap();
    }

    /// Starts the runtime, which opens its store, and stops it in good order.
    pub(crate) fn run(&self, version: &str) {
        let mut telemetry = NoTelemetry;
        let booted = self.boot(version, &mut telemetry).unwrap();
        booted.open_store().unwrap().close().unwrap();
        booted.stop().unwrap();
    }

    pub(crate) fn boot<'e>(
        &'e self,
        version: &str,
        telemetry: &'e mut NoTelemetry,
    ) -> Result<Booted<'e>, Error> {
        let version = version.parse().unwrap();
        upgrade::boot(&self.home, &version, self.environment(), telemetry, Duration::ZERO)
    }

    pub(crate) fn install(
        &self,
        ground: &Ground,
        keyring: &Keyring,
        release_signatures: Option<Signatures>,
        who: &[&str],
    ) -> Result<u64, Error> {
        let proposal = KeyringProposal {
            keyring: keyring.clone(),
            signatures: ground.sign(Role::Keyring, &keyring.to_bytes(), who),
            node: (keyring.epoch() == 1).then(|| NODE.to_owned()),
            release_signatures: release_signatures.into_iter().collect(),
        };
        self.with(|home| home.install_keyring(&proposal))
    }

    pub(crate) fn keyring(&self) -> Keyring {
        self.view().keyring().unwrap().unwrap().keyring
    }

    /// The events on record, by name.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.view().records().iter().map(|record| record.event.name()).collect()
    }

    pub(crate) fn last_event(&self) -> Event {
        self.view().records().last().unwrap().event.clone()
    }

    pub(crate) fn floor(&self) -> u64 {
        self.view().state().security_floor
    }

    /// Holds an error to its name, and to a record that says so.
    pub(crate) fn expect_refusal<T: std::fmt::Debug>(&self, result: Result<T, Error>, name: &str) {
        assert_eq!(result.unwrap_err().name(), name);
        match self.last_event() {
            Event::Refused { error, .. } => assert_eq!(error, name),
            other => panic!("{other:?}"),
        }
    }

    /// The largest file of the store of a generation.
    pub(crate) fn store_file(&self, generation: u64) -> PathBuf {
        let store = self.home.join(format!("generations/{generation}/store"));
        let entries = durable::walk(&store).unwrap().into_iter();
        store.join(entries.max_by_key(|entry| entry.size).unwrap().path)
    }
}

pub(crate) fn request_of(package: &Path) -> Request {
    let package = Arc::new(Package::open(package).unwrap());
    let signatures = ground().sign(Role::Publisher, package.manifest_bytes(), &["acme"]);
    let release = Some(SignedRelease { package, signatures: Some(signatures) });
    Request { release, ..Request::default() }
}

/// As Alice and Bob sign it.
pub(crate) fn signed(statement: &Statement) -> Authorization {
    signed_by(statement, &["alice", "bob"])
}

pub(crate) fn signed_by(statement: &Statement, who: &[&str]) -> Authorization {
    let bytes = statement.to_bytes().unwrap();
    let signatures = ground().sign(Role::Operator, &bytes, who).to_bytes();
    Authorization::signed(&bytes, &signatures).unwrap()
}

pub(crate) fn generation(number: u64) -> GenerationNumber {
    GenerationNumber::new(number)
}

pub(crate) fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// What an error says is altered.
pub(crate) fn told(error: &Error) -> String {
    assert_eq!(error.exit_code(), 6, "{error}");
    assert!(!matches!(error.cause(), Cause::JournalLost { .. }), "{error}");
    error.to_string()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
