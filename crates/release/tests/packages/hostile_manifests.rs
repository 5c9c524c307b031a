//! Attacks by the manifest.

use release::{Error, InvalidPath, MAXIMUM_ARTIFACTS, MAXIMUM_MIGRATIONS, ManifestFault, PathRule};
use serde_json::{Value, json};

use super::attacks::{Attack, Noticed, attack};
use super::forge::{Archive, Forged, manifest, named};

/// The good package after a change to its manifest.
fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest = manifest();
    change(&mut manifest);
    Archive::with_manifest(&manifest).bytes()
}

/// The good package after a change to how the manifest names the second artifact.
fn with(field: &str, value: Value) -> Vec<u8> {
    changed(|manifest| manifest["artifacts"][1][field] = value)
}

/// The good package with this piece of its manifest's text replaced.
fn respelled(from: &str, to: &str) -> Vec<u8> {
    let text = serde_json::to_string(&manifest()).unwrap();
    assert!(text.contains(from), "{from}");
    Archive::with_text(text.replacen(from, to, 1)).bytes()
}

/// A manifest with these artifacts.
fn naming_text(artifacts: impl IntoIterator<Item = Value>) -> String {
    let mut manifest = manifest();
    manifest["artifacts"] = artifacts.into_iter().collect();
    manifest.to_string()
}

/// The good package with these artifacts, which are not there, in its manifest.
fn naming(artifacts: impl IntoIterator<Item = Value>) -> Vec<u8> {
    Archive::with_text(naming_text(artifacts)).bytes()
}

/// A runtime and these paths.
fn paths(paths: &[&str]) -> Vec<u8> {
    let mut all = paths.to_vec();
    all.push("runtime/femtoclaw");
    naming(all.into_iter().map(|path| named(path, true, b"")))
}

macro_rules! fault {
    ($fault:ident) => {
        Error::Manifest(ManifestFault::$fault { .. })
    };
}

macro_rules! rule {
    ($rule:ident) => {
        Error::Manifest(ManifestFault::Path(InvalidPath { rule: PathRule::$rule, .. }))
    };
}

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = texts();
    attacks.extend(fields());
    attacks.extend(bounds());
    attacks.extend(trees());
    attacks
}

