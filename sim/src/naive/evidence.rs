//! What is told of a hazard: the profile, the crash point, and a short timeline.

use sim::disk::Operation;
use sim::fault::Call;
use sim::world::{Logged, Mark};

use super::hunt::{Crash, Run};
use super::programs::Program;

/// So many operations before the crash are told, beside what is lost and what is marked.
const LAST_TOLD: usize = 6;
/// And so many lines in all.
const LINES: usize = 10;

/// A hazard that was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evidence {
    /// How small it is: the profile's strength, what is lost, where the crash is, which call failed.
    pub(super) rank: (usize, usize, usize, u64),
    /// The name of the hazard.
    pub(super) hazard: &'static str,
    /// A paragraph.
    pub(super) text: String,
}

/// Tells a crash.
pub(super) fn tell(program: &Program, run: &Run, crash: &Crash, harm: &str) -> String {
    let mut lines = Vec::new();
    if let (Some(call), Some(nth)) = (program.fault, run.failing) {
        let failing = if call == Call::Read { "read" } else { "sync" };
        lines.push(format!("    {failing} number {nth} fails once, with EIO"));
    }
    let first = crash.point.saturating_sub(LAST_TOLD);
    let failed = |at: usize| {
        let logged = run.log.get(at).and_then(Logged::operation);
        matches!(logged, Some(Operation::SyncFailed { .. }))
    };
    let told = |at: &usize| match run.log.get(*at) {
        Some(Logged::Mark(_)) => true,
        None => false,
        Some(logged @ Logged::Operation { operation, .. }) => match operation {
            // The name tells it.
            Operation::Create { .. } => false,
            Operation::Write { .. } if logged.path().ends_with(".jnl") => true,
            // What leads to a failed sync is told with it.
            _ => *at >= first || crash.lost.contains(at) || failed(*at) || failed(*at + 1),
        },
    };
    let chosen: Vec<usize> = (0..crash.point).filter(told).collect();
    let skipped = chosen.len().saturating_sub(LINES);
    let chosen = chosen.get(skipped..).unwrap_or_default();
    let mut previous = 0;
    for at in chosen {
        let skipped = if *at > previous { "…" } else { "" };
        previous = at + 1;
        lines.push(format!("{skipped:>1}{previous:>3} {}", line(run, crash, *at)));
    }
    let end = if crash.profile.name() == "kill" { "the process ends" } else { "the power goes" };
    lines.push(format!("  → {end}; then {harm}"));
    format!(
        "{}: {} (profile {}, crash after operation {})\n  {}",
        program.hazard,
        program.title,
        crash.profile.name(),
        crash.point,
        lines.join("\n  ")
    )
}

fn line(run: &Run, crash: &Crash, at: usize) -> String {
    match run.log.get(at) {
        Some(Logged::Operation { operation, path, .. }) => {
            let kept = if !crash.lost.contains(&at) {
                ""
            } else if crash.hole {
                "  ← LOST in part: one page in its middle"
            } else {
                "  ← LOST"
            };
            format!("{} {}{kept}", describe(operation), without_random(path))
        }
        Some(Logged::Mark(Mark::Note(text))) => format!("· {text}"),
        Some(Logged::Mark(_)) | None => String::new(),
    }
}

fn describe(operation: &Operation) -> String {
    match operation {
        Operation::Create { .. } => "create".to_owned(),
        Operation::Enter { .. } => "enter the name".to_owned(),
        Operation::Leave { .. } => "remove the name".to_owned(),
        Operation::Move { to, .. } => format!("rename to {}:", to.1),
        Operation::Write { offset, data, .. } => {
            format!("write {} bytes at {offset} to", data.len())
        }
        Operation::Resize { size, .. } => format!("resize to {size}"),
        Operation::Mode { .. } => "chmod".to_owned(),
        Operation::Sync { .. } => "sync".to_owned(),
        Operation::SyncFailed { .. } => "sync FAILS (EIO)".to_owned(),
    }
}

/// A path, without the random part of a temporary name.
fn without_random(path: &str) -> String {
    path.find("/.tmp")
        .and_then(|at| path.get(..at))
        .map_or_else(|| path.to_owned(), |directory| format!("{directory}/.tmp…"))
}
