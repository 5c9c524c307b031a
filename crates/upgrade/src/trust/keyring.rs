//! The keyring of a home: its files, and the record that makes an epoch the one that counts.
//!
//! An epoch lies in `keyring/<epoch>.json`, and those who signed it in `keyring/<epoch>.json.sig`. A file by itself means
//! nothing: the record `KEYRING` in the journal names the epoch and the digest of its bytes. So an earlier epoch that is put
//! in its place is found out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use authorization::{Keyring, MAXIMUM_KEYRING_BYTES, MAXIMUM_SIGNATURE_BYTES, Role, Signatures};
use integrity::Digest;
use journal::{Event, Operation};
use rollback::{Generation, Layout};
use versioning::Timestamp;

use super::admit::on_record;
use crate::error::{Cause, Error, Result};
use crate::lifecycle::{HomeState, KeyringState};
use crate::package::{RELEASE_MANIFEST, RELEASE_SIGNATURES};
use crate::{Home, HomeView};

/// The longest name of a node, in bytes.
pub(super) const MAXIMUM_NODE_BYTES: usize = authorization::MAXIMUM_NODE_BYTES;

/// The file that keeps the home's name where the journal may be lost.
pub(super) const NODE_FILE: &str = "node";

/// An epoch that is to be installed.
#[derive(Debug, Clone)]
pub struct KeyringProposal {
    /// Its document.
    pub keyring: Keyring,
    /// Who signed it.
    pub signatures: Signatures,
    /// What the home is to be called in the audience of an authorisation; for the first epoch only, and needed there.
    pub node: Option<String>,
    /// Signatures of releases that are to count beside those that came with them: for generations whose publishers are
    /// revoked.
    pub release_signatures: Vec<Signatures>,
}

/// The keyring of a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledKeyring {
    /// The epoch that counts.
    pub keyring: Keyring,
    /// What the home is called in the audience of an authorisation.
    pub node: String,
}

impl HomeView<'_> {
    /// The keyring that counts; none if there is none.
    ///
    /// # Errors
    /// [`Cause::KeyringAltered`] if it is not the one that is on record.
    pub fn keyring(&self) -> Result<Option<InstalledKeyring>> {
        let found = read_keyring(&self.layout, &self.state);
        let found = found.map_err(|cause| Error::new(cause, self.unchanged()))?;
        Ok(found.map(|(keyring, node)| InstalledKeyring { keyring, node }))
    }
}

