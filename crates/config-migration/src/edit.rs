//! The small exact changes that every step is made of, each with its inverse.

use crate::{
    ConfigurationError, Document, DocumentName, Location, Path, Result, SecretPaths, Value,
};

/// The two documents of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    /// What may be read by whoever may read the installation.
    pub configuration: Document,
    /// What only the runtime may read.
    pub secrets: Document,
}

impl Documents {
    /// A configuration that has no document of secrets yet.
    pub fn new(configuration: Document) -> Self {
        let secrets = Document::new(Value::empty_object(), SecretPaths::everything());
        Self { configuration, secrets }
    }

    /// One of the two.
    pub const fn document(&self, name: DocumentName) -> &Document {
        match name {
            DocumentName::Configuration => &self.configuration,
            DocumentName::Secrets => &self.secrets,
        }
    }

    /// The value at a place.
    pub fn get(&self, location: &Location) -> Option<&Value> {
        self.document(location.document).get(&location.path)
    }

    fn parts_mut(&mut self, name: DocumentName) -> (&mut Value, &mut SecretPaths) {
        match name {
            DocumentName::Configuration => self.configuration.parts_mut(),
            DocumentName::Secrets => self.secrets.parts_mut(),
        }
    }
}

/// One exact change. Applying it and then its inverse leaves no trace, down to the order of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// A value where none was.
    Insert { at: Location, position: usize, value: Value, secret: bool },
    /// No value where this one was.
    Remove { at: Location, position: usize, value: Value, secret: bool },
    /// A value goes elsewhere, with its marks.
    Relocate { from: Location, from_position: usize, to: Location, to_position: usize },
    /// Another value at the same place.
    Replace { at: Location, before: Value, after: Value },
    /// A value goes into a new table at its place, under this key.
    Wrap { at: Location, key: String },
    /// The only member of a table takes the table's place.
    Unwrap { at: Location, key: String },
}

impl Edit {
    /// The change that undoes this one.
    pub(crate) fn inverse(&self) -> Self {
        match self.clone() {
            Self::Insert { at, position, value, secret } => {
                Self::Remove { at, position, value, secret }
            }
            Self::Remove { at, position, value, secret } => {
                Self::Insert { at, position, value, secret }
            }
            Self::Relocate { from, from_position, to, to_position } => Self::Relocate {
                from: to,
                from_position: to_position,
                to: from,
                to_position: from_position,
            },
            Self::Replace { at, before, after } => {
                Self::Replace { at, before: after, after: before }
            }
            Self::Wrap { at, key } => Self::Unwrap { at, key },
            Self::Unwrap { at, key } => Self::Wrap { at, key },
        }
    }

    /// The place of the configuration document that a value leaves, if one does.
    pub(crate) fn leaves(&self) -> Option<&Location> {
        match self {
            Self::Relocate { from: place, .. } | Self::Remove { at: place, .. } => {
                Some(place).filter(|place| place.document == DocumentName::Configuration)
            }
            _ => None,
        }
    }

    /// Makes the change.
    ///
    /// # Errors
    /// When the documents are not as the change expects them. They may then be half changed: callers work on a copy.
    pub(crate) fn apply(&self, documents: &mut Documents) -> Result<()> {
        match self {
            Self::Insert { at, position, value, secret } => {
                let (root, secrets) = documents.parts_mut(at.document);
                root.attach(&at.path, *position, value.clone())?;
                if *secret {
                    secrets.mark(&at.path);
                }
                Ok(())
            }
            Self::Remove { at, value, .. } => {
                let (root, secrets) = documents.parts_mut(at.document);
                let (_, found) = root.detach(&at.path)?;
                unchanged(&found, value, &at.path, secrets)?;
                secrets.take(&at.path);
                restore_whole_document(at.document, secrets);
                Ok(())
            }
            Self::Relocate { from, to, to_position, .. } => {
                let (root, secrets) = documents.parts_mut(from.document);
                let (_, value) = root.detach(&from.path)?;
                let marks = secrets.take(&from.path);
                restore_whole_document(from.document, secrets);
                let (root, secrets) = documents.parts_mut(to.document);
                root.attach(&to.path, *to_position, value)?;
                secrets.put(&to.path, &marks);
                Ok(())
            }
            Self::Replace { at, before, after } => {
                let (root, secrets) = documents.parts_mut(at.document);
                let place = root
                    .get_mut(&at.path)
                    .ok_or_else(|| ConfigurationError::Missing { path: at.path.clone() })?;
                unchanged(place, before, &at.path, secrets)?;
                *place = after.clone();
                Ok(())
            }
            Self::Wrap { at, key } => {
                let (root, secrets) = documents.parts_mut(at.document);
                let (position, value) = root.detach(&at.path)?;
                root.attach(&at.path, position, Value::object([(key.as_str(), value)]))?;
                let marks = secrets.take(&at.path);
                secrets.put(&at.path.child(key), &marks);
                restore_whole_document(at.document, secrets);
                Ok(())
            }
            Self::Unwrap { at, key } => unwrap(documents, at, key),
        }
    }
}

fn unwrap(documents: &mut Documents, at: &Location, key: &str) -> Result<()> {
    let (root, secrets) = documents.parts_mut(at.document);
    let (_, inner) = root.detach(&at.path.child(key))?;
    let (position, outer) = root.detach(&at.path)?;
    unchanged(&outer, &Value::empty_object(), &at.path, secrets)?;
    root.attach(&at.path, position, inner)?;
    let marks = secrets.take(&at.path.child(key));
    secrets.take(&at.path);
    secrets.put(&at.path, &marks);
    restore_whole_document(at.document, secrets);
    Ok(())
}

/// Everything in the document of secrets stays secret, whatever leaves it.
fn restore_whole_document(name: DocumentName, secrets: &mut SecretPaths) {
    if name == DocumentName::Secrets {
        secrets.mark(&Path::root());
    }
}

fn unchanged(found: &Value, expected: &Value, path: &Path, secrets: &SecretPaths) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(ConfigurationError::ChangedSince { path: secrets.shown(path) })
}
