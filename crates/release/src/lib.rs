//! Release packages: everything that an upgrade brings, in one deterministic file (FC-UPGRADE-0001 §5, §20, §23).
//!
//! A package is a plain POSIX ustar archive. Its first member is the manifest, `release.json`; the artifacts follow in byte
//! order of their paths. There is one spelling of everything: no owner, no time, mode 0600 or 0700, no directories, zeros as
//! padding, exactly two blocks of zeros at the end. So **the same input makes the same bytes**, and a reader does not
//! interpret headers: it compares each with the one that packing would have written for the manifest's entry. Only if a header
//! differs is it looked into, to say how. `tar` reads such a file, and makes it byte for byte.
//!
//! There is no compression, on purpose: sizes and digests are checked while streaming, one artifact is read without the
//! others, no archive is larger than it looks, and no decoder written in C reads what nobody has vouched for yet. Transports
//! compress.
//!
//! A package knows nothing of signatures. The **identity of a release** is the digest of its manifest's literal bytes
//! ([`Manifest::digest`]); what is signed are these bytes, and the signature lies in a file beside the package. The manifest
//! names every artifact with its size and digest, so who trusts the manifest trusts the package once it is verified.
//!
//! What is promised of hostile packages:
//! - Nothing is allocated, written or skipped by a size that was not held against a bound first.
//! - [`Package::open`] refuses every archive that is not, up to the contents of artifacts, what [`pack`] would have written
//!   for its manifest: links, devices, extensions, names that lead elsewhere, repeated, missing or unknown members, bytes
//!   behind the end. [`Package::verify`] refuses every content that is not what the manifest says.
//! - The file is opened once and read through that handle only: swapping the file at its path changes nothing. Bytes that
//!   change within the file are found by their digests, each time that they are read.
//!
//! ```
//! use release::{Description, Package, pack};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::os::unix::fs::PermissionsExt;
//! # let scratch = tempfile::tempdir()?;
//! let (tree, file) = (scratch.path().join("tree"), scratch.path().join("femtoclaw-2.0.0.tar"));
//! std::fs::create_dir_all(tree.join("runtime"))?;
//! std::fs::write(tree.join("runtime/femtoclaw"), b"the runtime")?;
//! std::fs::set_permissions(tree.join("runtime/femtoclaw"), PermissionsExt::from_mode(0o755))?;
//! let description = Description {
//!     product: "femtoclaw".to_owned(),
//!     versions: serde_json::from_value(serde_json::json!({
//!         "runtime": "2.0.0", "storage": 3, "configuration": 2,
//!         "protocol": {"major": 2, "minor": 0}, "capabilities": 2, "extensions": 2,
//!     }))?,
//!     security_epoch: 3,
//!     offer: serde_json::json!({}),
//!     migrations: Vec::new(),
//! };
//! let written = pack(&description, &tree, &file)?;
//!
//! let package = Package::open(&file)?;
//! package.verify()?;
//! assert_eq!(package.digest(), written.digest());
//! package.unpack(&scratch.path().join("unpacked"))?;
//! assert_eq!(std::fs::read(scratch.path().join("unpacked/runtime/femtoclaw"))?, b"the runtime");
//! # Ok(())
//! # }
//! ```

mod error;
mod file;
mod header;
mod json;
mod manifest;
mod pack;
mod package;
mod path;
mod unpack;

pub use error::{Error, FileKind, ManifestFault, MemberFault, Result};
pub use manifest::{
    Artifact, Description, MANIFEST_NAME, MANIFEST_TYPE, MAXIMUM_ARTIFACT_BYTES, MAXIMUM_ARTIFACTS,
    MAXIMUM_CONTENT_BYTES, MAXIMUM_DEPTH, MAXIMUM_MANIFEST_BYTES, MAXIMUM_MIGRATIONS,
    MAXIMUM_NAME_BYTES, MAXIMUM_VALUES, Manifest, Migration,
};
pub use pack::pack;
pub use package::{MAXIMUM_PACKAGE_BYTES, Package};
pub use path::{ArtifactPath, InvalidPath, MAXIMUM_PATH_BYTES, PathRule, Role};
