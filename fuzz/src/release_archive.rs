//! A release package (FC-UPGRADE-0001 §5, §20, §23).
//!
//! Whatever the bytes are: what is accepted is, byte for byte, what packing its content again writes; what is unpacked is what
//! its manifest names, and nothing else; the package and everything beside it stay as they are; what is refused leaves
//! nothing behind; and nobody is made to ask for memory by a number that a package says.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use integrity::Digest;
use serde_json::Value;
use upgrade::release::{Manifest, Package, pack};

use crate::scratch::Scratch;
use crate::{Outcome, Verdict, insist, memory, require};

const BLOCK_BYTES: usize = 512;

/// The magic word of a header with its version, and where it stands.
const MAGIC: (usize, &[u8]) = (257, b"ustar\x0000");

/// Where the package lies, and where it is unpacked.
const PACKAGE: &str = "package.tar";
const UNPACKED: &str = "unpacked";

/// What lies in a directory, by path: permissions, and bytes if it is a file.
type Listing = BTreeMap<String, (u32, Option<Vec<u8>>)>;

/// What was observed.
#[derive(Debug, Clone)]
struct Observed {
    data: Vec<u8>,
    /// Everything but what was unpacked, before and after.
    outside: [Listing; 2],
    /// What was unpacked, or left behind.
    inside: Listing,
    /// By how much the address space grew.
    memory: u64,
    is_verified: bool,
    is_unpacked: bool,
    accepted: Option<Accepted>,
}

/// What was observed of a package that was taken.
#[derive(Debug, Clone)]
struct Accepted {
    manifest: Manifest,
    packed: Vec<u8>,
    packed_manifest: Manifest,
}

/// Hands the bytes to whoever opens a package.
pub fn run(data: &[u8]) -> Outcome {
    match observe(data) {
        Ok(observed) => insist(judge(&observed)),
        Err(broken) => insist(Err(broken)),
    }
}

fn observe(data: &[u8]) -> Result<Observed, String> {
    let scratch = Scratch::new();
    let path = scratch.write(PACKAGE, data);
    scratch.write("beside/file", b"beside");
    let unpacked = scratch.path().join(UNPACKED);
    let before = list(scratch.path(), UNPACKED);
    let (taken, memory) = memory::grown(|| {
        let package = Package::open(&path).ok()?;
        Some((package.verify().is_ok(), package.unpack(&unpacked).is_ok(), package))
    });
    let inside = list(&unpacked, "");
    let (is_verified, is_unpacked) =
        taken.as_ref().map_or((false, false), |(verified, unpacked, _)| (*verified, *unpacked));
    let accepted = match &taken {
        Some((true, true, package)) => Some(pack_again(package.manifest(), &unpacked)?),
        _ => None,
    };
    let outside = [before, list(scratch.path(), UNPACKED)];
    let data = data.to_vec();
    Ok(Observed { data, outside, inside, memory, is_verified, is_unpacked, accepted })
}

fn pack_again(manifest: &Manifest, unpacked: &Path) -> Result<Accepted, String> {
    let scratch = Scratch::new();
    let output = scratch.path().join(PACKAGE);
    let packed_manifest = pack(manifest.description(), unpacked, &output)
        .map_err(|error| format!("what was unpacked cannot be packed: {error}"))?;
    let packed = std::fs::read(output).map_err(|error| error.to_string())?;
    Ok(Accepted { manifest: manifest.clone(), packed, packed_manifest })
}

/// What lies below a directory, but for one path of it.
fn list(directory: &Path, but: &str) -> Listing {
    let mut found = Listing::new();
    let mut open = vec![String::new()];
    while let Some(below) = open.pop() {
        let Ok(entries) = std::fs::read_dir(directory.join(&below)) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            let Ok(metadata) = entry.metadata() else { continue };
            if path == but {
                continue;
            }
            let bytes = if metadata.is_dir() {
                open.push(format!("{path}/"));
                None
            } else {
                Some(std::fs::read(entry.path()).unwrap_or_default())
            };
            found.insert(path, (metadata.permissions().mode() & 0o7777, bytes));
        }
    }
    found
}

