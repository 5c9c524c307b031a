//! The manifest of an extension, as 1.0.x took it (FC-UPGRADE-0001 §12).
//!
//! Whatever the bytes are: they say the same every time; what is taken has a name that leads nowhere else and an identity,
//! says the same when it is written down and read again, whatever text follows it, and is no larger than what was read; and
//! what is refused is refused with a line that is there.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use femtoclaw_catalogue::{
    ExtensionManifest, FemtoClaw, ManifestCommand, ManifestError, ManifestParameter,
};
use integrity::{Digest, FileSeal};
use serde_json::{Map, Value, json};
use upgrade::{Catalogue, InstalledExtensions, SealedFiles};
use versioning::RuntimeVersion;

use crate::{Outcome, Verdict, insist, require};

/// Where the manifest lies.
const PLACE: &str = "talons/place/TALON.md";

/// An escape of two bytes stands for a character of three at most; a manifest holds nothing twice.
const MOST_BYTES_A_BYTE: usize = 2;

/// A message quotes what it speaks of, escaped, with a few words around it.
const MOST_BYTES_A_QUOTED_BYTE: usize = 12;
const MOST_BYTES_OF_WORDS: usize = 512;

/// The longest name of a file.
const MAXIMUM_COMPONENT_BYTES: usize = 255;

type Parsed = Result<ExtensionManifest, ManifestError>;
type Installed = Result<InstalledExtensions, Vec<String>>;

/// What was observed.
#[derive(Debug, Clone)]
struct Observed {
    data: Vec<u8>,
    first: Parsed,
    second: Parsed,
    /// With another text behind the front matter.
    with_text: Parsed,
    /// What was read, written down and read again.
    read_again: Option<Parsed>,
    /// As an upgrade sees it, twice.
    installed: [Installed; 2],
}

/// Hands the bytes to whoever reads manifests.
pub fn run(data: &[u8]) -> Outcome {
    insist(judge(&observe(data)))
}

fn observe(data: &[u8]) -> Observed {
    let first = ExtensionManifest::parse(data);
    let read_again = first.as_ref().ok().map(|manifest| ExtensionManifest::parse(&write(manifest)));
    Observed {
        data: data.to_vec(),
        second: ExtensionManifest::parse(data),
        with_text: ExtensionManifest::parse(
            &[data, b"\n# More\n\n---\nname: another\n---\n"].concat(),
        ),
        read_again,
        installed: [install(data), install(data)],
        first,
    }
}

fn install(data: &[u8]) -> Installed {
    let seal = FileSeal { size: data.len() as u64, executable: false, digest: Digest::of(data) };
    let seals = BTreeMap::from([(PLACE.to_owned(), seal)]);
    let none = SealedFiles::new(BTreeMap::new(), |path| Err(format!("there is no {path}")));
    FemtoClaw.extensions(&SealedFiles::new(seals, |_| Ok(data.to_vec())), &none)
}

fn judge(observed: &Observed) -> Verdict {
    let Observed { data, first, second, with_text, read_again, installed } = observed;
    require(first == second, "the same manifest says different things")?;
    let [installed, again] = installed;
    require(installed == again, "the same extension is seen differently")?;
    require(first.is_ok() == installed.is_ok(), "it is read, and cannot be seen, or otherwise")?;
    let manifest = match first {
        Ok(manifest) => manifest,
        Err(error) => return judge_refusal(data, error),
    };
    require(with_text.as_ref() == Ok(manifest), "the text behind it changes what it says")?;
    let same = match read_again {
        Some(Ok(again)) => stated(again) == stated(manifest),
        _ => false,
    };
    require(same, "written down and read again it says something else")?;
    let mut components = Path::new(&manifest.name).components();
    let is_plain = matches!(
        (components.next(), components.next()),
        (Some(Component::Normal(only)), None) if only == manifest.name.as_str()
    );
    let is_short = manifest.name.len() <= MAXIMUM_COMPONENT_BYTES;
    let prints = !manifest.name.contains(char::is_control);
    require(is_plain && is_short && prints, "its name leads elsewhere, or is none")?;
    let version = manifest.version.to_string().parse::<RuntimeVersion>();
    require(version.is_ok(), "its version is none")?;
    require(bytes(manifest) <= data.len() * MOST_BYTES_A_BYTE, "it has become larger")?;
    let extensions = installed.as_ref().map(|found| &found.installed.extensions);
    let only = extensions.ok().and_then(|found| (found.len() == 1).then(|| found.values().next()));
    let Some(Some(extension)) = only else {
        return Err("it is not seen as one extension".to_owned());
    };
    require(extension.identity.valid().is_some(), "it has no identity")?;
    require(extension.version.valid().is_some(), "it is seen with a version that is none")?;
    Ok(Outcome::Accepted)
}

