//! Extension manifests: the front matter of `TALON.md` or `SKILL.md`.

use crate::yaml::{self, Node, Yaml};

/// Largest manifest that is read, in bytes.
pub const MAXIMUM_MANIFEST_BYTES: u64 = 1 << 20;

/// The names that a manifest has: FemtoClaw's releases call extensions talons, its development branch calls them skills.
pub const MANIFEST_NAMES: [&str; 2] = ["TALON.md", "SKILL.md"];

/// What an extension says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionManifest {
    /// Its name: a single plain path component, so that nothing built from it leads elsewhere.
    pub name: String,
    /// Its version.
    pub version: semver::Version,
    /// What it is for.
    pub description: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// Its licence.
    pub license: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Where it is developed.
    pub repository: Option<String>,
    /// The versions of FemtoClaw that it runs on, as written. 1.0.x knows no such key.
    pub femtoclaw: Option<String>,
    /// What runs it: kind and version requirement, as written.
    pub runtime: Option<(String, Option<String>)>,
    /// What it asks to be allowed.
    pub permissions: Vec<String>,
    /// Environment variables that it reads.
    pub environment: Vec<ManifestParameter>,
    /// What it can do.
    pub commands: Vec<ManifestCommand>,
    /// Those of `femtoclaw`, `runtime` and `permissions` that say something in a form that cannot be understood: not the same
    /// as saying nothing.
    pub misshapen: Vec<String>,
    /// Top-level keys beyond these.
    pub unknown: Vec<String>,
}

/// A command of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestCommand {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// What it takes.
    pub arguments: Vec<ManifestParameter>,
}

/// An argument of a command, or an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestParameter {
    /// Its name.
    pub name: String,
    /// Its type, as written; environment variables have none.
    pub parameter_type: Option<String>,
    /// Whether it must be given.
    pub required: bool,
    /// What it is for.
    pub description: Option<String>,
    /// What it is otherwise. 1.0.x never declared this key, but published extensions use it.
    pub default: Option<String>,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ManifestError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub fault: ManifestFault,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFault {
    /// Not UTF-8.
    #[error("the manifest is not UTF-8")]
    NotUtf8,
    /// No front matter.
    #[error("the manifest has no front matter between two lines that are exactly ---")]
    NoFrontMatter,
    /// Front matter that does not parse.
    #[error("the front matter does not parse: {0}")]
    Unparsable(String),
    /// A key that must be there is not.
    #[error("the front matter has no text under `{0}`")]
    Missing(&'static str),
    /// A name that would lead somewhere else. 1.0.3 deletes outside its directory then.
    #[error("the name {0:?} is not a single plain path component")]
    DangerousName(String),
    /// A version that is none.
    #[error("the version {text:?} is not a semantic version: {reason}")]
    InvalidVersion {
        /// What it says.
        text: String,
        /// Why it is none.
        reason: String,
    },
}

/// Whether a name is a single plain path component: not empty, not `.` or `..`, without separators or control characters.
pub fn is_plain_component(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name != "."
        && name != ".."
        && !name.contains(['/', '\\'])
        && !name.contains(char::is_control)
}

impl ExtensionManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line. A dangerous name is reported before any other fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            ManifestError { line, fault: ManifestFault::NotUtf8 }
        })?;
        let matter = front_matter(text)
            .ok_or(ManifestError { line: 1, fault: ManifestFault::NoFrontMatter })?;
        let root = yaml::parse(&matter).map_err(|error| ManifestError {
            line: error.line.saturating_add(1),
            fault: ManifestFault::Unparsable(error.reason),
        })?;
        Self::from_node(&root)
    }

    fn from_node(root: &Node) -> Result<Self, ManifestError> {
        let Yaml::Mapping(entries) = &root.value else {
            let fault = ManifestFault::Unparsable("it is not a mapping".to_owned());
            return Err(ManifestError { line: root.line.saturating_add(1), fault });
        };
        let (name, line) = required(root, "name")?;
        if !is_plain_component(&name) {
            return Err(ManifestError { line, fault: ManifestFault::DangerousName(name) });
        }
        let (version, line) = required(root, "version")?;
        let version = semver::Version::parse(&version).map_err(|error| ManifestError {
            line,
            fault: ManifestFault::InvalidVersion { text: version, reason: error.to_string() },
        })?;
        let runtime = root
            .get("runtime")
            .and_then(|runtime| Some((optional(runtime, "kind")?, optional(runtime, "version"))));
        let unknown = entries.iter().map(|(key, _)| key.clone());
        Ok(Self {
            name,
            version,
            description: optional(root, "description"),
            author: optional(root, "author"),
            license: optional(root, "license"),
            tags: texts(root, "tags"),
            repository: optional(root, "repository"),
            femtoclaw: optional(root, "femtoclaw"),
            runtime,
            permissions: texts(root, "permissions"),
            environment: list(root, "environment", parameter),
            commands: list(root, "commands", command),
            misshapen: misshapen(root),
            unknown: unknown.filter(|key| !KNOWN.contains(&key.as_str())).collect(),
        })
    }
}

/// What bears on whether an extension goes with a runtime, and is not of the form that it must have.
fn misshapen(root: &Node) -> Vec<String> {
    let is_said = |node: &&Node| !matches!(node.value, Yaml::Null);
    let is_text = |node: &Node| node.text().is_some();
    let is_well_formed = |key: &str, node: &Node| match key {
        "runtime" => node.get("kind").is_some_and(is_text),
        "permissions" => {
            matches!(node.value, Yaml::Sequence(_)) && node.items().iter().all(is_text)
        }
        _ => is_text(node),
    };
    let keys = ["femtoclaw", "runtime", "permissions"].into_iter();
    let wrong = keys
        .filter(|key| root.get(key).filter(is_said).is_some_and(|node| !is_well_formed(key, node)));
    wrong.map(str::to_owned).collect()
}

