//! Keyrings, signed releases and signed authorisations: made with keys that everybody can know, and used as anybody would.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use ssh_key::LineEnding;
use ssh_key::private::{Ed25519Keypair, KeypairData, PrivateKey};
use upgrade::authorization::{
    AllowedSigner, AuthorizationId, Keyring, Role, Signatures, SigningKey, Statement, Thresholds,
};
use upgrade::release::{Package, pack};
use upgrade::{
    Authorization, Condition, Digest, Error, HomeView, KeyringProposal, Request, SignedRelease,
    Terms,
};
use versioning::Timestamp;

use super::HOME;
use super::interference::spared;
use super::step::{environment, with_home};

/// What authorisations call the home.
const NODE: &str = "simulated";

/// Of a package.
const BLOCK: usize = 512;

/// What is wrong with an authorisation, or with what comes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is for another home.
    Node,
    /// It was used before.
    Used,
    /// Another plan was approved.
    Plan,
    /// One has signed, and two must; or the same one twice.
    Threshold,
    /// Somebody has signed whom nobody knows.
    Stranger,
    /// Something was changed after it was signed.
    Altered,
    /// Its time is over.
    Expired,
    /// The release is signed by nobody who may.
    Publisher,
    /// The release is of an earlier security epoch than what was confirmed.
    Epoch,
    /// Development mode is asked for.
    Development,
    /// A byte of the package is another one, of what is not placed into a generation.
    Content,
    /// Of the package there are only so many quarters, but for the last byte.
    Truncated(u8),
    /// The clock is behind what is on record.
    Clock,
    /// The same, which is accepted; and by what is on record its time is over.
    Past,
}

impl Wrong {
    /// All of them, but what needs a home that has confirmed something.
    pub(crate) const ALL: [Self; 12] = [
        Self::Node,
        Self::Plan,
        Self::Threshold,
        Self::Stranger,
        Self::Altered,
        Self::Expired,
        Self::Publisher,
        Self::Development,
        Self::Content,
        Self::Truncated(0),
        Self::Truncated(2),
        Self::Truncated(4),
    ];
}

/// Whose key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Alice = 1,
    Bob = 2,
    Publisher = 3,
    Successor = 4,
    Stranger = 5,
    SecondPublisher = 6,
}

impl Who {
    const ALL: [Self; 6] = [
        Self::Alice,
        Self::Bob,
        Self::Publisher,
        Self::Successor,
        Self::Stranger,
        Self::SecondPublisher,
    ];

    fn key(self) -> &'static SigningKey {
        // Made once: nothing about them is random, and every run that meets a fault signs anew.
        static KEYS: LazyLock<[SigningKey; 6]> = LazyLock::new(|| Who::ALL.map(Who::make_key));
        KEYS.get(self as usize - 1).expect("everybody has one")
    }

    fn make_key(self) -> SigningKey {
        let pair = Ed25519Keypair::from_seed(&[self as u8; 32]);
        let key = PrivateKey::new(KeypairData::Ed25519(pair), "simulated").expect("it is a key");
        let text = key.to_openssh(LineEnding::LF).expect("it can be written");
        SigningKey::from_openssh(text.as_bytes()).expect("it can be read")
    }

    fn signer(self, name: &str, roles: &[Role]) -> AllowedSigner {
        let name = name.parse().expect("it is a name");
        let key = self.key().public_key().clone();
        let roles: std::collections::BTreeSet<Role> = roles.iter().copied().collect();
        AllowedSigner::new(name, roles, key).expect("it is a signer")
    }
}

fn sign(role: Role, message: &[u8], who: &[Who]) -> Signatures {
    let sign = |who: &Who| who.key().sign(role, message).expect("it can be signed");
    Signatures::new(who.iter().map(sign).collect()).expect("there are not too many")
}

