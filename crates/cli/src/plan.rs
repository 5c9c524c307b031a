//! A plan as people read it: what changes in each part, what it takes, what is to be agreed to, and what to type next.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use upgrade::compatibility::{RollbackData, Severity};
use upgrade::config_migration::{Change, ChangeKind};
use upgrade::extension_migration::Fate;
use upgrade::{ConfigurationStretch, HomeView, Plan, PlannedBinary, PlannedPart, Request};

use crate::arguments::Target;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::help::PROGRAM;
use crate::human;
use crate::shell::command_line;
use crate::style::{Style, hung};
use crate::units;

/// How many values that stay as they are are shown beside those that do not.
const CONTEXT: usize = 8;

/// A plan, what it takes, and what comes next.
pub(crate) struct Proposal {
    plan: Plan,
    estimate: Option<Estimate>,
    /// Command lines, each with what it is for.
    next: Vec<(&'static str, Vec<String>)>,
}

impl Proposal {
    /// Estimates what a plan takes, and says how it is carried out.
    pub(crate) fn of(
        view: &HomeView<'_>,
        plan: Plan,
        (request, target): (&Request, &Target),
        home: &Path,
    ) -> Result<Self, Failure> {
        let estimate = Estimate::of(view, &plan, request, home)?;
        let signed = view.state().keyring.is_some();
        let next =
            if plan.is_nothing_to_do() { Vec::new() } else { next(&plan, target, home, signed) };
        Ok(Self { plan, estimate, next })
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let plan = &self.plan;
        let next: Vec<&[String]> = self.next.iter().map(|(_, words)| words.as_slice()).collect();
        json!({
            "digest": plan.digest(), "nothing_to_do": plan.is_nothing_to_do(),
            "generation": plan.to.generation, "rolled_back": plan.rolled_back,
            "pinned": plan.pinned, "plan": plan,
            "configuration_changes": plan.configuration_stretches, "estimate": self.estimate,
            "next": next,
        })
    }

    /// For people.
    pub(crate) fn text(&self, style: &Style) -> String {
        let plan = &self.plan;
        if plan.is_nothing_to_do() {
            return human::nothing_to_do(plan);
        }
        let mut text = title(plan, style);
        let mut section = |heading: &str, content: String| {
            let _ = write!(text, "\n{}\n{content}", style.strong(heading));
        };
        let (from, to) = (&plan.from.versions, &plan.to.versions);
        section("Binary", self.binary(style));
        section(&format!("Store, schema {} → {}", from.storage, to.storage), store(plan));
        section(
            &format!("Configuration, schema {} → {}", from.configuration, to.configuration),
            configuration(plan, style),
        );
        section("Policy: who can do more, who can do less", human::authority(&plan.authority));
        section("Extensions", extensions(plan));
        section("Other files", other_files(plan));
        if let Some(estimate) = &self.estimate {
            section("Time and space (an estimate, no part of the digest)", estimate.text());
        }
        section("Rollback", rollback(plan));
        let agree = to_agree_to(plan);
        if !agree.is_empty() {
            section("To agree to", agree);
        }
        let _ = writeln!(text, "\nplan {}", plan.digest());
        for (purpose, words) in &self.next {
            let _ = write!(text, "{purpose}\n{}", style.next(&command_line(words, 2)));
        }
        text
    }

