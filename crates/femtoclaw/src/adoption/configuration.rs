//! The configuration of a directory.
//!
//! It is read whole or not at all. Set aside, defaults would take its place: another model would answer, and nobody would
//! have decided so. So one that cannot be read stops the adoption.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::report::Report;
use crate::json_configuration::{self as json, Fault, MAXIMUM_CONFIGURATION_BYTES, SECTIONS};
use crate::members::members;
use crate::role::Role;

/// Reads a configuration. Refuses one that cannot be read, and notes what an upgrade will refuse.
///
/// `certain` unless nothing but a word in it says that it is one. Such a file, if it can be read, is none.
pub(crate) fn check(path: &Path, certain: bool, report: &mut Report) -> io::Result<Role> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAXIMUM_CONFIGURATION_BYTES + 1).read_to_end(&mut bytes)?;
    let read = if bytes.len() as u64 > MAXIMUM_CONFIGURATION_BYTES {
        let cause = format!("it has more than {MAXIMUM_CONFIGURATION_BYTES} bytes");
        Err(Fault { line: None, cause })
    } else {
        json::read(&bytes)
    };
    let document = match read {
        Ok(document) => document,
        Err(fault) => {
            report.refused(fault.line, refusal(&fault.cause));
            return Ok(Role::Unrecognized);
        }
    };
    if !certain {
        report.set_aside(None, format!("{}; set aside whole", super::UNKNOWN));
        return Ok(Role::Unrecognized);
    }
    if !speaks_like_one(&bytes) {
        let [first, second, third] = SECTIONS;
        report.refused(None, refusal(&format!("it has none of {first}, {second} and {third}")));
        return Ok(Role::Unrecognized);
    }
    for fault in json::complaints(&document, &bytes) {
        let message = format!(
            "{}; an upgrade will refuse this: mend it in the source, and adopt that into a new home",
            fault.cause
        );
        report.kept(fault.line, message);
    }
    Ok(Role::Configuration)
}

/// Whether an object has a key that only a configuration has, as far as it can be read.
pub(crate) fn speaks_like_one(head: &[u8]) -> bool {
    members(head).iter().any(|member| SECTIONS.contains(&member.key.as_str()))
}

/// Why a configuration stops the adoption.
pub(crate) fn refusal(cause: &str) -> String {
    let about = Role::Configuration.about();
    format!(
        "{about} cannot be read: {cause}; mend it, or remove it: otherwise defaults would silently take its place"
    )
}