impl Home<'_> {
    /// Installs an epoch of the keyring: the first, which trusts itself, or the one after the present one, which the keyring
    /// thresholds of both must have signed. From then on nothing goes without a signature.
    ///
    /// # Errors
    /// [`Cause::KeyringRefused`], [`Cause::KeyringWouldOrphan`], [`Cause::InvalidNode`]; or what a file operation or
    /// appending to the journal says. Then the present epoch counts as before.
    pub fn install_keyring(&mut self, proposal: &KeyringProposal) -> Result<u64> {
        let checked = self.check_proposal(proposal);
        let (node, signers) =
            checked.map_err(|cause| self.refuse(Operation::Keyring, None, cause))?;
        let (epoch, digest) = (proposal.keyring.epoch(), proposal.keyring.digest());
        self.write_keyring(proposal, &node).map_err(|cause| Error::new(cause, self.unchanged()))?;
        let operator = self.environment.operator.to_owned();
        let event =
            Event::Keyring { epoch, keyring: digest, node: node.clone(), operator, signers };
        let installed = KeyringState { epoch, digest, node };
        if let Err(cause) = self.note(event) {
            self.conclude(cause, |state| state.keyring.as_ref() == Some(&installed))?;
        }
        Ok(epoch)
    }

    /// Whether a proposal may be installed, under which name, and who signed it.
    fn check_proposal(
        &self,
        proposal: &KeyringProposal,
    ) -> std::result::Result<(String, Vec<journal::Signer>), Cause> {
        let court = self.court()?;
        let refused = |reason| Cause::KeyringRefused(Box::new(reason));
        let (node, approvals) = match &court.keyring {
            None => {
                let node = proposal.node.clone().filter(|node| is_node(node));
                let node = node.ok_or(Cause::InvalidNode)?;
                let first = proposal.keyring.verify_first(&proposal.signatures, court.time());
                (node, first.map_err(refused)?)
            }
            Some((present, node)) => {
                let next = &proposal.keyring;
                let next = present.verify_next(next, &proposal.signatures, court.time());
                let next = next.map_err(refused)?;
                if proposal.node.as_ref().is_some_and(|named| named != node) {
                    return Err(Cause::InvalidNode);
                }
                (node.clone(), next)
            }
        };
        self.check_orphans(proposal)?;
        let all: BTreeSet<_> = approvals.before.into_iter().chain(approvals.own).collect();
        let all: Vec<_> = all.into_iter().collect();
        Ok((node, on_record(&all)))
    }

    /// Nobody may be left with a generation that they cannot start or go back to because its publisher was revoked: the
    /// current one and the one that a rollback leads to must be signed by somebody who still counts.
    fn check_orphans(&self, proposal: &KeyringProposal) -> std::result::Result<(), Cause> {
        let target = self.state.rollback_target().map(|(number, _)| number);
        for number in self.state.current.into_iter().chain(target) {
            let Some(state) = self.state.generations.get(&number) else { continue };
            if state.release.is_none() {
                continue;
            }
            let generation = Generation::open(&self.layout, number, state.manifest)?;
            // Keys may have expired since; that they were revoked is what matters here.
            let when = state.activated.unwrap_or(Timestamp::EPOCH);
            if !self.is_signed_still(&generation, proposal, when)? {
                return Err(Cause::KeyringWouldOrphan { generation: number });
            }
        }
        Ok(())
    }

    fn is_signed_still(
        &self,
        generation: &Generation,
        proposal: &KeyringProposal,
        when: Timestamp,
    ) -> std::result::Result<bool, Cause> {
        let manifest = generation.read_sealed(RELEASE_MANIFEST)?;
        let mut found = Vec::new();
        if generation.manifest().files.get(RELEASE_SIGNATURES).is_some() {
            found.extend(Signatures::parse(&generation.read_sealed(RELEASE_SIGNATURES)?).ok());
        }
        let later = self.layout.keyrings().join(release_signatures(&Digest::of(&manifest)));
        found.extend(
            read_bounded(&later, MAXIMUM_SIGNATURE_BYTES)?
                .and_then(|bytes| Signatures::parse(&bytes).ok()),
        );
        found.extend(proposal.release_signatures.iter().cloned());
        let counts = |signatures: &Signatures| {
            proposal.keyring.verify(Role::Publisher, &manifest, signatures, when).is_ok()
        };
        Ok(found.iter().any(counts))
    }

    /// Writes what the record will name. Until that is on record nobody looks at it.
    fn write_keyring(
        &self,
        proposal: &KeyringProposal,
        node: &str,
    ) -> std::result::Result<(), Cause> {
        let directory = self.layout.keyrings();
        if !durable::is_directory(&directory)? {
            durable::create_directory(&directory)?;
            durable::sync_directory(self.layout.root())?;
        }
        let document = format!("{}.json", proposal.keyring.epoch());
        // The signatures first: where there is a document, they are there as well.
        let mut files = vec![
            (format!("{document}.sig"), proposal.signatures.to_bytes()),
            (document, proposal.keyring.to_bytes()),
            (NODE_FILE.to_owned(), node.as_bytes().to_vec()),
        ];
        files.extend(self.release_signatures_to_keep(proposal));
        Ok(durable::replace_files(&directory, &files)?)
    }

    /// The signatures that were given for generations whose publishers are revoked, by the name of their file.
    fn release_signatures_to_keep(&self, proposal: &KeyringProposal) -> BTreeMap<String, Vec<u8>> {
        let mut kept = BTreeMap::new();
        for (number, state) in &self.state.generations {
            let Some(release) = state.release else { continue };
            let generation = Generation::open(&self.layout, *number, state.manifest);
            let Ok(manifest) = generation.and_then(|found| found.read_sealed(RELEASE_MANIFEST))
            else {
                continue;
            };
            let when = state.activated.unwrap_or(Timestamp::EPOCH);
            let counts = |signatures: &&Signatures| {
                proposal.keyring.verify(Role::Publisher, &manifest, signatures, when).is_ok()
            };
            if let Some(signatures) = proposal.release_signatures.iter().find(counts) {
                kept.insert(release_signatures(&release.manifest), signatures.to_bytes());
            }
        }
        kept
    }
}

pub(super) fn is_node(node: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@".contains(&byte);
    !node.is_empty() && node.len() <= MAXIMUM_NODE_BYTES && node.bytes().all(plain)
}

/// The document of an epoch, and its signatures.
pub(super) fn files_of(layout: &Layout, epoch: u64) -> (PathBuf, PathBuf) {
    let directory = layout.keyrings();
    (directory.join(format!("{epoch}.json")), directory.join(format!("{epoch}.json.sig")))
}

/// The name of the file that keeps signatures of a release which came later than the release.
fn release_signatures(release: &Digest) -> String {
    format!("{}.sig", release.to_string().replace(':', "-"))
}

/// The keyring that is on record, and what it calls the home.
///
/// # Errors
/// [`Cause::KeyringAltered`] if it is gone, or another one lies in its place.
pub(crate) fn read_keyring(
    layout: &Layout,
    state: &HomeState,
) -> std::result::Result<Option<(Keyring, String)>, Cause> {
    let Some(KeyringState { epoch, digest, node }) = &state.keyring else { return Ok(None) };
    let (path, _) = files_of(layout, *epoch);
    let altered = |what: String| Cause::KeyringAltered { path: path.clone(), what };
    let Some(bytes) = read_bounded(&path, MAXIMUM_KEYRING_BYTES)? else {
        return Err(altered("the keyring is gone".to_owned()));
    };
    let found = Digest::of(&bytes);
    if found != *digest {
        return Err(altered(format!("the keyring was installed as {digest} and is now {found}")));
    }
    let keyring = Keyring::parse(&bytes).map_err(|error| altered(error.to_string()))?;
    Ok(Some((keyring, node.clone())))
}

/// A small file; none if it is not there.
pub(super) fn read_bounded(
    path: &Path,
    most: usize,
) -> std::result::Result<Option<Vec<u8>>, Cause> {
    match durable::read_plain(path, most as u64) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error)
            if error.is_planted() || error.source.kind() == std::io::ErrorKind::FileTooLarge =>
        {
            let what = error.source.to_string();
            Err(Cause::KeyringAltered { path: path.to_path_buf(), what })
        }
        Err(error) => Err(error.into()),
    }
}
