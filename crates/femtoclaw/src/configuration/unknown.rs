//! Values that no runtime looks at: carried from one configuration to the next, and missed if they are not.

use std::collections::BTreeMap;

use config_migration::{
    Document, EffectiveConfiguration, Path, Secret, SecretPaths, Segment, Value,
};

use super::CARRY_TABLE;

/// The same with a field for every value that is at none of the paths that are known, by the path that 1.0.x had it at. Nobody
/// knows what such a value is, so none is ever shown.
pub(super) fn with(
    known: EffectiveConfiguration,
    root: &Value,
    paths: &[Path],
) -> EffectiveConfiguration {
    let mut leaves = BTreeMap::new();
    collect(root, &Path::root(), paths, &mut leaves);
    leaves.into_iter().fold(known, |all, (path, mut texts)| {
        texts.sort();
        all.with_secret(&format!("{CARRY_TABLE}.{path}"), Some(Secret::new(texts.join("\n"))))
    })
}

/// Where there are two of one path, one is below the other's carry table, and both count.
fn collect(value: &Value, at: &Path, known: &[Path], leaves: &mut BTreeMap<String, Vec<String>>) {
    match value.members() {
        Some(members) => {
            for (key, value) in members {
                collect(value, &at.child(key), known, leaves);
            }
        }
        None if known.contains(at) => {}
        None => leaves.entry(without_carry_table(at).to_string()).or_default().push(text(value)),
    }
}

fn without_carry_table(path: &Path) -> Path {
    let is_table = |segment: &&Segment| matches!(segment, Segment::Key(key) if key == CARRY_TABLE);
    let rest = path.segments().iter().skip_while(is_table);
    rest.fold(Path::root(), |path, segment| match segment {
        Segment::Key(key) => path.child(key),
        Segment::Index(index) => path.element(*index),
    })
}

/// As JSON; what JSON cannot say, such as a date, is of TOML alone, and says itself.
fn text(value: &Value) -> String {
    let json = Document::new(value.clone(), SecretPaths::none()).to_json();
    json.map_or_else(|_| format!("{value:?}"), |text| text.expose().to_owned())
}
