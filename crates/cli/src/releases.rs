//! Releases, as the command line takes them: what is none is answered with those that there are.

use femtoclaw_catalogue::FemtoClaw;
use upgrade::Catalogue;
use versioning::RuntimeVersion;

/// The version of a release that somebody names.
pub(crate) fn release(text: &str) -> Result<RuntimeVersion, String> {
    text.parse().map_err(|error: versioning::InvalidVersion| format!("{error}; {}", carried(text)))
}

/// The releases that this command carries, and which of them may have been meant.
fn carried(text: &str) -> String {
    let releases = FemtoClaw.releases().iter().filter(|release| release.installable);
    let names: Vec<String> = releases.map(|release| release.runtime().to_string()).collect();
    let all = format!("this command carries {}", names.join(", "));
    let meant = text.trim_start_matches('v').trim_end_matches(".x");
    let mut similar = names.iter().filter(|name| {
        let rest = name.strip_prefix(meant);
        !meant.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    match (similar.next(), similar.next()) {
        (Some(one), None) => format!("did you mean {one}? {all}"),
        _ => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_version_is_answered_with_those_that_there_are() {
        for meant in ["2.1", "v2.1.0", "2.1.x"] {
            let said = release(meant).unwrap_err();
            assert!(said.contains("did you mean 2.1.0? this command carries "), "{said}");
        }
        for unclear in ["2", "banana", "", "v"] {
            let said = release(unclear).unwrap_err();
            assert!(!said.contains("did you mean") && said.contains("2.0.0, 2.1.0"), "{said}");
        }
        assert_eq!(release("9.9.9"), Ok(RuntimeVersion::new(9, 9, 9)), "judged with all else");
    }
}