fn judge(observed: &Observed) -> Verdict {
    let Observed { data, outside, inside, memory, is_verified, is_unpacked, accepted } = observed;
    let [before, after] = outside;
    require(before == after, "something beside what is unpacked was changed")?;
    require(
        after.get(PACKAGE).is_some_and(|(_, bytes)| bytes.as_ref() == Some(data)),
        "it was changed",
    )?;
    require(*memory <= memory::BOUND, "memory was asked for by what the package says")?;
    require(is_verified == is_unpacked, "it is verified and not unpacked, or the other way round")?;
    let Some(Accepted { manifest, packed, packed_manifest }) = accepted else {
        require(inside.is_empty(), "it was refused, and something is left of it")?;
        return Ok(Outcome::Refused);
    };
    judge_inside(manifest, inside)?;
    require(
        manifest.artifacts() == packed_manifest.artifacts(),
        "packed again, it has other artifacts",
    )?;
    let same = {
        let (one, other) = (manifest.description(), packed_manifest.description());
        // A number that is no whole one is read to the nearest, and what is printed of it need not be read back the same.
        let offers = has_fraction(&one.offer) || one.offer == other.offer;
        offers
            && (&one.product, &one.versions, one.security_epoch, &one.migrations)
                == (&other.product, &other.versions, other.security_epoch, &other.migrations)
    };
    require(same, "packed again, it states something else")?;
    // The manifest's own spelling is the publisher's; everything else has one.
    let expected = with_manifest(packed, packed_manifest.bytes(), manifest.bytes());
    require(expected.as_ref() == Some(data), "it is accepted, and is not what packing writes")?;
    Ok(Outcome::Accepted)
}

