//! Mutants that the tests miss, one after the other in a copy of the workspace: does the simulation find them?

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::evidence::JUDGE;
use super::outcomes::{Mutant, Position, Span};
use crate::sabotage::{Simulator, Verdict, copy_workspace};

/// What the simulation says of one mutant.
#[derive(Debug)]
pub(super) enum Finding {
    /// It notices: who does, and what is wrong.
    Caught { by: String, what: String },
    /// It does not, for this reason.
    Missed(String),
}

/// Builds the simulator of each mutant in `copy` and hunts with it, shortly. Without any mutant it must find nothing.
///
/// # Errors
/// If the simulator does not build, or finds something, without any mutant; or what a file operation says.
pub(super) fn hunt(
    root: &Path,
    copy: &Path,
    mutants: &[(&Mutant, Span)],
    tell: &mut dyn FnMut(&Mutant, &Finding),
) -> Result<(), String> {
    if mutants.is_empty() {
        return Ok(());
    }
    copy_workspace(root, copy, &BTreeMap::new())?;
    Simulator::build(copy, None, true)?.control()?;
    for (mutant, span) in mutants {
        let source = fs::read_to_string(root.join(&mutant.file))
            .map_err(|error| format!("cannot read {}: {error}", mutant.file))?;
        let changed = replaced(&source, *span, &mutant.replacement);
        copy_workspace(root, copy, &BTreeMap::from([(mutant.file.clone(), changed)]))?;
        let finding = match Simulator::build(copy, None, true) {
            Ok(simulator) => found(simulator.hunt_as_built()),
            Err(why) => Finding::Missed(format!("its simulator does not build: {why}")),
        };
        tell(mutant, &finding);
    }
    copy_workspace(root, copy, &BTreeMap::new())
}

fn found(verdict: Verdict) -> Finding {
    match verdict {
        Verdict::Caught(found) => {
            Finding::Caught { by: format!("{JUDGE}{}", found.judge), what: found.to_string() }
        }
        Verdict::Missed | Verdict::NeverReached | Verdict::NotAsked => {
            Finding::Missed("it finds nothing".to_owned())
        }
        Verdict::Hung => Finding::Missed("it does not end".to_owned()),
    }
}

/// A source with the text of a span replaced.
fn replaced(source: &str, span: Span, replacement: &str) -> String {
    let (start, end) = (offset(source, span.start), offset(source, span.end));
    let before = source.get(..start).unwrap_or_default();
    let after = source.get(end..).unwrap_or_default();
    format!("{before}{replacement}{after}")
}

/// Where a place is, in bytes; the end of the source if it has no such place.
fn offset(source: &str, position: Position) -> usize {
    let mut lines = source.split_inclusive('\n');
    let before: usize = lines.by_ref().take(position.line - 1).map(str::len).sum();
    let line = lines.next().unwrap_or_default();
    let within = line.char_indices().nth(position.column - 1).map_or(line.len(), |(at, _)| at);
    before + within
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: (usize, usize), end: (usize, usize)) -> Span {
        let position = |(line, column)| Position { line, column };
        Span { start: position(start), end: position(end) }
    }

    #[test]
    fn a_mutant_is_its_source_with_one_span_replaced() {
        let source = "fn f() -> bool {\n    // ä\n    a == b\n}\n";
        let operator = replaced(source, span((3, 7), (3, 9)), "!=");
        assert_eq!(operator, source.replace("==", "!="));
        let body = replaced(source, span((2, 5), (3, 11)), "true");
        assert_eq!(body, "fn f() -> bool {\n    true\n}\n");
        let behind = replaced("let ä = a - 1;", span((1, 9), (1, 14)), "0");
        assert_eq!(behind, "let ä = 0;");
    }
}