    fn binary(&self, style: &Style) -> String {
        let plan = &self.plan;
        let needs = self.estimate.as_ref().map(|estimate| &estimate.needs);
        let described = |version: &dyn std::fmt::Display, binary: PlannedBinary| {
            format!("{version}, {}\n      {}", units::bytes(binary.size as f64), binary.digest)
        };
        let (from, to) = (&plan.from.versions.runtime, &plan.to.versions.runtime);
        let before = needs.and_then(|needs| needs.binary_before);
        let before = before.map_or_else(
            || format!("{from}, whose binary is not in this home"),
            |binary| described(from, binary),
        );
        let after = needs.and_then(|needs| needs.binary_after);
        let after = after.map_or_else(
            || format!("{to}: no binary was given; the runtime brings itself"),
            |binary| described(to, binary),
        );
        let (before, after) = (format!("  - {before}"), format!("  + {after}"));
        let (from, to) = (&plan.from.versions.protocol, &plan.to.versions.protocol);
        let protocol =
            if from == to { String::new() } else { format!("  protocol {from} → {to}\n") };
        format!("{}\n{}\n{protocol}", style.removed(&before), style.added(&after))
    }
}

fn title(plan: &Plan, style: &Style) -> String {
    let (from, to) = (&plan.from.versions.runtime, &plan.to.versions.runtime);
    let heading = format!(
        "Upgrade {} {from} → {to}  (generation {} → {})",
        plan.product, plan.from.generation, plan.to.generation
    );
    let mut text = format!("{}\n", style.strong(&heading));
    if let Some(kinds) = &plan.kinds {
        text.push_str(&hung("  ", &kinds.to_string()));
    }
    text.push_str(&hung("  ", &plan.to.summary));
    if !plan.rolled_back.is_empty() {
        let numbers: Vec<String> = plan.rolled_back.iter().map(ToString::to_string).collect();
        let warning =
            format!("This release was rolled back before: generation {}.", numbers.join(", "));
        let _ = writeln!(text, "\n{}", style.warning(&warning));
    }
    text
}

fn store(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let (from, to, print) = (step.from, step.to, step.fingerprint.short());
        let _ = writeln!(text, "  migration {from} → {to}  {:<24} {print}", step.name);
    }
    let row = |name: &str, class: &str, records: &str, what: &str| {
        format!("  {name:<20} {class:<7} {records:>12}  {what}\n")
    };
    text.push_str(&row("keyspace", "class", "records", "what happens"));
    for keyspace in &plan.keyspaces {
        let class = json!(keyspace.class);
        let class = class.as_str().unwrap_or_default();
        text.push_str(&row(&keyspace.name, class, &keyspace.records.to_string(), keyspace.action));
    }
    if !plan.steps.is_empty() {
        text.push_str(&hung(
            "  ",
            "Nothing is dropped: a record that has no place in the new schema is archived, with \
             the reason, and the counts must balance.",
        ));
    }
    if plan.from.records_may_have_grown {
        let _ = writeln!(text, "  A runtime has written since these were counted.");
    }
    text
}

/// Place by place, as a patch is read; what the places do not show, as the sentences that the digest covers.
fn configuration(plan: &Plan, style: &Style) -> String {
    let mut text = String::new();
    for stretch in &plan.configuration_stretches {
        stretch_text(&mut text, stretch, style);
    }
    let told: Vec<String> = plan
        .configuration_stretches
        .iter()
        .flat_map(|stretch| stretch.changes.iter().map(ToString::to_string))
        .collect();
    for change in plan.configuration.iter().filter(|change| !told.contains(change)) {
        text.push_str(&hung("  * ", change));
    }
    if text.is_empty() { "  unchanged\n".to_owned() } else { text }
}

fn stretch_text(text: &mut String, stretch: &ConfigurationStretch, style: &Style) {
    let heading = format!("@@ schema {} → {} @@", stretch.from, stretch.to);
    let _ = writeln!(text, "  {}", style.next(&heading));
    let is_kept = |change: &&Change| change.kind == ChangeKind::Kept;
    for change in stretch.changes.iter().filter(|change| !is_kept(change)) {
        let before = change.before.as_ref().or(change.after.as_ref());
        let after = change.after.as_ref().or(change.before.as_ref());
        if let (Some(place), Some(value)) = (&change.from, before) {
            text.push_str(&colored(&hung("  - ", &format!("{place} = {value}")), |line| {
                style.removed(line)
            }));
        }
        if let (Some(place), Some(value)) = (&change.to, after) {
            let why = match change.kind {
                ChangeKind::Defaulted => "  (default)",
                ChangeKind::Carried => "  (kept, and not in force)",
                ChangeKind::SecretMoved => "  (in the file of secrets)",
                _ => "",
            };
            text.push_str(&colored(&hung("  + ", &format!("{place} = {value}{why}")), |line| {
                style.added(line)
            }));
        }
    }
    let kept: Vec<&Change> = stretch.changes.iter().filter(is_kept).collect();
    for change in kept.iter().take(CONTEXT) {
        let place = change.to.as_ref().or(change.from.as_ref());
        let value = change.after.as_ref().or(change.before.as_ref());
        if let (Some(place), Some(value)) = (place, value) {
            text.push_str(&hung("    ", &format!("{place} = {value}")));
        }
    }
    if kept.len() > CONTEXT {
        let _ = writeln!(text, "    … and {} more that stay", kept.len() - CONTEXT);
    }
}

