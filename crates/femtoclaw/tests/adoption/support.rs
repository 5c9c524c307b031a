//! Directories to adopt, and what becomes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use femtoclaw_catalogue::schema1::AdoptedFiles;
use femtoclaw_catalogue::{FemtoClaw, INVENTORY_FILE, Inventory, SetAside};
use integrity::TreeSeal;
use storage_migration::{Emitter, MigrationStep, Output, RecordSource};
use tempfile::TempDir;
use upgrade::{Adoption, AdoptionRefusal, Catalogue, Part};

/// Records by keyspace, sorted by key.
pub type Records = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

/// A capability file that says 1.0.3.
pub const CAPABILITIES: &str =
    r#"[{"name":"fs","description":"d","enabled":true,"parameters":[]}]"#;

/// A directory with these files.
pub fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    directory
}

/// Inspects a directory, and holds the inspection to having changed nothing in it.
pub fn inspect(directory: &Path) -> Result<Adoption, AdoptionRefusal> {
    let before = TreeSeal::of_tree(directory, |_| false).unwrap();
    let result = FemtoClaw.inspect(directory, None);
    assert_eq!(TreeSeal::of_tree(directory, |_| false).unwrap(), before);
    result
}

/// A generation as an adoption makes it.
pub struct Generation {
    pub directory: TempDir,
    pub adoption: Adoption,
    pub inventory: Inventory,
}

impl Generation {
    pub fn adopt(source: &Path) -> Self {
        let adoption = inspect(source).unwrap_or_else(|refusal| panic!("refused: {refusal}"));
        Self::copy(source, adoption)
    }

    pub fn copy(source: &Path, adoption: Adoption) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for file in &adoption.files {
            let target = directory.path().join(file.part.directory()).join(&file.target);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(source.join(&file.source), target).unwrap();
        }
        fs::write(directory.path().join(INVENTORY_FILE), &adoption.inventory).unwrap();
        let inventory = Inventory::read(directory.path()).unwrap();
        Self { directory, adoption, inventory }
    }

    pub fn source(&self) -> AdoptedFiles {
        AdoptedFiles::open(self.directory.path()).unwrap()
    }

    pub fn records(&self) -> Records {
        read(&self.source())
    }

    /// The findings, one a line.
    pub fn findings(&self) -> String {
        let lines: Vec<_> = self.adoption.findings.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    /// The files of a part, by path.
    pub fn part(&self, part: Part) -> upgrade::Files {
        let files = self.adoption.files.iter().filter(|file| file.part == part);
        let bytes = |target: &str| {
            fs::read(self.directory.path().join(part.directory()).join(target)).unwrap()
        };
        files.map(|file| (file.target.clone(), bytes(&file.target))).collect()
    }

    /// Holds every file of records to this: records, damaged pieces and structure are all of its bytes.
    pub fn account_for_every_byte(&self) {
        let records = self.records();
        for file in self.inventory.files.iter().filter(|file| file.part == Part::Store) {
            let path = self.directory.path().join("store").join(&file.path);
            let mut bytes = fs::read(path).unwrap();
            let number = file.number.to_be_bytes();
            let own = |keyspace: &str| -> Vec<Vec<u8>> {
                let of_file = |(key, _): &(&Vec<u8>, &Vec<u8>)| key.starts_with(&number);
                let values = records[keyspace].iter().filter(of_file);
                values.map(|(_, value)| value.clone()).collect()
            };
            let values = own(file.role.keyspace().unwrap());
            assert_eq!(values.len() as u64, file.records, "{}", file.path);
            let damaged = own("set_aside");
            assert_eq!(damaged.len() as u64, file.set_aside, "{}", file.path);
            for value in damaged {
                let piece = SetAside::decode(&value).unwrap();
                let at = usize::try_from(piece.offset.unwrap()).unwrap();
                let range = at..at + piece.bytes.len();
                assert!(bytes[range.clone()] == piece.bytes, "{}", file.path);
                bytes[range].fill(b' ');
            }
            let mut from = 0;
            for value in &values {
                let at = bytes[from..].windows(value.len()).position(|window| window == value);
                let at = from + at.unwrap_or_else(|| panic!("a record is not in {}", file.path));
                bytes[at..at + value.len()].fill(b' ');
                from = at + value.len();
            }
            let rest: Vec<u8> =
                bytes.into_iter().filter(|byte| !b" \t\r\n\x0c[],".contains(byte)).collect();
            assert!(rest.is_empty(), "{}: {:?}", file.path, String::from_utf8_lossy(&rest));
        }
    }
}

/// Everything in a source.
pub fn read(source: &dyn RecordSource) -> Records {
    let mut records = Records::new();
    for keyspace in source.keyspaces() {
        let mut all = BTreeMap::new();
        source
            .scan(&keyspace, &mut |key, value| {
                assert!(all.insert(key.to_vec(), value.to_vec()).is_none(), "a key twice");
                Ok(())
            })
            .unwrap();
        records.insert(keyspace, all);
    }
    records
}

/// Runs one step over records, as the engine would, in the plainest way.
pub fn run(step: &dyn MigrationStep, before: &Records) -> Records {
    use storage_migration::Action;
    let (mut after, mut groups) = (Records::new(), BTreeMap::new());
    for (keyspace, records) in before {
        let action = step.action(keyspace);
        let target = after.entry(keyspace.clone()).or_default();
        if action != Action::Rewrite {
            target.extend(records.clone());
        }
        if action == Action::Keep {
            continue;
        }
        for (key, value) in records {
            let mut emitter = Emitter::default();
            step.transform(keyspace, key, value, &mut emitter).unwrap();
            for output in emitter.outputs() {
                match output {
                    Output::Emit { keyspace, key, value, .. } => {
                        put(&mut after, keyspace, key, value);
                    }
                    Output::Fragment { keyspace, group, fragment, .. } => groups
                        .entry((keyspace, group.to_vec()))
                        .or_insert_with(Vec::new)
                        .push(fragment.to_vec()),
                    Output::Archive { reason } => panic!("archived: {reason}"),
                    Output::Drop => {}
                }
            }
        }
    }
    for ((keyspace, group), mut fragments) in groups {
        fragments.sort();
        let mut emitter = Emitter::default();
        step.join(keyspace, &group, &fragments, &mut emitter).unwrap();
        for output in emitter.outputs() {
            let Output::Emit { keyspace, key, value, .. } = output else { panic!("{output:?}") };
            put(&mut after, keyspace, key, value);
        }
    }
    after
}

fn put(records: &mut Records, keyspace: &str, key: &[u8], value: &[u8]) {
    let records = records.entry(keyspace.to_owned()).or_default();
    let previous = records.insert(key.to_vec(), value.to_vec());
    assert!(previous.is_none(), "two records met under one key of {keyspace}");
}

/// The fixtures of this crate.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The fixtures beside the project, which are not part of it.
pub fn shared_fixture(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let path = root.join(name);
    if path.is_dir() {
        return Some(path);
    }
    println!("{} is absent: its test is passed over", path.display());
    None
}