const KNOWN: [&str; 12] = [
    "name",
    "version",
    "description",
    "author",
    "license",
    "tags",
    "repository",
    "femtoclaw",
    "runtime",
    "permissions",
    "environment",
    "commands",
];

/// The lines between the first line and the next that are exactly `---`; a `---` within a line ends nothing.
fn front_matter(text: &str) -> Option<String> {
    let mut lines = text.lines();
    if lines.next()? != "---" {
        return None;
    }
    let mut matter = String::new();
    for line in lines {
        if line == "---" {
            return Some(matter);
        }
        matter.push_str(line);
        matter.push('\n');
    }
    None
}

fn required(root: &Node, key: &'static str) -> Result<(String, u64), ManifestError> {
    let node = root.get(key);
    // The front matter begins at the second line of the file.
    let line = node.unwrap_or(root).line.saturating_add(1);
    let missing = ManifestError { line, fault: ManifestFault::Missing(key) };
    Ok((node.and_then(Node::text).ok_or(missing)?.to_owned(), line))
}

fn optional(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.text().map(str::to_owned)
}

fn texts(root: &Node, key: &str) -> Vec<String> {
    list(root, key, |node| node.text().map(str::to_owned))
}

fn list<T>(root: &Node, key: &str, item: impl Fn(&Node) -> Option<T>) -> Vec<T> {
    root.get(key).map(Node::items).unwrap_or_default().iter().filter_map(item).collect()
}

fn parameter(node: &Node) -> Option<ManifestParameter> {
    Some(ManifestParameter {
        name: optional(node, "name")?,
        parameter_type: optional(node, "type"),
        required: optional(node, "required").as_deref() == Some("true"),
        description: optional(node, "description"),
        default: optional(node, "default"),
    })
}

fn command(node: &Node) -> Option<ManifestCommand> {
    Some(ManifestCommand {
        name: optional(node, "name")?,
        description: optional(node, "description"),
        arguments: list(node, "args", parameter),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(matter: &str) -> Result<ExtensionManifest, ManifestError> {
        ExtensionManifest::parse(format!("---\n{matter}\n---\n\n# Text\n").as_bytes())
    }

    #[test]
    fn a_manifest_is_read_with_everything_in_it() {
        let manifest = parse(
            "name: weather\nversion: 1.2.3\ntags: [a, b]\ncolour: green\ncommands:\n  - name: now\n    args:\n      - name: city\n        type: string\n        required: true\n        default: Oslo",
        )
        .unwrap();
        assert_eq!(manifest.version, semver::Version::new(1, 2, 3));
        assert_eq!(manifest.unknown, ["colour"]);
        let argument = &manifest.commands[0].arguments[0];
        assert!(argument.required);
        assert_eq!(argument.default.as_deref(), Some("Oslo"));
    }

    #[test]
    fn three_dashes_within_a_value_do_not_cut_the_front_matter() {
        let manifest = parse("name: a\ndescription: before --- after\nversion: 1.0.0").unwrap();
        assert_eq!(manifest.description.as_deref(), Some("before --- after"));
        let folded = parse("name: a\ndescription: |\n  ---\n  text\nversion: 1.0.0").unwrap();
        assert_eq!(folded.description.as_deref(), Some("---\ntext\n"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_dangerous() {
        for name in ["../x", "/etc", "a/b", "..", ".", "\"\"", "\"a\\0b\"", "\"a\\nb\"", "a\\b"] {
            let error = parse(&format!("name: {name}\nversion: 1.0.0")).unwrap_err();
            assert!(matches!(error.fault, ManifestFault::DangerousName(_)), "{name}: {error}");
            assert_eq!(error.line, 2);
        }
    }

    #[test]
    fn faults_name_their_line() {
        let fault = |matter: &str| parse(matter).unwrap_err().to_string();
        assert_eq!(
            fault("name: a\nversion: banana"),
            "line 3: the version \"banana\" is not a semantic version: unexpected character 'b' while parsing major version number"
        );
        assert!(fault("name: a\nversion: 1.0.0\ntags: [a").starts_with("line "));
        assert_eq!(fault("version: 1.0.0"), "line 2: the front matter has no text under `name`");
        assert!(ExtensionManifest::parse(b"# no front matter").is_err());
        assert_eq!(ExtensionManifest::parse(b"---\nname: \xff").unwrap_err().line, 2);
    }

    proptest! {
        #[test]
        fn what_is_read_has_a_plain_name_and_what_is_refused_a_line_that_is_there(
            bytes: Vec<u8>, name in "[a./\\\\\"]{0,4}", text in "[a:\\[\\]{}&* \n\"-]{0,40}",
        ) {
            let matter = format!("name: {name}\nversion: 1.0.0\n{text}");
            let enclosed = |matter: &[u8]| [b"---\n", matter, b"\n---\n"].concat();
            for bytes in [enclosed(&bytes), enclosed(matter.as_bytes()), bytes] {
                match ExtensionManifest::parse(&bytes) {
                    Ok(manifest) => prop_assert!(is_plain_component(&manifest.name)),
                    Err(error) => {
                        let ends = |byte: &&u8| matches!(byte, b'\n' | b'\r');
                        let lines = bytes.iter().filter(ends).count() as u64 + 2;
                        prop_assert!((1..=lines).contains(&error.line), "{}", error);
                    }
                }
            }
        }
    }
}
