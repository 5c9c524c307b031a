//! What a runtime is given: its environment and its arguments.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::Command;

use upgrade::{Launch, Part};

/// The facts of one launch, each with the name that it has as a placeholder.
pub(super) struct Given {
    facts: [(&'static str, OsString); 7],
}

impl Given {
    pub(super) fn of(launch: &Launch, home: &Path) -> Self {
        let part = |part| launch.path(part).into_os_string();
        let facts = [
            ("home", home.as_os_str().to_owned()),
            ("generation", launch.generation().number().to_string().into()),
            ("version", launch.versions().runtime.to_string().into()),
            ("store", part(Part::Store)),
            ("configuration", part(Part::Configuration)),
            ("policy", part(Part::Policy)),
            ("extensions", part(Part::Extensions)),
        ];
        Self { facts }
    }

    /// Puts them into the environment of a command: `FEMTOCLAW_STORE` and so on.
    pub(super) fn to_environment(&self, command: &mut Command) {
        for (name, value) in &self.facts {
            command.env(format!("FEMTOCLAW_{}", name.to_ascii_uppercase()), value);
        }
    }

    /// An argument with every placeholder replaced. What else stands between braces stays as it is.
    pub(super) fn fill_in(&self, argument: &OsStr) -> OsString {
        let mut filled = Vec::new();
        let mut rest = argument.as_bytes();
        while let Some((first, more)) = rest.split_first() {
            match self.facts.iter().find_map(|(name, value)| Some((value, after(rest, name)?))) {
                Some((value, behind)) => {
                    filled.extend_from_slice(value.as_bytes());
                    rest = behind;
                }
                None => {
                    filled.push(*first);
                    rest = more;
                }
            }
        }
        OsString::from_vec(filled)
    }
}

/// What comes behind a placeholder, if the bytes begin with it.
fn after<'b>(bytes: &'b [u8], name: &str) -> Option<&'b [u8]> {
    bytes.strip_prefix(b"{")?.strip_prefix(name.as_bytes())?.strip_prefix(b"}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_once_and_everything_else_stays() {
        let facts =
            ["home", "generation", "version", "store", "configuration", "policy", "extensions"];
        let given = Given { facts: facts.map(|name| (name, format!("<{{{name}}}>").into())) };
        for (argument, expected) in [
            ("{store}/x{generation}", "<{store}>/x<{generation}>"),
            ("{}{unknown}{ store}{{home}}", "{}{unknown}{ store}{<{home}>}"),
            ("", ""),
            ("{store", "{store"),
        ] {
            assert_eq!(given.fill_in(OsStr::new(argument)), OsStr::new(expected));
        }
        let bytes = OsStr::from_bytes(b"\xff{policy}");
        assert_eq!(given.fill_in(bytes).as_bytes(), b"\xff<{policy}>");
    }
}
