//! The manifest of a generation, as an explicit recovery reads it: without a journal that vouches for its digest.
//!
//! Whatever the bytes are: what is read is the manifest of the generation that was asked for, it means the same after it is
//! written and read again, and files pass for sealed only if the manifest names exactly them.

use ::rollback::{Generation, Layout, Manifest, VerifyDepth};
use integrity::{Digest, TreeSeal};
use versioning::GenerationNumber;

use crate::scratch::Scratch;
use crate::{Outcome, Verdict, insist, require};

/// The generation that is asked for.
const NUMBER: u64 = 1;

/// The only file of the generation besides its manifest.
pub const SEALED_FILE: (&str, &[u8]) = ("store/records", b"the records\n");

/// What was observed of a manifest that was taken.
#[derive(Debug, Clone)]
struct Observed {
    number: GenerationNumber,
    manifest: Manifest,
    /// The manifest, written and read again.
    read_again: Option<Manifest>,
    /// Whether the files pass for what was sealed.
    passes: bool,
    /// What a seal over the files that are there says.
    there: Digest,
}

/// Hands the bytes to whoever opens a generation.
pub fn run(data: &[u8]) -> Outcome {
    match observe(data) {
        None => Outcome::Refused,
        Some(observed) => insist(judge(&observed)),
    }
}

fn observe(data: &[u8]) -> Option<Observed> {
    let scratch = Scratch::new();
    scratch.write(&format!("generations/{NUMBER}/manifest.json"), data);
    let (name, bytes) = SEALED_FILE;
    scratch.write(&format!("generations/{NUMBER}/{name}"), bytes);
    let layout = Layout::new(scratch.path());
    let generation = Generation::open(&layout, GenerationNumber::new(NUMBER), None).ok()?;
    let manifest = generation.manifest().clone();
    let read_again =
        serde_json::to_vec(&manifest).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let seal = TreeSeal::of_tree(generation.path(), |path| path == "manifest.json").ok()?;
    Some(Observed {
        number: generation.number(),
        manifest,
        read_again,
        passes: generation.verify(VerifyDepth::Content, |_| false).is_ok(),
        there: seal.digest(""),
    })
}

fn judge(observed: &Observed) -> Verdict {
    let Observed { number, manifest, read_again, passes, there } = observed;
    require(*number == GenerationNumber::new(NUMBER), "another generation was opened")?;
    require(manifest.generation == *number, "it is the manifest of another generation")?;
    require(
        read_again.as_ref() == Some(manifest),
        "written and read again, it is another manifest",
    )?;
    // A manifest may name a file and be taken although the file is not as it says; that is for `verify` to say.
    let names_them = manifest.files.digest("") == *there;
    require(!passes || names_them, "files pass that the manifest does not name as they are")?;
    require(
        *passes || !names_them,
        "files do not pass although the manifest names them as they are",
    )?;
    Ok(if *passes { Outcome::Accepted } else { Outcome::Refused })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn a_manifest_passes_and_one_that_names_other_files_does_not() {
        let seed = seeds::manifest(SEALED_FILE.1);
        assert_eq!(run(&seed), Outcome::Accepted, "{}", String::from_utf8_lossy(&seed));
        assert_eq!(run(&seeds::manifest(b"other records\n")), Outcome::Refused);
        assert_eq!(run(b"{}"), Outcome::Refused);
    }

    /// The oracle is shown what a broken library would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let observed = observe(&seeds::manifest(SEALED_FILE.1)).unwrap();
        assert_eq!(judge(&observed), Ok(Outcome::Accepted));
        let mut other = observed.manifest.clone();
        other.format += 1;
        let sabotages = [
            Observed { number: GenerationNumber::new(2), ..observed.clone() },
            Observed { read_again: None, ..observed.clone() },
            Observed { manifest: other, ..observed.clone() },
            Observed { there: Digest::of(b"other"), ..observed.clone() },
            Observed { passes: false, ..observed },
        ];
        for sabotage in sabotages {
            assert!(judge(&sabotage).is_err(), "{sabotage:?}");
        }
    }
}
