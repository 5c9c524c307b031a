//! An archive written by hand, in which everything can be wrong. It shares no code with the library, so it is also a second
//! opinion on the format.

use integrity::Digest;
use serde_json::{Value, json};

/// One member, every field of its header as it shall be written.
#[derive(Debug, Clone)]
pub(crate) struct Forged {
    pub(crate) name: Vec<u8>,
    pub(crate) prefix: Vec<u8>,
    pub(crate) mode: Vec<u8>,
    pub(crate) user: u32,
    pub(crate) user_name: Vec<u8>,
    pub(crate) group_name: Vec<u8>,
    pub(crate) size: Vec<u8>,
    pub(crate) time: u32,
    pub(crate) kind: u8,
    pub(crate) link: Vec<u8>,
    pub(crate) magic: Vec<u8>,
    pub(crate) device: u32,
    pub(crate) tail: Vec<u8>,
    /// Written instead of the right one.
    pub(crate) checksum: Option<Vec<u8>>,
    pub(crate) content: Vec<u8>,
    pub(crate) padding: u8,
}

impl Forged {
    /// A file as it should be.
    pub(crate) fn file(name: &str, executable: bool, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            prefix: Vec::new(),
            mode: if executable { b"0000700".to_vec() } else { b"0000600".to_vec() },
            user: 0,
            user_name: Vec::new(),
            group_name: Vec::new(),
            size: format!("{:011o}", content.len()).into(),
            time: 0,
            kind: b'0',
            link: Vec::new(),
            magic: b"ustar\x0000".to_vec(),
            device: 0,
            tail: Vec::new(),
            checksum: None,
            content: content.to_vec(),
            padding: 0,
        }
    }

    /// A member of another kind, without content.
    pub(crate) fn kind(kind: u8, name: &str) -> Self {
        Self { kind, ..Self::file(name, false, b"") }
    }

    fn write(&self, archive: &mut Vec<u8>) {
        let start = archive.len();
        archive.resize(start + 512, 0);
        let header = &mut archive[start..];
        let owner = format!("{:07o}", self.user).into_bytes();
        let device = format!("{:07o}", self.device).into_bytes();
        let time = format!("{:011o}", self.time).into_bytes();
        for (at, bytes) in [
            (0, &self.name),
            (100, &self.mode),
            (108, &owner),
            (116, &owner),
            (124, &self.size),
            (136, &time),
            (148, &b"        ".to_vec()),
            (156, &vec![self.kind]),
            (157, &self.link),
            (257, &self.magic),
            (265, &self.user_name),
            (297, &self.group_name),
            (329, &device),
            (337, &device),
            (345, &self.prefix),
            (500, &self.tail),
        ] {
            header[at..at + bytes.len()].copy_from_slice(bytes);
        }
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        let sum = self.checksum.clone().unwrap_or_else(|| format!("{sum:06o}\0 ").into());
        header[148..148 + sum.len()].copy_from_slice(&sum);
        archive.extend(&self.content);
        archive.resize(archive.len().next_multiple_of(512), self.padding);
    }
}

/// A whole archive.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    /// The first is the manifest.
    pub(crate) members: Vec<Forged>,
    pub(crate) end: Vec<u8>,
}

/// The artifacts of the good package: path, whether it is executable, content. Two have the same size.
pub(crate) const ARTIFACTS: [(&str, bool, &[u8]); 6] = [
    ("artifacts/empty", false, b""),
    ("capabilities/policy.json", false, b"{\"allow\":[]}"),
    ("configuration/schema.json", false, b"{\"fields\":[]}"),
    ("extensions/notes/TALON.md", false, b"# Notes, version one\n"),
    ("extensions/notes/run.sh", true, b"#!/bin/sh\necho notes\n"),
    ("runtime/femtoclaw", true, &[0x7f; 700]),
];

/// How the manifest names an artifact.
pub(crate) fn named(path: &str, executable: bool, content: &[u8]) -> Value {
    let role = match path.split('/').next() {
        Some("runtime") => "runtime",
        Some("configuration") => "configuration-schema",
        Some("capabilities") => "capabilities",
        Some("extensions") => "extension",
        _ => "artifact",
    };
    json!({
        "role": role, "path": path, "size": content.len(), "executable": executable,
        "digest": Digest::of(content),
    })
}

/// The manifest of the good package.
pub(crate) fn manifest() -> Value {
    let artifacts: Vec<Value> = ARTIFACTS
        .iter()
        .map(|(path, executable, content)| named(path, *executable, content))
        .collect();
    json!({
        "type": "femtoclaw.dev/release/v1",
        "product": "femtoclaw",
        "versions": {
            "runtime": "2.0.0", "storage": 3, "configuration": 2,
            "protocol": {"major": 2, "minor": 0}, "capabilities": 2, "extensions": 2,
        },
        "security_epoch": 3,
        "offer": {"storage": {"reads": [1, 3]}},
        "migrations": [{"name": "two to three", "from": 2, "to": 3, "fingerprint": Digest::of(b"step")}],
        "artifacts": artifacts,
    })
}

impl Archive {
    /// With this manifest and these members behind it.
    pub(crate) fn new(manifest: &[u8], artifacts: Vec<Forged>) -> Self {
        let mut members = vec![Forged::file("release.json", false, manifest)];
        members.extend(artifacts);
        Self { members, end: vec![0; 1024] }
    }

    /// The good package.
    pub(crate) fn good() -> Self {
        Self::with_manifest(&manifest())
    }

    /// The good package with another manifest.
    pub(crate) fn with_manifest(manifest: &Value) -> Self {
        Self::with_text(serde_json::to_string(manifest).unwrap())
    }

    /// The good package with another manifest, which need not be JSON.
    pub(crate) fn with_text(manifest: impl AsRef<[u8]>) -> Self {
        let files = ARTIFACTS
            .iter()
            .map(|(path, executable, content)| Forged::file(path, *executable, content));
        Self::new(manifest.as_ref(), files.collect())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        for member in &self.members {
            member.write(&mut archive);
        }
        archive.extend(&self.end);
        archive
    }
}
