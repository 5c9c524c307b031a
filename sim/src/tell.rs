//! What is told of a campaign.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::classes;
use crate::id::StateId;
use crate::judges;
use crate::replay::Check;
use crate::report::{Part, Report, Violation};
use crate::rot;
use crate::scenario::all;

/// The scenarios, and the judges.
pub(crate) fn list() -> bool {
    println!("scenarios:");
    for scenario in all() {
        println!("  {:<18} {}", scenario.name, scenario.about);
    }
    println!("  {:<18} a random life of a random home", "random-N");
    println!("\njudges:");
    for judge in judges::ALL {
        println!("  {:<18} {} ({})", judge.name, judge.claim, judge.clause);
    }
    true
}

/// Tells what is not as it must be, and how it is made again.
pub(crate) fn violation(violation: &Violation) {
    eprintln!("violation: {} says of {}: {}", violation.judge, violation.id, violation.what);
    let id = &violation.id;
    if id.parse::<StateId>().is_ok() {
        eprintln!("  cargo xtask sim --replay '{id}' --shrink");
    } else if Check::named(id).is_some() {
        eprintln!("  cargo xtask sim --replay '{id}'");
    }
}

/// What a campaign came to.
pub(crate) struct Summary<'o> {
    pub(crate) report: &'o Report,
    /// How long it took.
    pub(crate) seconds: f64,
    /// What caught the canary.
    pub(crate) canary: Option<&'o str>,
    /// Whether it came to the same twice, if it was run twice.
    pub(crate) same: bool,
}

/// Tells what a campaign saw, and whether all of it is as it must be.
pub(crate) fn campaign(arguments: &Arguments, summary: &Summary<'_>) -> bool {
    let ok = is_as_it_must_be(arguments, summary);
    let line = summary.line(arguments.campaign.seed, ok);
    if arguments.json {
        println!("{line}");
    } else {
        summary.people();
    }
    let write = |path: &PathBuf| std::fs::write(path, format!("{line}\n"));
    if let Some(Err(error)) = arguments.report.as_ref().map(write) {
        eprintln!("the report cannot be written: {error}");
        return false;
    }
    ok
}

/// Whether everything is as it must be; tells what is not.
fn is_as_it_must_be(arguments: &Arguments, summary: &Summary<'_>) -> bool {
    let Summary { report, canary, same, .. } = summary;
    let unmet = unmet(arguments, report);
    for (run, count) in &report.violated {
        eprintln!("{count:>8} violations: {run}");
    }
    for class in &unmet {
        eprintln!("no fault of class {class} was met");
    }
    if !same {
        eprintln!("run twice, it was not the same");
    }
    if canary.is_none() {
        eprintln!(
            "the canary was not caught: the journal's last record is never synced, and nobody noticed"
        );
    }
    report.violations == 0
        && report.distinct_states > 0
        && canary.is_some()
        && *same
        && unmet.is_empty()
}

/// Classes of faults that every whole campaign has to meet, and this one did not.
fn unmet(arguments: &Arguments, report: &Report) -> Vec<&'static str> {
    if !arguments.campaign.is_whole() {
        return Vec::new();
    }
    let classes = classes::CLASSES.into_iter().map(|class| class.name).chain(rot::CLASSES);
    classes.filter(|class| !report.fault_classes.contains_key(*class)).collect()
}

impl Summary<'_> {
    /// Distinct states per second.
    fn rate(&self) -> f64 {
        self.report.distinct_states as f64 / self.seconds.max(0.001)
    }

    /// How many of the points were looked at in full.
    fn exhaustive_ratio(&self) -> f64 {
        let walked = self.report.walked();
        walked.exhaustive_points as f64 / walked.crash_points.max(1) as f64
    }

    /// For scripts.
    fn line(&self, seed: u64, ok: bool) -> Value {
        let report = self.report;
        let walked = report.walked();
        let parts = report.by_part.iter().map(|(name, part)| {
            let Part { states, nanoseconds } = *part;
            (name, json!({ "states": states, "seconds": nanoseconds as f64 / 1e9 }))
        });
        let parts: BTreeMap<_, _> = parts.collect();
        json!({
            "type": "sim",
            "ok": ok,
            "seed": seed,
            "scenarios": walked.scenarios,
            "operations": walked.operations,
            "crash_points": walked.crash_points,
            "states": walked.images,
            "distinct_states": report.distinct_states,
            "states_per_s": self.rate().round(),
            "exhaustive_ratio": self.exhaustive_ratio(),
            "max_depth": report.max_depth,
            "fault_classes": report.fault_classes,
            "faults_in_recoveries": report.faults_in_recoveries,
            "violations": report.violations,
            "violated": report.violated,
            "log_hash": report.log_hash(),
            "verdicts": format!("{:016x}", report.verdicts),
            "judged": report.judged,
            "by_scenario": report.by_scenario,
            "by_part": parts,
            "trace_steps": report.trace_steps,
            "canary_caught": self.canary.is_some(),
            "canary": self.canary,
            "seconds": self.seconds,
            "found": report.kept,
        })
    }

    /// For people.
    fn people(&self) {
        let (report, seconds, rate, ratio) =
            (self.report, self.seconds, self.rate(), self.exhaustive_ratio());
        let walked = report.walked();
        for (name, states) in &report.by_scenario {
            println!("{name:<28} {states:>9} states");
        }
        for (name, Part { states, nanoseconds }) in &report.by_part {
            let seconds = *nanoseconds as f64 / 1e9;
            println!(
                "{name:<28} {states:>9} states first, {seconds:.1} s of all processes together"
            );
        }
        let met: Vec<String> =
            report.fault_classes.iter().map(|(class, hits)| format!("{class} {hits}")).collect();
        println!("faults met: {}", met.join(", "));
        let in_recoveries: u64 = report.faults_in_recoveries.values().sum();
        println!(
            "{in_recoveries} more in recoveries, of {} classes",
            report.faults_in_recoveries.len()
        );
        let judged: Vec<String> =
            report.judged.iter().map(|(judge, count)| format!("{judge} {count}")).collect();
        println!("judged: {}", judged.join(", "));
        println!("{} trace steps held to the model of the protocol", report.trace_steps);
        println!(
            "{} scenarios, {} operations, {} crash points ({:.1} % exhaustive), {} images, {} distinct states \
         recovered, read and judged in {seconds:.1} s ({rate:.0}/s), depth {}, {} violations",
            walked.scenarios,
            walked.operations,
            walked.crash_points,
            100.0 * ratio,
            walked.images,
            report.distinct_states,
            report.max_depth,
            report.violations
        );
    }
}
