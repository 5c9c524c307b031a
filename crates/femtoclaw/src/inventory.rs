//! The inventory of an adoption, kept beside the parts as `adoption.json`.

use std::path::Path;

use integrity::Digest;
use serde::{Deserialize, Serialize};
use upgrade::{Finding, Part};
use versioning::RuntimeVersion;

use crate::role::Role;

/// The name of the inventory within a generation.
pub const INVENTORY_FILE: &str = "adoption.json";

/// The version of the inventory's format.
pub const INVENTORY_FORMAT: u32 = 1;

/// Largest inventory that is read.
pub const MAXIMUM_INVENTORY_BYTES: u64 = 1 << 30;

/// What an adoption found, file by file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// [`INVENTORY_FORMAT`].
    pub format: u32,
    /// The release that the directory was taken for.
    pub runtime: RuntimeVersion,
    /// Why.
    pub evidence: Vec<String>,
    /// Every file, in the order of their paths.
    pub files: Vec<InventoryFile>,
}

/// One file of an adoption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryFile {
    /// Its index in the order of paths: the file number in every record key.
    pub number: u32,
    /// Where it was, relative to the adopted directory; also where it is, relative to its part's directory.
    pub path: String,
    /// The part that it belongs to.
    pub part: Part,
    /// What it is for.
    pub role: Role,
    /// Size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// Records in it.
    pub records: u64,
    /// Pieces of it that could not be read, kept apart from the records.
    pub set_aside: u64,
    /// What is out of the ordinary about it.
    pub findings: Vec<Finding>,
}

/// An inventory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// It is larger than any inventory.
    #[error("{path} has {found} bytes; an inventory has at most {MAXIMUM_INVENTORY_BYTES}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        found: u64,
    },
    /// It is not an inventory.
    #[error("{path} is not an inventory of format {INVENTORY_FORMAT}: {reason}")]
    Invalid {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl Inventory {
    /// The bytes as they are stored.
    ///
    /// # Errors
    /// None in practice: every field can be written as JSON.
    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the inventory of a generation.
    ///
    /// # Errors
    /// What cannot be read or is no inventory: another format, numbers out of order, or a path that would lead outside.
    pub fn read(generation: &Path) -> Result<Self, InventoryError> {
        let path = generation.join(INVENTORY_FILE);
        let name = || path.display().to_string();
        let unreadable = |source| InventoryError::Unreadable { path: name(), source };
        let size = std::fs::metadata(&path).map_err(unreadable)?.len();
        if size > MAXIMUM_INVENTORY_BYTES {
            return Err(InventoryError::TooLarge { path: name(), found: size });
        }
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        Self::decode(&bytes).map_err(|reason| InventoryError::Invalid { path: name(), reason })
    }

    /// Reads the bytes of an inventory.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let inventory: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if inventory.format != INVENTORY_FORMAT {
            return Err(format!("its format is {}", inventory.format));
        }
        for (index, file) in inventory.files.iter().enumerate() {
            if u32::try_from(index) != Ok(file.number) {
                return Err(format!("file {} is out of order", file.path));
            }
            if !is_contained(&file.path) {
                return Err(format!("the path {:?} leads outside", file.path));
            }
        }
        Ok(inventory)
    }
}

/// Whether a relative path stays below where it starts.
pub(crate) fn is_contained(path: &str) -> bool {
    let plain =
        |component: &str| !matches!(component, "" | "." | "..") && !component.contains('\0');
    path.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_that_leads_outside_is_refused() {
        for path in ["../x", "/etc/passwd", "a//b", "a/./b", "", "a/../../b"] {
            assert!(!is_contained(path), "{path:?} was accepted");
        }
        assert!(is_contained("data/execution.wal"));
        let file = InventoryFile {
            number: 0,
            path: "../x".to_owned(),
            part: Part::Store,
            role: Role::Wal,
            size: 0,
            digest: Digest::of(b""),
            executable: false,
            records: 0,
            set_aside: 0,
            findings: Vec::new(),
        };
        let mut inventory = Inventory {
            format: INVENTORY_FORMAT,
            runtime: RuntimeVersion::new(1, 0, 3),
            evidence: Vec::new(),
            files: vec![file],
        };
        assert!(Inventory::decode(&inventory.encode().unwrap()).is_err());
        inventory.files[0].path = "x".to_owned();
        assert_eq!(Inventory::decode(&inventory.encode().unwrap()).unwrap(), inventory);
        inventory.files[0].number = 1;
        assert!(Inventory::decode(&inventory.encode().unwrap()).is_err());
        assert!(Inventory::decode(b"{\"format\":1,\"surprise\":true}").is_err());
    }
}