fn judge_refusal(data: &[u8], error: &ManifestError) -> Verdict {
    let lines = data.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    require((1..=lines + 1).contains(&error.line), "it is refused with a line that is not there")?;
    let most = data.len() * MOST_BYTES_A_QUOTED_BYTE + MOST_BYTES_OF_WORDS;
    require(error.to_string().len() <= most, "the reason is larger than what was read")?;
    Ok(Outcome::Refused)
}

/// What is written down. What is not known or not understood is told by name only, and cannot be.
fn stated(manifest: &ExtensionManifest) -> ExtensionManifest {
    ExtensionManifest { misshapen: Vec::new(), unknown: Vec::new(), ..manifest.clone() }
}

/// The manifest as somebody else might write it: all of it in one line.
fn write(manifest: &ExtensionManifest) -> Vec<u8> {
    let runtime = manifest.runtime.as_ref().map(|(kind, version)| {
        object([("kind", Some(json!(kind))), ("version", version.as_ref().map(|text| json!(text)))])
    });
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    let environment: Vec<Value> = manifest.environment.iter().map(parameter).collect();
    let commands: Vec<Value> = manifest.commands.iter().map(command).collect();
    let front = object([
        ("name", Some(json!(manifest.name))),
        ("version", Some(json!(manifest.version.to_string()))),
        ("description", text(&manifest.description)),
        ("author", text(&manifest.author)),
        ("license", text(&manifest.license)),
        ("tags", Some(json!(manifest.tags))),
        ("repository", text(&manifest.repository)),
        ("femtoclaw", text(&manifest.femtoclaw)),
        ("runtime", runtime),
        ("permissions", Some(json!(manifest.permissions))),
        ("environment", Some(json!(environment))),
        ("commands", Some(json!(commands))),
    ]);
    format!("---\n{}\n---\n", escaped(&front.to_string())).into_bytes()
}

/// JSON is YAML, but for characters that YAML wants escaped.
fn escaped(json: &str) -> String {
    let mut text = String::new();
    for character in json.chars() {
        match character {
            ' '..='~' => text.push(character),
            other => text.push_str(&format!("\\U{:08x}", u32::from(other))),
        }
    }
    text
}

fn parameter(parameter: &ManifestParameter) -> Value {
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    object([
        ("name", Some(json!(parameter.name))),
        ("type", text(&parameter.parameter_type)),
        ("required", Some(json!(parameter.required.to_string()))),
        ("description", text(&parameter.description)),
        ("default", text(&parameter.default)),
    ])
}

fn command(command: &ManifestCommand) -> Value {
    let arguments: Vec<Value> = command.arguments.iter().map(parameter).collect();
    object([
        ("name", Some(json!(command.name))),
        ("description", command.description.as_ref().map(|text| json!(text))),
        ("args", Some(json!(arguments))),
    ])
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let said = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(said.collect::<Map<String, Value>>())
}

