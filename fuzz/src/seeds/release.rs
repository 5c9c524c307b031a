//! Seeds of what a release brings: packages, and the manifests of extensions.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use upgrade::release::{Description, pack};

use super::Named;
use crate::release_archive::{claim, relay};
use crate::scratch::Scratch;

/// The largest size that a header can say: eight gigabytes but one byte.
const LARGEST_SIZE: u64 = (1 << 33) - 1;

/// Packages, and what is none.
pub fn packages() -> Vec<Named> {
    let smallest = package(&[("runtime/femtoclaw", b"x")]);
    let several = package(&[
        ("runtime/femtoclaw", b"the runtime"),
        ("configuration/schema.json", b"{}\n"),
        ("capabilities/set.json", b"{}\n"),
        ("extensions/weather/scripts/run.sh", b"#!/bin/sh\n"),
        ("artifacts/empty", b""),
    ]);
    // What is put right has its fields in another order: the same package in another spelling.
    let other_spelling = relay(&several);
    let text = String::from_utf8_lossy(&several).into_owned();
    // Paths are ASCII, and so is everything else here: replaced by something of the same length, nothing moves.
    let leading = text.replace("artifacts/empty", "artifacts/../..");
    let truncated = several.get(..several.len().saturating_sub(512)).unwrap_or_default().to_vec();
    vec![
        ("claims-much", claim(&several, 0, LARGEST_SIZE)),
        ("claims-much-behind", claim(&several, 1, LARGEST_SIZE)),
        ("leads-elsewhere", relay(leading.as_bytes())),
        ("other-spelling", other_spelling),
        ("several", several),
        ("smallest", smallest),
        ("truncated", truncated),
    ]
}

fn package(files: &[(&str, &[u8])]) -> Vec<u8> {
    let write = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let scratch = Scratch::new();
        for (path, bytes) in files {
            let place = scratch.write(&format!("tree/{path}"), bytes);
            let executable = path.starts_with("runtime/") || path.contains("/scripts/");
            let mode = if executable { 0o700 } else { 0o600 };
            std::fs::set_permissions(place, PermissionsExt::from_mode(mode))?;
        }
        let description: Value = json!({
            "runtime": "2.0.0", "storage": 3, "configuration": 2,
            "protocol": {"major": 2, "minor": 0}, "capabilities": 2, "extensions": 2,
        });
        let description = Description {
            product: "femtoclaw".to_owned(),
            versions: serde_json::from_value(description)?,
            security_epoch: 3,
            offer: json!({"from": [">=1.0.3"]}),
            migrations: Vec::new(),
        };
        let output = scratch.path().join("package.tar");
        pack(&description, &scratch.path().join("tree"), &output)?;
        Ok(std::fs::read(output)?)
    };
    match write() {
        Ok(bytes) => bytes,
        Err(error) => panic!("cannot pack a release: {error}"),
    }
}

/// Manifests of extensions, and what is none.
pub fn extension_manifests() -> Vec<Named> {
    let texts = [
        ("smallest", "---\nname: a\nversion: 1.0.0\n---\n"),
        (
            "everything",
            "---\nname: weather\nversion: 1.2.3-rc.1+build\ndescription: >\n  folded\n  text\nauthor: The \"Weather\" Company\n\
             license: MIT\ntags: [a, 'b c', \"d\\u00e9\"]\nrepository: https://example.com/x\nfemtoclaw: \">=1.0.0, <3\"\n\
             runtime:\n  kind: python\n  version: \">=3.10\"\npermissions:\n  - network\n  - fs.read\nenvironment:\n  \
             - name: API_KEY\n    required: true\n    description: the key\ncommands:\n  - name: now\n    description: |\n      \
             lines\n      ---\n    args:\n      - {name: city, type: string, required: true, default: Oslo}\ncolour: green\n\
             ---\n\n# Weather\n\n---\n\nText.\n",
        ),
        (
            "misshapen",
            "---\nname: b\nversion: 0.0.1\nfemtoclaw: [1, 2]\nruntime: wasm\npermissions: {root: true}\ntags: x\n---\n",
        ),
        ("dangerous", "---\nname: ../../etc\nversion: 1.0.0\n---\n"),
        ("aliases", "---\nname: &a c\nversion: 1.0.0\ntags: [*a, *a]\n---\n"),
        ("tabs", "---\nname: d\nversion: 1.0.0\nruntime:\n\tkind: wasm\n---\n"),
        ("line-ends", "---\r\nname: e\r\nversion: 1.0.0\r\n---\r\n"),
    ];
    texts.map(|(name, text)| (name, text.as_bytes().to_vec())).to_vec()
}
