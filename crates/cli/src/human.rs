//! Results as text: at most 80 columns, as far as what they name allows.

use std::fmt::Write;
use std::path::Path;

use upgrade::capability_migration::Decision;
use upgrade::{
    Adopted, Adoption, Applied, Collected, DataPolicy, Event, Finding, FindingOutcome, Generation,
    Home, KeyringStatus, Plan, PlannedAuthority, Record, Status,
};
use versioning::RuntimeVersion;

use crate::output::Style;
use crate::progress::Spent;
use crate::style::hung;
use crate::summary;

/// How many findings of an adoption are listed; `--json` has all of them.
const FINDINGS_SHOWN: usize = 20;

pub(crate) fn would_adopt(adoption: &Adoption, source: &Path, style: &Style) -> String {
    let version = &adoption.versions.runtime;
    let mut text = hung(
        "",
        &format!(
            "Would adopt {} as femtoclaw {version} ({} files). Nothing was written.",
            source.display(),
            adoption.files.len()
        ),
    );
    evidence(&mut text, &adoption.evidence);
    findings(&mut text, &adoption.findings, style);
    text
}

pub(crate) fn adopted(adopted: &Adopted, home: &Path, style: &Style) -> String {
    let manifest = adopted.generation.manifest();
    let mut text = format!(
        "Adopted femtoclaw {} as generation {} of {}.\n",
        style.strong(&manifest.versions.runtime.to_string()),
        adopted.generation.number(),
        home.display()
    );
    evidence(&mut text, &adopted.adoption.evidence);
    let _ = writeln!(text, "\n  {:<20} {:>10}", "keyspace", "records");
    for (name, sealed) in &manifest.keyspaces {
        let _ = writeln!(text, "  {name:<20} {:>10}", sealed.content.records);
    }
    let _ = writeln!(text, "\n  files   {}", adopted.adoption.files.len());
    let _ = writeln!(text, "  state   {}", manifest.state);
    findings(&mut text, &adopted.adoption.findings, style);
    text
}

fn evidence(text: &mut String, evidence: &[String]) {
    for reason in evidence {
        text.push_str(&hung("  because ", reason));
    }
}

fn findings(text: &mut String, findings: &[Finding], style: &Style) {
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", style.strong("Out of the ordinary:"));
    for finding in findings.iter().take(FINDINGS_SHOWN) {
        let outcome = match finding.outcome {
            FindingOutcome::Kept => "kept",
            FindingOutcome::SetAside => "set aside",
            FindingOutcome::Refused => "refused",
        };
        text.push_str(&hung(&format!("  {outcome:<9} "), &finding.to_string()));
    }
    if findings.len() > FINDINGS_SHOWN {
        let more = findings.len() - FINDINGS_SHOWN;
        let _ = writeln!(text, "  … and {more} more; `--json` lists all of them");
    }
}

/// What becomes of who may do what: nothing is widened that nobody has granted.
pub(crate) fn authority(planned: &PlannedAuthority) -> String {
    let mut text = String::new();
    for allowed in &planned.newly_allowed {
        text.push_str(&hung("  + ", &format!("NEWLY ALLOWED, by your grant: {allowed}")));
    }
    if planned.newly_allowed.is_empty() {
        text.push_str("  Nobody can do anything that was not allowed before.\n");
    }
    for denied in &planned.newly_denied {
        text.push_str(&hung("  - ", &format!("newly denied: {denied}")));
    }
    for change in planned.changes.iter().flat_map(|change| change.lines()) {
        let (indent, change) = change.split_at(change.len() - change.trim_start().len());
        text.push_str(&hung(&format!("  {indent}"), change));
    }
    for archived in &planned.archived {
        text.push_str(&hung("  ", &format!("no longer there as written: {archived}")));
    }
    text
}

pub(crate) fn authority_changes(
    to: &RuntimeVersion,
    planned: &PlannedAuthority,
    style: &Style,
) -> String {
    let mut text = format!("{}  {to}\n", style.strong("An upgrade to"));
    text.push_str(&authority(planned));
    if planned.newly_denied.is_empty() {
        text.push_str("  Nobody is denied anything that was allowed before.\n");
    }
    text
}

pub(crate) fn decision(
    decision: &Decision,
    rule: Option<&serde_json::Value>,
    dialect: &str,
    style: &Style,
) -> String {
    let mut text = style.strong(decision.code.as_str());
    match (&decision.rule, rule) {
        (Some(place), Some(rule)) => {
            let _ = write!(text, "\n  {place}, {dialect}:\n  {rule}\n");
        }
        (Some(place), None) => {
            let _ = write!(text, "\n  {place}, {dialect}\n");
        }
        (None, _) => {
            let _ = write!(text, "\n  no rule decided; {dialect}\n");
        }
    }
    text
}

pub(crate) fn nothing_to_do(plan: &Plan) -> String {
    let (generation, version) = (plan.from.generation, &plan.from.versions.runtime);
    let mut text = format!("Nothing to do: generation {generation} is at {version}.\n");
    if let Some(pinned) = &plan.pinned {
        let (newer, left) = (&pinned.version, pinned.generation);
        let reason = printable(&pinned.reason);
        let _ = writeln!(
            text,
            "It stays there: generation {left} ({newer}) was left ({reason}).\n\
             To take {newer} all the same, ask for it with `--target-version {newer}`."
        );
    }
    text
}

