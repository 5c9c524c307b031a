//! Attacks by what is given as a release.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use upgrade::Digest;

use super::ground::{Case, RELEASE, Stage, UPGRADE, beside, text};
use super::{Attack, Leaves};

/// The package, with what everybody has signed for the candidate.
fn with(case: &Case<'_>, package: &str) -> Vec<String> {
    case.apply(package, &case.ground.statement("to-candidate"))
}

/// The candidate, with these signatures.
fn signed_by(case: &Case<'_>, namespace: &str, who: &[&str]) -> Vec<String> {
    let good = case.ground.package("candidate");
    let package = upgrade::release::Package::open(Path::new(&good)).unwrap();
    let path = case.file("candidate.tar");
    fs::copy(good, &path).unwrap();
    let sign = |who: &&str| case.ground.sign(who, namespace, package.manifest_bytes());
    let signatures: Vec<u8> = who.iter().flat_map(sign).collect();
    fs::write(beside(&path), signatures).unwrap();
    with(case, &text(&path))
}

/// Where the content of the runtime begins: the script's first line, of which there is one.
fn runtime(bytes: &[u8]) -> usize {
    bytes.windows(9).position(|part| part == b"#!/bin/sh").unwrap()
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = signatures();
    attacks.extend(archives());
    attacks.extend(files());
    attacks.extend(mixed());
    attacks.extend(downgrades());
    attacks
}

fn signatures() -> Vec<Attack> {
    vec![
        Attack::refused("an unsigned package", "release-unsigned", |case| {
            let path = case.file("unsigned.tar");
            fs::copy(case.ground.package("candidate"), &path).unwrap();
            with(case, &text(&path))
        })
        .then_legitimate(),
        Attack::refused("a package that an operator signed", "signer-without-role", |case| {
            signed_by(case, RELEASE, &["alice"])
        }),
        Attack::refused("a package that a stranger signed", "signer-unknown", |case| {
            signed_by(case, RELEASE, &["mallory"])
        }),
        Attack::refused("a package that an expired key signed", "signer-expired", |case| {
            signed_by(case, RELEASE, &["eve"])
        }),
        Attack::refused("a package that a revoked key signed", "signer-revoked", |case| {
            signed_by(case, RELEASE, &["carol"])
        }),
        Attack::refused(
            "a package in another namespace",
            "signature-for-another-purpose",
            |case| signed_by(case, UPGRADE, &["acme"]),
        ),
        Attack::refused(
            "the signature of another release",
            "signature-of-another-content",
            |case| {
                let path = case.file("candidate.tar");
                fs::copy(case.ground.package("candidate"), &path).unwrap();
                fs::copy(beside(Path::new(&case.ground.package("final"))), beside(&path)).unwrap();
                with(case, &text(&path))
            },
        ),
        Attack::refused(
            "the package's signature named apart",
            "signature-of-another-content",
            |case| {
                let signature = text(&beside(Path::new(&case.ground.package("final"))));
                let line = ["--release-signature".to_owned(), signature];
                [case.legitimate(), line.to_vec()].concat()
            },
        ),
        Attack::refused(
            "a letter instead of the package's signature",
            "signatures-unreadable",
            |case| {
                let path = case.file("candidate.tar");
                fs::copy(case.ground.package("candidate"), &path).unwrap();
                fs::write(beside(&path), "It is ours. Acme\n").unwrap();
                with(case, &text(&path))
            },
        ),
    ]
}

