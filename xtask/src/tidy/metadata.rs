//! What `cargo metadata` says of the workspace and of everything below it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::runner::{cargo, output_of};

/// Packages and how they depend on each other.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    /// All packages, by cargo's id.
    pub(crate) packages: BTreeMap<String, Package>,
}

/// One package.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The licence expression of its manifest.
    pub(crate) licence: Option<String>,
    /// The directory and the manifest, absolute, if it is a member of this workspace.
    pub(crate) manifest: Option<String>,
    /// The source file of every target.
    pub(crate) targets: Vec<String>,
    /// Ids of what it depends on when it is built: normal and build dependencies, those of all features included.
    pub(crate) dependencies: BTreeSet<String>,
}

impl Metadata {
    /// Asks cargo. All features are on, so that nothing optional is overlooked.
    ///
    /// # Errors
    /// What cargo says.
    pub(crate) fn load() -> Result<Self, String> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--locked", "--all-features"]);
        let value: Value = serde_json::from_slice(&output_of(&mut command)?)
            .map_err(|error| format!("cargo metadata is no JSON: {error}"))?;
        Self::parse(&value)
            .ok_or_else(|| "cargo metadata has another shape than expected".to_owned())
    }

    /// Reads cargo's answer. `None` if it has another shape.
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        let members: BTreeSet<&str> =
            value.get("workspace_members")?.as_array()?.iter().filter_map(Value::as_str).collect();
        let mut packages = BTreeMap::new();
        for package in value.get("packages")?.as_array()? {
            let id = text(package, "id")?;
            let is_member = members.contains(id.as_str());
            let targets = package.get("targets")?.as_array()?;
            let package = Package {
                name: text(package, "name")?,
                version: text(package, "version")?,
                licence: text(package, "license"),
                manifest: text(package, "manifest_path").filter(|_| is_member),
                targets: targets.iter().filter_map(|target| text(target, "src_path")).collect(),
                dependencies: BTreeSet::new(),
            };
            packages.insert(id, package);
        }
        for node in value.get("resolve")?.get("nodes")?.as_array()? {
            let package = packages.get_mut(&text(node, "id")?)?;
            for dependency in node.get("deps")?.as_array()? {
                let kinds = dependency.get("dep_kinds")?.as_array()?;
                if kinds.iter().any(|kind| text(kind, "kind").as_deref() != Some("dev")) {
                    package.dependencies.insert(text(dependency, "pkg")?);
                }
            }
        }
        Some(Self { packages })
    }

    /// The members of the workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().filter(|package| package.manifest.is_some())
    }

    /// The members that a member depends on directly, tests not counted.
    pub(crate) fn member_dependencies(&self, package: &Package) -> Vec<&Package> {
        let found = package.dependencies.iter().filter_map(|id| self.packages.get(id));
        found.filter(|package| package.manifest.is_some()).collect()
    }

    /// Everything that is built for a package, with the way that leads to it.
    pub(crate) fn tree(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let roots = self.packages.values().filter(|package| package.name == name);
        let mut open: Vec<(&Package, Vec<String>)> = roots.map(|root| (root, Vec::new())).collect();
        while let Some((package, mut way)) = open.pop() {
            if !seen.insert((&package.name, &package.version)) {
                continue;
            }
            way.push(package.name.clone());
            found.insert(package.name.clone(), way.clone());
            let next = package.dependencies.iter().filter_map(|id| self.packages.get(id));
            open.extend(next.map(|package| (package, way.clone())));
        }
        found
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

/// Metadata of a made-up workspace: each entry is a package, whether it is a member, and what it depends on.
#[cfg(test)]
pub(crate) fn made_up(packages: &[(&str, bool, &[&str])]) -> Metadata {
    let mut metadata = Metadata::default();
    for (name, is_member, dependencies) in packages {
        let package = Package {
            name: (*name).to_owned(),
            version: "1.0.0".to_owned(),
            licence: Some("MIT".to_owned()),
            manifest: is_member.then(|| format!("/{name}/Cargo.toml")),
            targets: Vec::new(),
            dependencies: dependencies.iter().map(|id| (*id).to_owned()).collect(),
        };
        metadata.packages.insert((*name).to_owned(), package);
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn normal_and_build_dependencies_count_and_those_of_tests_do_not() {
        let package = |name: &str| {
            json!({"id": name, "name": name, "version": "1.0.0", "license": null,
                "manifest_path": format!("/{name}/Cargo.toml"), "targets": [{"src_path": "/lib.rs"}]})
        };
        let dependency =
            |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let metadata = Metadata::parse(&json!({
            "workspace_members": ["a"],
            "packages": [package("a"), package("b"), package("c"), package("d")],
            "resolve": {"nodes": [
                {"id": "a", "deps": [
                    dependency("b", Value::Null), dependency("c", json!("build")), dependency("d", json!("dev"))
                ]},
            ]},
        }))
        .unwrap();
        let members: Vec<&Package> = metadata.members().collect();
        assert_eq!(members.len(), 1);
        assert_eq!(members[0].dependencies, BTreeSet::from(["b".to_owned(), "c".to_owned()]));
        assert_eq!(members[0].licence, None);
        assert!(Metadata::parse(&json!({"packages": []})).is_none());
    }

    #[test]
    fn the_tree_says_which_way_leads_to_a_package() {
        let metadata = made_up(&[("a", true, &["b"]), ("b", false, &["c"]), ("c", false, &["a"])]);
        assert_eq!(metadata.tree("a")["c"], ["a", "b", "c"]);
    }
}