fn first_keyring() -> Keyring {
    let both = [Role::Operator, Role::Keyring];
    let one = NonZeroU32::MIN;
    let two = NonZeroU32::new(2).unwrap_or(one);
    let thresholds = Thresholds { operator: two, ..Thresholds::all(one) };
    let signers = vec![
        Who::Alice.signer("alice", &both),
        Who::Bob.signer("bob", &both),
        Who::Publisher.signer("publisher", &[Role::Publisher]),
        Who::SecondPublisher.signer("second", &[Role::Publisher]),
    ];
    Keyring::first(thresholds, signers).expect("it is a keyring")
}

/// Installs the first keyring.
pub(super) fn keyring() -> Result<(), Error> {
    let keyring = first_keyring();
    let signatures = sign(Role::Keyring, &keyring.to_bytes(), &[Who::Alice]);
    let node = Some(NODE.to_owned());
    install(KeyringProposal { keyring, signatures, node, release_signatures: Vec::new() })
}

/// What is wrong with the next keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongKeyring {
    /// Only somebody has signed it whom it brings in itself.
    Own,
    /// Only somebody has signed it who is not in it any more.
    Old,
    /// It has another number than the next.
    Epoch,
}

/// Installs the next one, in which somebody has a new key; with something wrong, if that is asked for.
pub(super) fn next_keyring(wrong: Option<WrongKeyring>) -> Result<(), Error> {
    let present = first_keyring();
    let old = Who::Bob.key().public_key().fingerprint();
    let next = present.next().expect("there is a next one");
    let next = next.rotate(old, Who::Successor.key().public_key().clone(), None);
    let mut keyring = next.and_then(|next| next.finish()).expect("it is a keyring");
    if wrong == Some(WrongKeyring::Epoch) {
        let after = keyring.next().and_then(|next| next.finish());
        keyring = after.expect("it is a keyring");
    }
    let who = match wrong {
        Some(WrongKeyring::Own) => Who::Successor,
        Some(WrongKeyring::Old) => Who::Bob,
        _ => Who::Alice,
    };
    let signatures = sign(Role::Keyring, &keyring.to_bytes(), &[who]);
    install(KeyringProposal { keyring, signatures, node: None, release_signatures: Vec::new() })
}

/// Revokes the publisher of a release, for which another vouches from then on.
pub(super) fn revoke_publisher(version: &str) -> Result<(), Error> {
    let package = spared(|| Package::open(Path::new(&package_of(version))));
    let package = package.expect("there is a package");
    let anew = sign(Role::Publisher, package.manifest_bytes(), &[Who::SecondPublisher]);
    let next = first_keyring().next().expect("there is a next one");
    let keyring = next.revoke(Who::Publisher.key().public_key().clone()).finish();
    let keyring = keyring.expect("it is a keyring");
    let signatures = sign(Role::Keyring, &keyring.to_bytes(), &[Who::Alice]);
    install(KeyringProposal { keyring, signatures, node: None, release_signatures: vec![anew] })
}

/// Somebody puts a keyring of their own behind the one that is there.
pub(super) fn forge_keyring() {
    let one = Thresholds::all(NonZeroU32::MIN);
    let stranger =
        Who::Stranger.signer("stranger", &[Role::Operator, Role::Keyring, Role::Publisher]);
    let next = first_keyring().next().expect("there is a next one");
    let forged = next.allow(stranger).thresholds(one).finish().expect("it is a keyring");
    let signatures = sign(Role::Keyring, &forged.to_bytes(), &[Who::Stranger]);
    let write =
        |name: &str, bytes: &[u8]| fs::write(Path::new(HOME).join("keyring").join(name), bytes);
    write("2.json", &forged.to_bytes()).expect("it can be written");
    write("2.json.sig", &signatures.to_bytes()).expect("it can be written");
}