pub(crate) fn applied(
    applied: &Applied,
    spent: &Spent,
    (plan, signed): (&Plan, bool),
    home: &Path,
    style: &Style,
) -> String {
    let mut text = format!(
        "Generation {} ({}) is current, on trial with {} starts.\n\n  {:<20} {:>10} {:>10}\n",
        applied.to,
        style.strong(&plan.to.versions.runtime.to_string()),
        applied.tries,
        "keyspace",
        "before",
        "after"
    );
    let names: std::collections::BTreeSet<&str> =
        applied.before.iter().chain(applied.after.iter()).map(|(name, _)| name).collect();
    let count = |digest: Option<&integrity::KeyspaceDigest>| {
        digest.map_or_else(|| "–".to_owned(), |found| found.records.to_string())
    };
    for name in names {
        let (before, after) = (applied.before.get(name), applied.after.get(name));
        let _ = writeln!(text, "  {name:<20} {:>10} {:>10}", count(before), count(after));
    }
    let _ = writeln!(text, "\n  before  {}", applied.before.state());
    let _ = writeln!(text, "  after   {}\n", applied.state);
    text.push_str(&summary::text(applied, spent));
    if applied.links_refused > 0 {
        let _ = writeln!(
            text,
            "\n{} files were copied, because this file system refuses hard links.",
            applied.links_refused
        );
    }
    let _ = writeln!(
        text,
        "\nOnce it has proven itself:\n  femtoclaw-upgrade confirm --home {0}\n\
         To go back:\n  femtoclaw-upgrade rollback --home {0} {1}",
        home.display(),
        if signed { "--authorization FILE" } else { "--development" }
    );
    text
}

pub(crate) fn status(status: &Status, style: &Style) -> String {
    let mut text = String::new();
    for generation in &status.generations {
        let mark = if generation.current { "●" } else { " " };
        let tries = generation.tries_left.zip(generation.tries);
        let tries = tries.map(|(left, tries)| format!(" {left}/{tries}"));
        let target = if generation.rollback_target { " (rollback target)" } else { "" };
        let named = format!(
            "{mark} {:>3}  {:<12} ",
            generation.generation.to_string(),
            generation.versions.runtime.to_string()
        );
        let named = if generation.current { style.strong(&named) } else { named };
        let standing = format!("{}{}", generation.standing, tries.unwrap_or_default());
        let standing = match generation.standing {
            "confirmed" => style.added(&standing),
            "trial" | "building" => style.warning(&standing),
            "bad" => style.removed(&standing),
            _ => style.dim(&standing),
        };
        let line = format!("{named}{standing}{target}");
        let _ = writeln!(text, "{line}");
    }
    if status.current.is_none() {
        let _ = writeln!(text, "No generation is current: the adoption was never completed.");
    }
    if let Some(generation) = status.generations.iter().find(|generation| generation.current) {
        let versions = &generation.versions;
        let _ = writeln!(
            text,
            "\nstorage schema {}, configuration schema {}, protocol {}",
            versions.storage, versions.configuration, versions.protocol
        );
    }
    let _ = writeln!(text, "{} records in the journal", status.journal_records);
    match &status.keyring {
        Some(KeyringStatus { epoch, node }) => {
            let floor = status.security_floor;
            let _ = writeln!(text, "keyring {epoch} of {node}, security floor {floor}");
        }
        None => {
            let _ = writeln!(text, "no keyring: it is changed in development mode alone");
        }
    }
    if status.development {
        let _ = writeln!(text, "DEVELOPMENT: what is current was not authorised by a signature");
    }
    if let Some(attempt) = &status.attempt {
        text.push_str(&hung(
            "",
            &format!(
                "Attempt {} stands at “{}”: it is going on, or was interrupted \
                 (`femtoclaw-upgrade recover`).",
                attempt.attempt, attempt.phase
            ),
        ));
    }
    text
}

pub(crate) fn history(records: &[Record]) -> String {
    let mut text = String::new();
    for record in records {
        let time: String = record.time.to_string().chars().take(19).collect();
        let (seq, attempt, name) = (record.seq, record.attempt, record.event.name());
        let facts = printable(&facts(&record.event));
        let before = format!("{seq:>4}  {time}  #{attempt:<4} {name:<11} ");
        text.push_str(&hung(&before, &facts));
    }
    text
}