fn colored(lines: &str, set: impl Fn(&str) -> String) -> String {
    lines.lines().map(|line| set(line) + "\n").collect()
}

fn extensions(plan: &Plan) -> String {
    let mut text = String::new();
    for planned in plan.extensions.iter().flat_map(|plan| &plan.extensions) {
        let (fate, identity, version) = (planned.fate, &planned.identity, &planned.version);
        text.push_str(&hung("  ", &format!("{fate}: {identity} {version}")));
        // Why one is kept is the same for most.
        for reason in planned.reasons.iter().filter(|_| planned.fate != Fate::Kept) {
            text.push_str(&hung("    ", &reason.to_string()));
        }
    }
    if text.is_empty() {
        text.push_str("  none\n");
    }
    for unused in plan.extensions.iter().map(|plan| &plan.unused) {
        for directory in &unused.set_aside {
            let _ = writeln!(text, "  not needed: the consent to set {directory} aside");
        }
        for grant in &unused.grants {
            text.push_str(&hung("  ", &format!("not needed: the grant of {grant}")));
        }
    }
    text
}

fn other_files(plan: &Plan) -> String {
    let sum = |count: fn(&PlannedPart) -> usize| plan.parts.values().map(count).sum::<usize>();
    let (carried, written) = (sum(|part| part.carried), sum(|part| part.written));
    hung(
        "  ",
        &format!(
            "Of policy, extensions and what was set aside, {carried} files are carried over byte \
             for byte, and {written} written anew."
        ),
    )
}

fn rollback(plan: &Plan) -> String {
    let (generation, version) = (plan.from.generation, &plan.from.versions.runtime);
    let left = plan.to.generation;
    let later = match plan.consent.rollback_data {
        RollbackData::SetAside => format!(
            "What is written after the upgrade stays in generation {left}, and can be exported."
        ),
        RollbackData::Preserve => format!(
            "With --data preserve it takes along what is written after the upgrade; any other way \
             back leaves that in generation {left}, and it can be exported."
        ),
    };
    hung(
        "  ",
        &format!(
            "A rollback restores generation {generation} exactly as it is now: {version}, its \
             records, configuration, policy and extensions. {later} The new generation has {} \
             starts to prove itself; then the home goes back by itself.",
            plan.tries
        ),
    )
}

fn to_agree_to(plan: &Plan) -> String {
    let reasons = plan.verdict.iter().flat_map(|verdict| verdict.of(Severity::NeedsConsent));
    reasons
        .map(|reason| {
            let telling = reason.telling();
            hung("  - ", &format!("{} [{}]", telling.message, telling.code))
        })
        .collect()
}

/// What to type to have it carried out.
fn next(
    plan: &Plan,
    target: &Target,
    home: &Path,
    signed: bool,
) -> Vec<(&'static str, Vec<String>)> {
    let home = ["--home".to_owned(), home.display().to_string()];
    let line = |verbs: &[&str], more: &[&str]| -> Vec<String> {
        let words = [PROGRAM].iter().chain(verbs).map(|word| (*word).to_owned());
        let words = words.chain(home.iter().cloned()).chain(target.words());
        words.chain(more.iter().map(|word| (*word).to_owned())).collect()
    };
    let digest = plan.digest().to_string();
    let plan = ["--plan", digest.as_str()];
    if !signed {
        let apply = line(&["apply"], &[&plan[..], &["--development"]].concat());
        return vec![("To do exactly this:", apply)];
    }
    let file = "upgrade.json";
    vec![
        ("To have exactly this signed:", line(&["authorize", "upgrade"], &["--output", file])),
        ("And to do it:", line(&["apply"], &[&plan[..], &["--authorization", file]].concat())),
    ]
}
