//! Every crate takes the lints of the workspace, `forbid(unsafe_code)` first among them.

use toml_edit::{DocumentMut, Item};

use super::Finding;

/// Packages that may state lints of their own, each with its reason.
const OWN_LINTS: [(&str, &str); 1] = [(
    "femtoclaw-upgrade-sim",
    "its hooks answer the C library's calls, whose interface is unsafe",
)];

/// Looks at the manifest of the workspace.
pub(crate) fn check_workspace(place: &str, text: &str) -> Option<Finding> {
    let level = text.parse::<DocumentMut>().ok().and_then(|document| {
        let level = lookup(document.as_item(), &["workspace", "lints", "rust", "unsafe_code"])?;
        level.as_str().map(str::to_owned)
    });
    if level.as_deref() == Some("forbid") {
        return None;
    }
    Some(Finding::of_file(place, "[workspace.lints.rust] does not forbid unsafe_code"))
}

/// Looks at the manifest of a member.
pub(crate) fn check_member(place: &str, name: &str, text: &str) -> Option<Finding> {
    if OWN_LINTS.iter().any(|(exception, _)| *exception == name) {
        return None;
    }
    let inherits = text
        .parse::<DocumentMut>()
        .ok()
        .and_then(|document| lookup(document.as_item(), &["lints", "workspace"])?.as_bool());
    if inherits == Some(true) {
        return None;
    }
    Some(Finding::of_file(
        place,
        "it does not take the lints of the workspace (lints.workspace = true)",
    ))
}

fn lookup<'a>(item: &'a Item, path: &[&str]) -> Option<&'a Item> {
    path.iter().try_fold(item, |item, key| item.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_that_does_not_forbid_unsafe_code_is_caught() {
        let good = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
        assert_eq!(check_workspace("Cargo.toml", good), None);
        for bad in ["", "[workspace.lints.rust]\nunsafe_code = \"deny\"\n", "[["] {
            assert!(check_workspace("Cargo.toml", bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_member_without_the_lints_is_caught() {
        for good in ["[lints]\nworkspace = true\n", "lints.workspace = true\n"] {
            assert_eq!(check_member("Cargo.toml", "a", good), None);
        }
        for bad in ["", "[lints]\nworkspace = false\n", "[lints.rust]\nunsafe_code = \"allow\"\n"] {
            assert!(check_member("Cargo.toml", "a", bad).is_some(), "{bad}");
        }
    }
}
