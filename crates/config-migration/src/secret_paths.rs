//! Which places of a document hold secrets.

use std::collections::BTreeSet;

use crate::Path;

/// The places of a document whose values are never shown (FC-UPGRADE-0001 §10).
///
/// A mark covers its path and everything inside. Steps into arrays do not count: a mark on `servers.token` covers
/// `servers[0].token` and every other element's. When in doubt a place is covered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretPaths(BTreeSet<Path>);

impl SecretPaths {
    /// No secrets.
    pub const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// The whole document is secret.
    pub fn everything() -> Self {
        Self(BTreeSet::from([Path::root()]))
    }

    /// These places.
    pub fn new<P: Into<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let mut secrets = Self::none();
        paths.into_iter().for_each(|path| secrets.mark(&path.into()));
        secrets
    }

    /// Marks one more place.
    pub fn mark(&mut self, path: &Path) {
        let path = path.without_indexes();
        if !self.covers(&path) {
            self.0.retain(|marked| !marked.starts_with(&path));
            self.0.insert(path);
        }
    }

    /// True if the value there is secret.
    pub fn covers(&self, path: &Path) -> bool {
        path.without_indexes().first_prefix(|prefix| self.0.contains(prefix)).is_some()
    }

    /// The path, cut off at the secret that it leads into: the keys inside a secret are secret as well.
    pub fn shown(&self, path: &Path) -> Path {
        let shown = path.first_prefix(|prefix| self.covers(prefix));
        shown.unwrap_or_else(|| path.clone())
    }

    /// The marked places.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.0.iter()
    }

    /// Takes the marks of a value that leaves this place, as paths inside it.
    pub(crate) fn take(&mut self, path: &Path) -> Vec<Path> {
        let path = path.without_indexes();
        let above = self.0.iter().any(|marked| path.starts_with(marked) && *marked != path);
        let inside: Vec<Path> =
            self.0.iter().filter(|marked| marked.starts_with(&path)).cloned().collect();
        self.0.retain(|marked| !marked.starts_with(&path));
        if above {
            return vec![Path::root()];
        }
        inside.iter().filter_map(|marked| marked.below(&path)).collect()
    }

    /// Puts the marks of a value that arrives at this place.
    pub(crate) fn put(&mut self, path: &Path, inside: &[Path]) {
        inside.iter().for_each(|marked| self.mark(&path.join(marked)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_covers_what_is_inside_in_every_element() {
        let secrets = SecretPaths::new([["servers", "token"]]);
        let path: Path = "servers[2].token.value".parse().unwrap();
        assert!(secrets.covers(&path));
        assert_eq!(secrets.shown(&path).to_string(), "servers[2].token");
        assert!(!secrets.covers(&"servers[2]".parse().unwrap()));
    }

    #[test]
    fn a_mark_moves_with_its_value() {
        let mut secrets = SecretPaths::new([["brain", "api_key"]]);
        let taken = secrets.take(&Path::from(["brain"]));
        assert!(!secrets.covers(&Path::from(["brain", "api_key"])));
        secrets.put(&Path::from(["model"]), &taken);
        assert!(secrets.covers(&Path::from(["model", "api_key"])));
        assert!(!secrets.covers(&Path::from(["model"])));
    }
}