fn archives() -> Vec<Attack> {
    fn attack(
        name: &'static str,
        error: &'static str,
        prepare: fn(&Case<'_>) -> Vec<String>,
    ) -> Attack {
        Attack::refused(name, error, prepare).exit(6)
    }
    vec![
        attack("a package that is cut in half", "release-truncated", |case| {
            let package = case.repackaged(|bytes| bytes.truncate(bytes.len() / 2));
            with(case, &package)
        })
        .then_legitimate(),
        attack("a package without its last block", "release-truncated", |case| {
            let package = case.repackaged(|bytes| bytes.truncate(bytes.len() - 512));
            with(case, &package)
        }),
        attack("an empty package", "release-truncated", |case| {
            let package = case.repackaged(Vec::clear);
            with(case, &package)
        }),
        attack("a package that goes on", "release-extended", |case| {
            let package = case.repackaged(|bytes| bytes.extend([0; 512]));
            with(case, &package)
        }),
        attack("two packages in one", "release-extended", |case| {
            let package = case.repackaged(|bytes| bytes.extend(bytes.clone()));
            with(case, &package)
        }),
        attack("a runtime with another byte", "release-content-differs", |case| {
            let package = case.repackaged(|bytes| {
                let at = runtime(bytes);
                bytes[at + 12] ^= 1;
            });
            with(case, &package)
        })
        .then_legitimate(),
        attack("the runtime of another release", "release-content-differs", |case| {
            // Both are of the same size, and both were signed: each with its own manifest.
            let other = case.packed(|directory, _| {
                let script = "#!/bin/sh\necho femtoclaw 6.6.6-rc.1\n";
                fs::write(directory.join("runtime/femtoclaw"), script).unwrap();
            });
            let other = fs::read(other).unwrap();
            let (from, length) = (runtime(&other), 36);
            let package = case.repackaged(|bytes| {
                let at = runtime(bytes);
                bytes[at..at + length].copy_from_slice(&other[from..from + length]);
            });
            with(case, &package)
        }),
        attack("padding with something in it", "release-archive-malformed", |case| {
            let package = case.repackaged(|bytes| {
                let at = runtime(bytes) + 400;
                bytes[at] = b'!';
            });
            with(case, &package)
        }),
        attack("a compressed package", "release-archive-malformed", |case| {
            let path = case.file("candidate.tar");
            fs::copy(case.ground.package("candidate"), &path).unwrap();
            assert!(Command::new("gzip").arg(&path).status().unwrap().success());
            with(case, &text(&case.file("candidate.tar.gz")))
        }),
        attack("a manifest with another byte", "release-manifest-malformed", |case| {
            let package = case.repackaged(|bytes| bytes[512] = b'[');
            with(case, &package)
        }),
        // It is whole, and another release than the one that was approved.
        Attack::refused(
            "a manifest with another epoch",
            "authorization-for-another-target",
            |case| {
                let package = case.repackaged(|bytes| {
                    let epoch = b"\"security_epoch\": 3";
                    let at = bytes.windows(epoch.len()).position(|part| part == epoch).unwrap();
                    bytes[at + epoch.len() - 1] = b'4';
                });
                with(case, &package)
            },
        ),
        Attack::refused(
            "a manifest with another epoch, approved",
            "signature-of-another-content",
            |case| {
                let package = case.repackaged(|bytes| {
                    let epoch = b"\"security_epoch\": 3";
                    let at = bytes.windows(epoch.len()).position(|part| part == epoch).unwrap();
                    bytes[at + epoch.len() - 1] = b'4';
                });
                case.apply(&package, &case.authorized(&package))
            },
        ),
        Attack::refused(
            "swapped after it was approved",
            "authorization-for-another-target",
            |case| {
                let path = case.file("release.tar");
                fs::copy(case.ground.package("candidate"), &path).unwrap();
                fs::copy(beside(Path::new(&case.ground.package("candidate"))), beside(&path))
                    .unwrap();
                let statement = case.authorized(&text(&path));
                let sibling = case.ground.package("sibling");
                fs::copy(&sibling, &path).unwrap();
                fs::copy(beside(Path::new(&sibling)), beside(&path)).unwrap();
                case.apply(&text(&path), &statement)
            },
        ),
        Attack::refused("another runtime, signed", "authorization-for-another-target", |case| {
            let package = case.packed(|directory, _| {
                fs::write(directory.join("runtime/femtoclaw"), "#!/bin/sh\nevil\n").unwrap();
            });
            with(case, &package)
        }),
    ]
}

fn files() -> Vec<Attack> {
    fn attack(name: &'static str, prepare: fn(&Case<'_>) -> Vec<String>) -> Attack {
        Attack::refused(name, "release-not-a-file", prepare).exit(6)
    }
    vec![
        attack("a link as package", |case| {
            let path = case.file("link.tar");
            std::os::unix::fs::symlink(case.ground.package("candidate"), &path).unwrap();
            with(case, &text(&path))
        }),
        attack("a directory as package", |case| with(case, &text(&case.home()))),
        attack("a pipe as package", |case| {
            assert!(Command::new("mkfifo").arg(case.file("pipe")).status().unwrap().success());
            with(case, &text(&case.file("pipe")))
        }),
        attack("a device as package", |case| with(case, "/dev/zero")),
        Attack::refused("a package without end", "release-too-large", |case| {
            let path = case.write("huge.tar", b"");
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
            with(case, &path)
        })
        .exit(6),
        Attack::refused("no package at that path", "release-not-read", |case| {
            with(case, &text(&case.file("missing.tar")))
        })
        .exit(1),
        Attack::refused("a pipe instead of the package's signature", "file-not-read", |case| {
            let path = case.file("candidate.tar");
            fs::copy(case.ground.package("candidate"), &path).unwrap();
            assert!(Command::new("mkfifo").arg(beside(&path)).status().unwrap().success());
            with(case, &text(&path))
        })
        .exit(1)
        .unrecorded(),
    ]
}