fn judge_inside(manifest: &Manifest, inside: &Listing) -> Result<(), String> {
    let mut rest = inside.clone();
    for artifact in manifest.artifacts() {
        let Some((mode, Some(bytes))) = rest.remove(artifact.path.as_str()) else {
            return Err(format!("{} was not unpacked", artifact.path));
        };
        let expected = if artifact.executable { 0o700 } else { 0o600 };
        require(mode == expected, "a file has other permissions than it should")?;
        let found = (bytes.len() as u64, Digest::of(&bytes));
        require(found == (artifact.size, artifact.digest), "a file has other bytes")?;
    }
    let mut is_private = rest.values().map(|(mode, bytes)| *mode == 0o700 && bytes.is_none());
    require(is_private.all(|private| private), "there is something that the manifest does not name")
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_u64() && !number.is_i64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

/// The same archive with other bytes of its first member.
fn with_manifest(archive: &[u8], old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let rest = archive.get(BLOCK_BYTES + old.len().next_multiple_of(BLOCK_BYTES)..)?;
    let mut bytes = sized(archive.get(..BLOCK_BYTES)?, new.len() as u64);
    bytes.extend_from_slice(new);
    pad(&mut bytes);
    bytes.extend_from_slice(rest);
    Some(bytes)
}

/// A header with this size, and the checksum that goes with it.
fn sized(header: &[u8], size: u64) -> Vec<u8> {
    let mut header = header.to_vec();
    let mut put = |at: usize, bytes: &[u8]| {
        for (to, from) in header.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    };
    put(124, format!("{size:011o}\0").as_bytes());
    put(148, b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    for (to, from) in header.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").as_bytes()) {
        *to = *from;
    }
    header
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
}

/// The same archive, but that the header of one member says another size.
pub(crate) fn claim(archive: &[u8], member: usize, size: u64) -> Vec<u8> {
    let mut bytes = archive.to_vec();
    if let Some(from) = headers(archive).get(member) {
        let range = *from..from + BLOCK_BYTES;
        let header = sized(archive.get(range.clone()).unwrap_or_default(), size);
        bytes.splice(range, header);
    }
    bytes
}

/// Where headers begin, wherever a mutation has moved them.
fn headers(bytes: &[u8]) -> Vec<usize> {
    let (at, magic) = MAGIC;
    let is_header = |from: &usize| {
        bytes.get(from + at..).is_some_and(|rest| rest.starts_with(magic))
            && bytes.get(*from..from + BLOCK_BYTES).is_some()
    };
    (0..bytes.len()).filter(is_header).collect()
}

/// Puts sizes, digests, checksums and padding right around whatever headers and contents there are, so that a mutation gets
/// past them to what lies behind.
pub fn relay(bytes: &[u8]) -> Vec<u8> {
    let places = headers(bytes);
    let ends = places.iter().skip(1).copied().chain([bytes.len()]);
    let mut members: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for (from, end) in places.iter().zip(ends) {
        let header = bytes.get(*from..from + BLOCK_BYTES).unwrap_or_default();
        let content = bytes.get(from + BLOCK_BYTES..end).unwrap_or_default();
        let length = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        members.push((header, content.get(..length).unwrap_or_default().to_vec()));
    }
    if let Some(manifest) = restated(&members)
        && let Some((_, first)) = members.first_mut()
    {
        *first = manifest;
    }
    let mut archive = Vec::new();
    for (header, content) in &members {
        archive.extend(sized(header, content.len() as u64));
        archive.extend_from_slice(content);
        pad(&mut archive);
    }
    if members.is_empty() {
        return bytes.to_vec();
    }
    archive.resize(archive.len() + 2 * BLOCK_BYTES, 0);
    archive
}

/// The manifest, with the sizes and digests of the contents that there are.
fn restated(members: &[(&[u8], Vec<u8>)]) -> Option<Vec<u8>> {
    let mut manifest: Value = serde_json::from_slice(&members.first()?.1).ok()?;
    for artifact in manifest.get_mut("artifacts")?.as_array_mut()? {
        let path = artifact.get("path")?.as_str()?.as_bytes();
        let is_it = |(header, _): &&(&[u8], Vec<u8>)| {
            header.strip_prefix(path).is_some_and(|rest| rest.first() == Some(&0))
        };
        let Some((_, content)) = members.iter().find(is_it) else { continue };
        let artifact = artifact.as_object_mut()?;
        artifact.insert("size".to_owned(), content.len().into());
        artifact.insert("digest".to_owned(), Digest::of(content).to_string().into());
    }
    // In another order than it was written: spellings are the publisher's.
    let mut bytes = serde_json::to_vec_pretty(&manifest).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    fn seed(wanted: &str) -> Vec<u8> {
        seeds::packages().into_iter().find(|(name, _)| *name == wanted).unwrap().1
    }

    #[test]
    fn a_package_is_taken_and_what_is_none_is_refused() {
        for (name, bytes) in seeds::packages() {
            let expected = match name {
                "smallest" | "several" | "other-spelling" => Outcome::Accepted,
                _ => Outcome::Refused,
            };
            assert_eq!(run(&bytes), expected, "{name}");
        }
        assert_eq!(run(b""), Outcome::Refused);
    }

    #[test]
    fn an_altered_content_is_refused_and_is_another_package_once_it_is_put_right() {
        let package = seed("several");
        let text = b"the runtime";
        let at = package.windows(text.len()).position(|found| found == text).unwrap();
        let mut altered = package.clone();
        altered[at] ^= 1;
        assert_eq!(run(&altered), Outcome::Refused);
        assert_eq!(run(&relay(&altered)), Outcome::Accepted);
        assert_eq!(run(&relay(&package)), Outcome::Accepted);
        assert_eq!(relay(b"nothing"), b"nothing");
    }

    /// The oracle is shown what a broken library would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let observed = observe(&seed("several")).unwrap();
        let refused = observe(&seed("truncated")).unwrap();
        assert_eq!(judge(&observed), Ok(Outcome::Accepted));
        assert_eq!(judge(&refused), Ok(Outcome::Refused));
        let inside = |change: &dyn Fn(&mut Listing)| {
            let mut changed = observed.clone();
            change(&mut changed.inside);
            changed
        };
        let other = Package::open(&Scratch::new().write(PACKAGE, &seed("smallest")))
            .unwrap()
            .manifest()
            .clone();
        let accepted = |change: &dyn Fn(&mut Accepted)| {
            let mut changed = observed.clone();
            change(changed.accepted.as_mut().unwrap());
            changed
        };
        let mut outside = observed.clone();
        outside.outside[1].insert("stray".to_owned(), (0o600, Some(Vec::new())));
        let mut changed = observed.clone();
        changed.outside.iter_mut().for_each(|listing| drop(listing.remove(PACKAGE)));
        let runtime = "runtime/femtoclaw";
        let sabotages = [
            outside,
            changed,
            Observed { memory: memory::BOUND + 1, ..observed.clone() },
            Observed { is_verified: false, ..observed.clone() },
            Observed { data: seed("smallest"), ..observed.clone() },
            Observed { inside: observed.inside.clone(), ..refused },
            inside(&|files| drop(files.remove(runtime))),
            inside(&|files| files.get_mut(runtime).unwrap().0 = 0o755),
            inside(&|files| files.get_mut(runtime).unwrap().1 = Some(b"other".to_vec())),
            inside(&|files| drop(files.insert("stray".to_owned(), (0o600, Some(Vec::new()))))),
            accepted(&|accepted| accepted.packed_manifest = other.clone()),
            accepted(&|accepted| *accepted.packed.last_mut().unwrap() = 1),
        ];
        for (number, sabotage) in sabotages.iter().enumerate() {
            assert!(judge(sabotage).is_err(), "sabotage {number}");
        }
    }
}