fn texts() -> Vec<Attack> {
    let text = |text: &[u8]| Archive::with_text(text).bytes();
    let good = serde_json::to_vec(&manifest()).unwrap();
    let utf16: Vec<u8> = good.iter().flat_map(|byte| [*byte, 0]).collect();
    let offer = |value: &str| respelled(r#""offer":{"#, &format!(r#""offer":{{"x":{value},"#));
    vec![
        attack!("manifest of no bytes", text(b""), fault!(Syntax)),
        attack!("manifest of zeros", text(&[0; 100]), fault!(Syntax)),
        attack!("manifest that is a list", text(b"[]"), fault!(Syntax)),
        attack!("manifest that is cut", text(&good[..good.len() - 1]), fault!(Syntax)),
        attack!(
            "something behind the manifest",
            text(&[&good[..], b"{}"].concat()),
            fault!(Syntax)
        ),
        attack!("manifest in UTF-16", text(&utf16), fault!(Syntax)),
        attack!("byte order mark", text(&[b"\xef\xbb\xbf", &good[..]].concat()), fault!(Syntax)),
        attack!("text that is not UTF-8", text(b"{\"type\":\"\xff\"}"), fault!(Syntax)),
        attack!("half of a surrogate", offer(r#""\ud800""#), fault!(Syntax)),
        attack!("number beyond all bounds", offer("1e999"), fault!(Syntax)),
        attack!("a comment", respelled("{", "{/**/"), fault!(Syntax)),
        attack!("lists in lists", text("[".repeat(2_000_000).as_bytes()), fault!(TooDeep)),
        attack!(
            "deep offer",
            offer(&format!("{}1{}", "[".repeat(100), "]".repeat(100))),
            fault!(TooDeep)
        ),
        attack!("deep objects in the offer", offer(&"{\"a\":".repeat(100_000)), fault!(TooDeep)),
        attack!(
            "offer of many values",
            offer(&format!("[{}0]", "0,".repeat(100_000))),
            fault!(TooManyValues)
        ),
        attack!(
            "a field twice",
            respelled(r#""product":"#, r#""product":"evil","product":"#),
            fault!(RepeatedField)
        ),
        attack!(
            "a field twice, escaped",
            respelled(r#""product":"#, r#""\u0070roduct":"evil","product":"#),
            fault!(RepeatedField)
        ),
        attack!(
            "an artifact's field twice",
            respelled(r#""size":"#, r#""size":0,"size":"#),
            fault!(RepeatedField)
        ),
        attack!("an offer's field twice", offer(r#"1,"y":{"z":1,"z":2}"#), fault!(RepeatedField)),
    ]
}

fn fields() -> Vec<Attack> {
    let top = |field: &str, value: Value| changed(|manifest| manifest[field] = value);
    let unnamed = |field: &str| {
        changed(|manifest| drop(manifest.as_object_mut().and_then(|all| all.remove(field))))
    };
    let migration =
        |field: &str, value: Value| changed(|manifest| manifest["migrations"][0][field] = value);
    vec![
        attack!("a later type", top("type", json!("femtoclaw.dev/release/v2")), fault!(OtherType)),
        attack!(
            "a type that a terminal obeys",
            top("type", json!("\u{1b}[2J".repeat(1000))),
            fault!(OtherType)
        ),
        attack!(
            "an authorization",
            top("type", json!("femtoclaw.dev/upgrade-authorization/v1")),
            fault!(OtherType)
        ),
        attack!("no type", unnamed("type"), fault!(Syntax)),
        attack!("no offer", unnamed("offer"), fault!(Syntax)),
        attack!("no security epoch", unnamed("security_epoch"), fault!(Syntax)),
        attack!("an unknown field", top("grants", json!([])), fault!(Syntax)),
        attack!(
            "an unknown field with a terminal's command",
            top("\u{1b}[2J", json!(1)),
            fault!(Syntax)
        ),
        attack!("an artifact's unknown field", with("mode", json!("04755")), fault!(Syntax)),
        attack!("a migration's unknown field", migration("script", json!("rm")), fault!(Syntax)),
        attack!(
            "a version's unknown field",
            changed(|m| m["versions"]["kernel"] = json!(1)),
            fault!(Syntax)
        ),
        attack!(
            "a version that is none",
            changed(|m| m["versions"]["runtime"] = json!("latest")),
            fault!(Syntax)
        ),
        attack!("a negative epoch", top("security_epoch", json!(-1)), fault!(Syntax)),
        attack!(
            "an epoch beyond 64 bits",
            respelled(r#""security_epoch":3"#, r#""security_epoch":18446744073709551616"#),
            fault!(Syntax)
        ),
        attack!("a product without a name", top("product", json!("")), fault!(Name)),
        attack!("a product with a line break", top("product", json!("femtoclaw\n")), fault!(Name)),
        attack!("a product with a long name", top("product", json!("f".repeat(129))), fault!(Name)),
        attack!(
            "a migration with a foreign name",
            migration("name", json!("two\u{202e}three")),
            fault!(Name)
        ),
        attack!(
            "a fingerprint of another kind",
            migration("fingerprint", json!("sha256:00")),
            fault!(Syntax)
        ),
        attack!(
            "a digest in capitals",
            with("digest", json!(format!("blake3:{}", "A".repeat(64)))),
            fault!(Syntax)
        ),
        attack!("an unknown role", with("role", json!("kernel")), fault!(Syntax)),
        attack!("a role of another directory", with("role", json!("runtime")), fault!(Role)),
        attack!("executable as a number", with("executable", json!(1)), fault!(Syntax)),
        Attack {
            name: "digest of another content",
            bytes: with("digest", named("artifacts/x", false, b"x")["digest"].clone()),
            noticed: Noticed::ByVerifying,
            is_told: |error| matches!(error, Error::ContentDiffers { .. }),
        },
    ]
}

fn bounds() -> Vec<Attack> {
    let many = |count: usize| {
        naming((0..count).map(|number| named(&format!("artifacts/{number:07}"), false, b"")))
    };
    let million =
        naming_text([]).replace("[]", &format!("[{}{{}}]", "{\"size\":1},".repeat(999_999)));
    let step = manifest()["migrations"][0].clone();
    let large = |path: &str| {
        let mut named = named(path, true, b"");
        named["size"] = json!(1_u64 << 31);
        named
    };
    vec![
        attack!(
            "an artifact of 2^63 bytes",
            with("size", json!(1_u64 << 63)),
            fault!(ArtifactTooLarge)
        ),
        attack!(
            "an artifact of 2^64 - 1 bytes",
            with("size", json!(u64::MAX)),
            fault!(ArtifactTooLarge)
        ),
        attack!(
            "an artifact of 2^64 bytes",
            respelled(r#""size":12"#, r#""size":18446744073709551616"#),
            fault!(Syntax)
        ),
        attack!("an artifact of less than no bytes", with("size", json!(-1)), fault!(Syntax)),
        attack!("an artifact of half a byte", with("size", json!(0.5)), fault!(Syntax)),
        attack!(
            "an artifact just too large",
            with("size", json!((1_u64 << 31) + 1)),
            fault!(ArtifactTooLarge)
        ),
        attack!(
            "artifacts too large together",
            naming(["artifacts/a", "artifacts/b", "runtime/c"].map(large)),
            fault!(ContentTooLarge)
        ),
        attack!(
            "an artifact larger than the file",
            {
                let manifest = Archive::with_text(naming_text([large("runtime/c")]));
                let claimed = Forged {
                    size: b"20000000000".to_vec(),
                    ..Forged::file("runtime/c", true, b"")
                };
                Archive { members: vec![manifest.members[0].clone(), claimed], ..manifest }.bytes()
            },
            Error::Truncated { .. }
        ),
        attack!("one artifact too many", many(MAXIMUM_ARTIFACTS + 1), fault!(TooManyArtifacts)),
        attack!("a million artifacts", Archive::with_text(million).bytes(), fault!(TooLarge)),
        attack!(
            "one migration too many",
            changed(|manifest| manifest["migrations"] = vec![step; MAXIMUM_MIGRATIONS + 1].into()),
            fault!(TooManyMigrations)
        ),
        attack!(
            "a manifest just too large",
            Archive::with_text(vec![b' '; (4 << 20) + 1]).bytes(),
            fault!(TooLarge)
        ),
    ]
}

fn trees() -> Vec<Attack> {
    vec![
        attack!(
            "path that leads upwards",
            with("path", json!("capabilities/../../x")),
            rule!(Parent)
        ),
        attack!("absolute path", with("path", json!("/etc/passwd")), rule!(Absolute)),
        attack!(
            "path with an empty component",
            with("path", json!("capabilities//x")),
            rule!(EmptyComponent)
        ),
        attack!(
            "path with percents",
            with("path", json!("capabilities/%2e%2e/x")),
            rule!(Character)
        ),
        attack!("path with a zero", with("path", json!("capabilities/x\0y")), rule!(Character)),
        attack!(
            "path with a letter of another alphabet",
            with("path", json!("capabilities/p\u{43e}licy")),
            rule!(Character)
        ),
        attack!(
            "path of 101 bytes",
            with("path", json!(format!("capabilities/{}", "x".repeat(88)))),
            rule!(TooLong)
        ),
        attack!("path without a role", with("path", json!("release.json")), rule!(NoRole)),
        attack!("hidden path", with("path", json!("capabilities/.ssh/x")), rule!(Ends)),
        attack!("a path twice", paths(&["artifacts/a", "artifacts/a"]), fault!(RepeatedPath)),
        attack!("paths out of order", paths(&["artifacts/b", "artifacts/a"]), fault!(OutOfOrder)),
        attack!(
            "files that differ in case",
            paths(&["artifacts/A", "artifacts/a"]),
            fault!(SameButForCase)
        ),
        attack!(
            "directories that differ in case",
            paths(&["artifacts/A/x", "artifacts/M", "artifacts/a/y"]),
            fault!(SameButForCase)
        ),
        attack!(
            "a file and a directory that differ in case",
            paths(&["artifacts/A", "artifacts/M", "artifacts/a/y"]),
            fault!(SameButForCase)
        ),
        attack!(
            "a file that is a directory",
            paths(&["artifacts/a", "artifacts/a-b", "artifacts/a.b", "artifacts/a/b"]),
            fault!(FileAndDirectory)
        ),
        attack!("two runtimes", paths(&["runtime/a"]), fault!(NotOneRuntime)),
        attack!("no runtime", naming([named("artifacts/a", false, b"")]), fault!(NotOneRuntime)),
        attack!("no artifacts", naming([]), fault!(NotOneRuntime)),
        attack!(
            "a runtime that does not run",
            naming([named("runtime/a", false, b"")]),
            fault!(RuntimeNotExecutable)
        ),
    ]
}