/// How many bytes of text there are in it.
fn bytes(manifest: &ExtensionManifest) -> usize {
    let many = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    let texts = [
        &manifest.description,
        &manifest.author,
        &manifest.license,
        &manifest.repository,
        &manifest.femtoclaw,
    ];
    let runtime = manifest.runtime.iter();
    let parameters = |all: &[ManifestParameter]| all.iter().map(parameter_bytes).sum::<usize>();
    let commands = manifest.commands.iter().map(|command| {
        let described = command.description.as_ref().map_or(0, String::len);
        command.name.len() + described + parameters(&command.arguments)
    });
    manifest.name.len()
        + texts.into_iter().flatten().map(String::len).sum::<usize>()
        + runtime
            .map(|(kind, range)| kind.len() + range.iter().map(String::len).sum::<usize>())
            .sum::<usize>()
        + many(&manifest.tags)
        + many(&manifest.permissions)
        + many(&manifest.unknown)
        + parameters(&manifest.environment)
        + commands.sum::<usize>()
}

fn parameter_bytes(parameter: &ManifestParameter) -> usize {
    let ManifestParameter { name, parameter_type, required: _, description, default } = parameter;
    let texts = [parameter_type, description, default].into_iter().flatten();
    name.len() + texts.map(String::len).sum::<usize>()
}

/// Puts front matter around what has none, so that a mutation gets to what reads it.
pub fn enclose(bytes: &[u8]) -> Vec<u8> {
    let front = if bytes.starts_with(b"---\n") { &b""[..] } else { b"---\n" };
    [front, bytes, b"\n---\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn manifests_are_read_and_what_is_none_is_refused() {
        for (name, bytes) in seeds::extension_manifests() {
            let expected = match name {
                "dangerous" | "aliases" | "tabs" => Outcome::Refused,
                _ => Outcome::Accepted,
            };
            assert_eq!(run(&bytes), expected, "{name}");
        }
        assert_eq!(run(b"# no front matter"), Outcome::Refused);
        assert_eq!(run(&enclose(b"name: a\nversion: 1.0.0")), Outcome::Accepted);
    }

    /// The oracle is shown what a broken reader would let it see.
    #[test]
    fn the_oracle_catches_every_sabotage() {
        let all = seeds::extension_manifests();
        let (_, seed) = all.iter().find(|(name, _)| *name == "everything").unwrap();
        let observed = observe(seed);
        let refused = observe(b"---\nname: a\n");
        assert_eq!(judge(&observed), Ok(Outcome::Accepted));
        let manifest = observed.first.clone().unwrap();
        let named = |name: &str| {
            let renamed = || Ok(ExtensionManifest { name: name.to_owned(), ..manifest.clone() });
            Observed {
                first: renamed(),
                second: renamed(),
                with_text: renamed(),
                read_again: Some(renamed()),
                ..observed.clone()
            }
        };
        let error = |line, text: &str| {
            let fault = femtoclaw_catalogue::ManifestFault::Unparsable(text.to_owned());
            let error = || Err(ManifestError { line, fault: fault.clone() });
            Observed { first: error(), second: error(), ..refused.clone() }
        };
        let mut nameless = observed.clone();
        for installed in nameless.installed.iter_mut().flatten() {
            let (directory, extension) = installed.installed.extensions.pop_first().unwrap();
            let identity = upgrade::extension_migration::DeclaredIdentity::read("", "");
            let extension =
                upgrade::extension_migration::InstalledExtension { identity, ..extension };
            installed.installed.extensions.insert(directory, extension);
        }
        let none = || Ok(InstalledExtensions::default());
        let sabotages = [
            named("../elsewhere"),
            named(".."),
            named("a/b"),
            named("a\nb"),
            named(&"long".repeat(100)),
            error(9, "a line too far"),
            error(0, "no line"),
            error(1, &"long".repeat(1000)),
            nameless,
            Observed { second: refused.first.clone(), ..observed.clone() },
            Observed { with_text: refused.first.clone(), ..observed.clone() },
            Observed { read_again: None, ..observed.clone() },
            Observed { data: b"---".to_vec(), ..observed.clone() },
            Observed { installed: refused.installed.clone(), ..observed.clone() },
            Observed { installed: [none(), none()], ..observed.clone() },
            Observed { installed: [none(), observed.installed[1].clone()], ..observed },
        ];
        for (number, sabotage) in sabotages.iter().enumerate() {
            assert!(judge(sabotage).is_err(), "sabotage {number}");
        }
    }
}