/// The authority that they give themselves, if anybody takes their keyring for one.
pub(super) fn forged_recovery(generation: versioning::GenerationNumber) -> Option<Authorization> {
    let statement =
        upgrade::draft_recovery(Path::new(HOME), generation, environment(), terms(0, None));
    let bytes = statement.ok()?.to_bytes().expect("it can be written");
    let signatures = sign(Role::Operator, &bytes, &[Who::Stranger]).to_bytes();
    Some(Authorization::signed(&bytes, &signatures).expect("it is in its form"))
}

fn install(proposal: KeyringProposal) -> Result<(), Error> {
    with_home(|home| home.install_keyring(&proposal).map(|_| ()))
}

/// Where the package of a release lies.
fn package_of(version: &str) -> String {
    format!("/simulated/release-{version}.tar")
}

/// Packs a release, of this security epoch.
pub(super) fn publish(version: &str, security_epoch: u64) {
    let environment = environment();
    let catalogue = environment.catalogue;
    let release = catalogue.releases().iter().find(|found| found.runtime().to_string() == version);
    let release = release.expect("it is a release");
    let directory = format!("/simulated/release-{version}");
    let act = || -> Result<(), Box<dyn std::error::Error>> {
        let contents = upgrade::package_contents(catalogue, release)?;
        let runtime = fs::read(super::BINARY)?;
        let runtime = upgrade::PackagedFile { bytes: runtime, executable: true };
        let all = contents.into_iter().chain([("runtime/femtoclaw".to_owned(), runtime)]);
        for (path, file) in all {
            let place = Path::new(&directory).join(path);
            fs::create_dir_all(place.parent().unwrap_or(Path::new(&directory)))?;
            fs::write(&place, file.bytes)?;
            let mode = if file.executable { 0o700 } else { 0o600 };
            fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        }
        let description = upgrade::describe_package(catalogue, release, security_epoch)?;
        pack(&description, Path::new(&directory), Path::new(&package_of(version)))?;
        Ok(())
    };
    act().expect("a release is packed");
}

/// Upgrades to a package that is signed, on an authorisation that is signed; with something wrong, if that is asked for.
pub(super) fn upgrade(version: &str, wrong: Option<Wrong>) -> Result<(), Error> {
    let package = spared(|| {
        let altered = match wrong {
            Some(Wrong::Content) => Some(altered_package(version)),
            Some(Wrong::Truncated(quarters)) => Some(truncated_package(version, quarters)),
            _ => None,
        };
        Package::open(Path::new(&altered.unwrap_or_else(|| package_of(version))))
    });
    let package = match (package, wrong) {
        // As the command says it: nobody has looked at the home yet.
        (Err(error), Some(Wrong::Truncated(_))) => {
            return Err(Error::new(error, Condition::Unchanged(None)));
        }
        (package, _) => Arc::new(package.expect("there is a package")),
    };
    let publisher = if wrong == Some(Wrong::Publisher) { Who::Stranger } else { Who::Publisher };
    let signatures = Some(sign(Role::Publisher, package.manifest_bytes(), &[publisher]));
    let release = Some(SignedRelease { package, signatures });
    let request = Request { release, ..Request::default() };
    let view = HomeView::read(Path::new(HOME), environment())?;
    let plan = view.plan(&request)?;
    let authorization = if wrong == Some(Wrong::Development) {
        Authorization::development()
    } else {
        signed(&view.draft_upgrade(&plan, terms(view.records().len() as u64, wrong))?, wrong)
    };
    let authorization =
        if wrong == Some(Wrong::Past) { authorization.accepting_clock() } else { authorization };
    with_home(|home| home.apply(&request, None, Some(authorization), &mut |_| {}).map(|_| ()))
}

