//! Files that say what is allowed.
//!
//! They are read whole or not at all. With a part of them missing more could be allowed than before: a rule that denies may
//! be in the part that is gone. So unlike any other file, one that cannot be read is not set aside: it is refused.

use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

use capability_migration::{Registry, policies_1_0};

use super::evidence::{Evidence, FIRST, SECOND};
use super::report::Report;
use crate::authority::{Capability, Policy};
use crate::json::FieldError;
use crate::pieces::{Ending, Limits, Piece, PieceError, Totals, read_pieces};
use crate::record::RecordKind;
use crate::role::Role;

/// Reads policies or capabilities, and refuses what cannot be read.
pub(crate) fn check(
    path: &Path,
    role: Role,
    report: &mut Report,
    evidence: &mut Evidence,
) -> Result<Totals, PieceError> {
    let mut reader = BufReader::new(File::open(path)?);
    let totals = read_pieces(&mut reader, role.layout(), Limits::STANDARD, &mut |piece| {
        let line = Some(piece.line);
        match (&piece.damage, element(role, &piece, report.file(), evidence)) {
            (Some(damage), _) => report.refused(line, refusal(role, &damage.to_string())),
            (None, Err(error)) => report.refused(line, refusal(role, &error.to_string())),
            (None, Ok(unknown)) => {
                // What an upgrade could not read must not be sealed into a home, where nobody can mend it.
                if let Err(cause) = can_be_migrated(role, piece.bytes) {
                    report.refused(line, refusal(role, &cause));
                }
                for name in unknown {
                    report.kept(line, format!("the field {name:?} is unknown; it is kept"));
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    if totals.ending == Ending::Unclosed {
        report.refused(None, refusal(role, "the array is cut off"));
    }
    Ok(totals)
}

/// Whether an upgrade can read it, as either release wrote it.
fn can_be_migrated(role: Role, element: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(element).map_err(|error| error.to_string())?;
    let text = format!("[{text}]");
    let read = match role {
        Role::Policies => policies_1_0(&text).map(drop),
        _ => Registry::from_1_0_3(&text).or_else(|_| Registry::from_1_0_0(&text)).map(drop),
    };
    read.map_err(|error| error.to_string())
}

/// Why a file that should say what is allowed stops the adoption.
pub(crate) fn refusal(role: Role, cause: &str) -> String {
    let about = role.about();
    format!(
        "{about} cannot be read: {cause}; without all of them more might be allowed than before"
    )
}

fn element(
    role: Role,
    piece: &Piece<'_>,
    file: &str,
    evidence: &mut Evidence,
) -> Result<Vec<String>, FieldError> {
    let place = format!("{file}:{}", piece.line);
    if role == Role::Policies {
        let (policy, unknown) = Policy::read(piece.bytes)?;
        for rule in &policy.rules {
            evidence.tool(&rule.resource, &place);
        }
        return Ok(unknown);
    }
    let (capability, unknown) = Capability::read(piece.bytes)?;
    evidence.tool(&capability.name, &place);
    let name = &capability.name;
    match capability.enabled {
        None => evidence.decides(FIRST, "capability", || {
            format!("{place} has the capability {name:?} without `enabled`")
        }),
        Some(_) => evidence.decides(SECOND, "capability", || {
            format!("{place} has the capability {name:?} with `enabled`")
        }),
    }
    Ok(unknown)
}
