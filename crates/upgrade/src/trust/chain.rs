//! The keyring of a home whose journal is lost: what its own files prove of it.

use authorization::{
    AllowedSigner, Keyring, MAXIMUM_KEYRING_BYTES, MAXIMUM_SIGNATURE_BYTES, Signatures,
};
use rollback::Layout;
use versioning::Timestamp;

use super::keyring::{MAXIMUM_NODE_BYTES, NODE_FILE, files_of, is_node, read_bounded};
use crate::error::Cause;

/// The last epoch of an unbroken chain that begins with the first, as the files have it, each signed by those whom the one
/// before asks for: for when the journal is lost.
///
/// Whoever can take away both the journal and the last epochs can make an earlier one count, or none if they take away all.
/// They cannot make the operators of the last one sign a recovery by it: what is signed names its epoch. And nobody can add
/// an epoch who could not have installed it.
pub(crate) fn keyring_of_files(
    layout: &Layout,
    now: Timestamp,
) -> Result<Option<(Keyring, String)>, Cause> {
    let mut last: Option<Keyring> = None;
    for epoch in 1.. {
        let Some(keyring) = next_of_files(layout, epoch, last.as_ref(), now)? else { break };
        last = Some(keyring);
    }
    require_no_more(layout, last.as_ref().map_or(0, Keyring::epoch))?;
    let Some(keyring) = last else { return Ok(None) };
    let path = layout.keyrings().join(NODE_FILE);
    let node = read_bounded(&path, MAXIMUM_NODE_BYTES)?;
    let node = node.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|node| is_node(node));
    let node = node.ok_or_else(|| {
        let what = "it names no node".to_owned();
        Cause::KeyringAltered { path, what }
    })?;
    Ok(Some((keyring, node)))
}

/// The epoch of this number; none if its file is not there.
fn next_of_files(
    layout: &Layout,
    epoch: u64,
    before: Option<&Keyring>,
    now: Timestamp,
) -> Result<Option<Keyring>, Cause> {
    let (path, beside) = files_of(layout, epoch);
    let Some(bytes) = read_bounded(&path, MAXIMUM_KEYRING_BYTES)? else { return Ok(None) };
    let altered = |what: String| Cause::KeyringAltered { path: path.clone(), what };
    let keyring = Keyring::parse(&bytes).map_err(|error| altered(error.to_string()))?;
    if keyring.epoch() != epoch || keyring.previous() != before.map(Keyring::digest) {
        return Err(altered("it does not continue the epoch before it".to_owned()));
    }
    let signatures = read_bounded(&beside, MAXIMUM_SIGNATURE_BYTES)?;
    let signatures = signatures.and_then(|bytes| Signatures::parse(&bytes).ok());
    let is_signed = |when| match (&signatures, before) {
        (None, _) => false,
        (Some(signatures), None) => keyring.verify_first(signatures, when).is_ok(),
        (Some(signatures), Some(before)) => before.verify_next(&keyring, signatures, when).is_ok(),
    };
    if !moments(before, &keyring, now).any(is_signed) {
        return Err(altered("those who would have to have signed it have not".to_owned()));
    }
    Ok(Some(keyring))
}

/// When an epoch may have been installed, which no file tells: now, or at the edges of the time in which a key is valid.
/// Between two of them nothing changes.
fn moments(
    before: Option<&Keyring>,
    keyring: &Keyring,
    now: Timestamp,
) -> impl Iterator<Item = Timestamp> {
    let lines = before.into_iter().chain([keyring]).flat_map(Keyring::signers);
    let edges = |line: &AllowedSigner| [line.valid_after(), line.valid_before()];
    let edges: Vec<_> = lines.flat_map(edges).flatten().map(|edge| edge.timestamp()).collect();
    [now].into_iter().chain(edges)
}

/// An epoch behind a gap would be passed over.
fn require_no_more(layout: &Layout, last: u64) -> Result<(), Cause> {
    let directory = layout.keyrings();
    if !durable::is_directory(&directory)? {
        return Ok(());
    }
    for entry in durable::walk(&directory)? {
        let number = entry.path.to_str().and_then(|name| name.strip_suffix(".json"));
        let number = number.and_then(|number| number.parse::<u64>().ok());
        if number.is_some_and(|number| number > last) {
            let what = "an epoch before it is gone".to_owned();
            return Err(Cause::KeyringAltered { path: directory.join(entry.path), what });
        }
    }
    Ok(())
}