/// The same package with another byte in its first artifact, which is none that a generation is built from.
fn altered_package(version: &str) -> String {
    let path = package_of(version);
    let manifest = Package::open(Path::new(&path)).expect("there is a package");
    let manifest = manifest.manifest_bytes().len().next_multiple_of(BLOCK);
    let mut bytes = fs::read(&path).expect("it can be read");
    // Behind the manifest and its header, and the header of the first artifact.
    let byte = bytes.get_mut(BLOCK + manifest + BLOCK).expect("there is an artifact");
    *byte ^= 1;
    let altered = format!("{path}.altered");
    fs::write(&altered, bytes).expect("it can be written");
    altered
}

/// The beginning of the same package.
fn truncated_package(version: &str, quarters: u8) -> String {
    let path = package_of(version);
    let bytes = fs::read(&path).expect("it can be read");
    let kept = (bytes.len() * usize::from(quarters) / 4).saturating_sub(1);
    let truncated = format!("{path}.truncated");
    let bytes = bytes.get(..kept).expect("it is no longer than it was");
    fs::write(&truncated, bytes).expect("it can be written");
    truncated
}

/// Goes back on an authorisation that is signed.
pub(super) fn rollback() -> Result<(), Error> {
    let view = HomeView::read(Path::new(HOME), environment())?;
    let statement = view
        .draft_rollback(upgrade::DataPolicy::SetAside, terms(view.records().len() as u64, None))?;
    let authorization = Some(signed(&statement, None));
    with_home(|home| home.rollback(None, authorization, "simulated", &mut |_| {}).map(|_| ()))
}

/// The authority to make a generation current whose journal is lost; none where there is no keyring.
pub(super) fn recovery(generation: versioning::GenerationNumber) -> Option<Authorization> {
    let home = Path::new(HOME);
    let statement = upgrade::draft_recovery(home, generation, environment(), terms(0, None));
    statement.ok().map(|statement| signed(&statement, None))
}

/// The id is that of the home's state: whoever does the same again means the same.
fn terms(records: u64, wrong: Option<Wrong>) -> Terms {
    let now = environment().clock.now();
    let seconds = |seconds: i128| {
        let time = now.unix_nanoseconds() + seconds * 1_000_000_000;
        Timestamp::from_unix_nanoseconds(time).unwrap_or(now)
    };
    // Whatever else is wrong, the id is a new one.
    let id =
        if wrong == Some(Wrong::Used) { id_of(FIRST_SIGNED, None) } else { id_of(records, wrong) };
    let (from, until) = if wrong == Some(Wrong::Expired) { (-7200, -3600) } else { (0, 3600) };
    Terms {
        id,
        nodes: if wrong == Some(Wrong::Node) { vec!["another".to_owned()] } else { Vec::new() },
        not_before: seconds(from),
        not_after: seconds(until),
        reason: "simulated".to_owned(),
    }
}

/// How many records there are when the first upgrade is authorised: an adoption's five, and the keyring's.
const FIRST_SIGNED: u64 = 6;

fn id_of(records: u64, wrong: Option<Wrong>) -> AuthorizationId {
    let text = Digest::of(format!("{records} {wrong:?}").as_bytes());
    let first = text.as_bytes().first_chunk::<16>();
    AuthorizationId::new(*first.expect("a digest has as many bytes"))
}

fn signed(statement: &Statement, wrong: Option<Wrong>) -> Authorization {
    let mut statement = statement.clone();
    if wrong == Some(Wrong::Plan) {
        statement.plan = Digest::of(b"another plan");
    }
    let bytes = statement.to_bytes().expect("it can be written");
    let who: &[Who] = match wrong {
        Some(Wrong::Threshold) => &[Who::Alice, Who::Alice],
        Some(Wrong::Stranger) => &[Who::Alice, Who::Stranger],
        _ => &[Who::Alice, Who::Bob],
    };
    let signatures = sign(Role::Operator, &bytes, who).to_bytes();
    if wrong == Some(Wrong::Altered) {
        statement.reason = "altered".to_owned();
    }
    let bytes = statement.to_bytes().expect("it can be written");
    Authorization::signed(&bytes, &signatures).expect("it is in its form")
}