/// Signed by the publisher, and not what this command would carry out.
fn mixed() -> Vec<Attack> {
    fn attack(name: &'static str, prepare: fn(&Case<'_>) -> Vec<String>) -> Attack {
        Attack::refused(name, "incompatible", prepare).exit(3).unrecorded()
    }
    vec![
        attack("a package of another product", |case| {
            let package = case.packed(|_, description| description.product = "other".to_owned());
            with(case, &package)
        })
        .then_legitimate(),
        attack("a package with other versions", |case| {
            let package = case.packed(|_, description| {
                description.versions.storage = versioning::SchemaVersion::new(3);
            });
            with(case, &package)
        }),
        attack("a package with another offer", |case| {
            let package = case.packed(|_, description| description.offer = json!({}));
            with(case, &package)
        }),
        attack("a package with another migration", |case| {
            let package = case.packed(|_, description| {
                description.migrations[0].fingerprint = Digest::of(b"another step");
            });
            with(case, &package)
        }),
        attack("a package without migrations", |case| {
            let package = case.packed(|_, description| description.migrations.clear());
            with(case, &package)
        }),
        attack("a package with another schema", |case| {
            let package = case.packed(|directory, _| {
                let schemas = fs::read_dir(directory.join("configuration")).unwrap();
                for schema in schemas.map(Result::unwrap) {
                    fs::write(schema.path(), "{}").unwrap();
                }
            });
            with(case, &package)
        }),
        attack("a package with other capabilities", |case| {
            let package = case.packed(|directory, _| {
                fs::write(directory.join("capabilities/set.json"), "[]").unwrap();
            });
            with(case, &package)
        }),
        attack("a package without capabilities", |case| {
            let package = case.packed(|directory, _| {
                fs::remove_dir_all(directory.join("capabilities")).unwrap();
            });
            with(case, &package)
        }),
        attack("a package with an extension more", |case| {
            let package = case.packed(|directory, _| {
                fs::create_dir_all(directory.join("extensions/evil")).unwrap();
                fs::write(directory.join("extensions/evil/run.sh"), "evil").unwrap();
            });
            with(case, &package)
        }),
        attack("a package that is not the version asked for", |case| {
            let more = ["--target-version".to_owned(), "2.1.0".to_owned()];
            [case.legitimate(), more.to_vec()].concat()
        }),
        attack("the same version, in another order", |case| {
            case.apply(&case.ground.package("candidate"), &case.ground.statement("to-final"))
                .into_iter()
                .chain(["--target-version".to_owned(), "1.0.0".to_owned()])
                .collect()
        })
        .on(Stage::Confirmed),
    ]
}

fn downgrades() -> Vec<Attack> {
    vec![
        Attack::refused("a release of an earlier security epoch", "below-security-floor", |case| {
            case.apply(&case.ground.package("weak"), &case.ground.statement("to-weak"))
        })
        .on(Stage::Confirmed),
        Attack {
            leaves: Leaves::Nothing,
            ..Attack::refused("a release of an earlier version", "incompatible", |case| {
                case.apply(&case.ground.package("candidate"), &case.ground.statement("collect"))
            })
            .exit(3)
            .on(Stage::Finished)
        },
    ]
}