pub(crate) fn facts(event: &Event) -> String {
    match event {
        Event::Initialized { product, replaces, .. } => match replaces {
            Some(digest) => format!("{product}, replacing {}", digest.short()),
            None => product.clone(),
        },
        Event::Authorized { operation, authority, operator, signed, clock_behind } => {
            let by = signed.as_ref().map_or_else(
                || format!("by {operator}"),
                |signed| format!("by {}, for {operator}", principals(&signed.signers)),
            );
            let behind = if *clock_behind { ", with the clock behind" } else { "" };
            format!("{operation}, {authority}, {by}{behind}")
        }
        Event::Refused { operation, operator, reason, .. } => {
            format!("{operation}, asked for by {operator}: {}", first_line(reason))
        }
        Event::Keyring { epoch, node, signers, .. } => {
            format!("epoch {epoch} of {node}, by {}", principals(signers))
        }
        Event::Prepared { to, previous, target, .. } => match previous {
            Some(previous) => {
                format!("generation {to}: {} → {}", previous.runtime, target.runtime)
            }
            None => format!("generation {to}: {}", target.runtime),
        },
        Event::Quiesced { generation, parts, .. } => {
            format!("generation {generation} {}", parts.short())
        }
        Event::Sealed { generation, manifest } => {
            format!("generation {generation} {}", manifest.short())
        }
        Event::Activated { generation, .. } | Event::Confirmed { generation } => {
            format!("generation {generation}")
        }
        Event::Started { generation, runtime } => format!("generation {generation}: {runtime}"),
        Event::Tried { generation, left } | Event::Stopped { generation, left } => {
            format!("generation {generation}: {left} left")
        }
        Event::Closed { generation, seal } => format!("generation {generation} {}", seal.short()),
        Event::Reverted { from, to, data, reason, .. } => {
            let carried = if *data == DataPolicy::Preserve { ", records carried back" } else { "" };
            format!("generation {from} → {to}{carried}: {}", first_line(reason))
        }
        Event::Aborted { reason } => first_line(reason),
        Event::Recovered { generation, reason, .. } => {
            format!("generation {generation}: {}", first_line(reason))
        }
        Event::Collected { generation } => format!("generation {generation}"),
    }
}

fn principals(signers: &[upgrade::Signer]) -> String {
    if signers.is_empty() {
        return "nobody".to_owned();
    }
    signers.iter().map(|signer| signer.principal.as_str()).collect::<Vec<_>>().join(" and ")
}

/// Control characters could forge a line, or worse: they are shown as what they are.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(
            |found| {
                if found.is_control() { found.escape_default().to_string() } else { found.into() }
            },
        )
        .collect()
}

pub(crate) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

pub(crate) fn would_recover(status: &Status) -> String {
    match &status.attempt {
        None => "Nothing was interrupted. Nothing was written.\n".to_owned(),
        Some(attempt) => format!(
            "Would end attempt {} (“{}”) without effect. Nothing was written.\n",
            attempt.attempt, attempt.phase
        ),
    }
}

fn numbers(generations: &[versioning::GenerationNumber]) -> String {
    let numbers: Vec<String> = generations.iter().map(ToString::to_string).collect();
    if numbers.is_empty() {
        "nothing".to_owned()
    } else {
        format!("generation {}", numbers.join(", "))
    }
}

pub(crate) fn would_collect(planned: &Collected) -> String {
    let mut text = format!("Would remove {}.\n", numbers(&planned.generations));
    if !planned.abandoned.is_empty() {
        let kept = numbers(&planned.abandoned);
        let _ = writeln!(
            text,
            "{kept} was rolled back, and is kept with the records that it alone holds."
        );
    }
    text
}

pub(crate) fn collected(done: &Collected) -> String {
    format!("Removed {}; its history stays.\n", numbers(&done.generations))
}

pub(crate) fn would_decide(found: &Generation) -> String {
    let manifest = found.manifest();
    format!(
        "Would make generation {} ({}, built {}) current,\n\
         in a journal that replaces the one that is lost or broken.\nNothing was written.\n",
        found.number(),
        manifest.versions.runtime,
        manifest.created
    )
}

pub(crate) fn recovered(home: &Home<'_>, replaced: bool, style: &Style) -> String {
    let recovery = home.recovery();
    let mut text = String::new();
    if let Some((attempt, operation)) = recovery.aborted {
        let _ =
            writeln!(text, "Attempt {attempt} ({operation}) was interrupted, and had no effect.");
    }
    if let Some(repair) = recovery.journal {
        let done = match repair {
            upgrade::Repair::TornTail => "a torn record that was never acknowledged was cut off",
            _ => "a record that was written was made durable",
        };
        let _ = writeln!(text, "At the journal's end {done}.");
    }
    if recovery.swept.removed > 0 {
        let _ = writeln!(text, "{} unfinished directories were removed.", recovery.swept.removed);
    }
    if recovery.swept.left > 0 || !recovery.not_removed.is_empty() {
        let _ =
            writeln!(text, "Something in generations/ is needed by nobody and cannot be removed.");
    }
    if replaced {
        let _ = writeln!(text, "The journal was replaced; what was left of it is kept beside it.");
    } else if recovery.is_nothing() {
        let _ = writeln!(text, "There was nothing to put right.");
    }
    match home.state().current_generation() {
        Some((number, generation)) => {
            let version = style.strong(&generation.versions.runtime.to_string());
            let _ = writeln!(text, "Generation {number} ({version}) is current.");
        }
        None => {
            let _ =
                writeln!(text, "No generation is current: run `femtoclaw-upgrade adopt` again.");
        }
    }
    text
}
