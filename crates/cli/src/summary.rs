//! What an upgrade did and how long it took, in numbers.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};
use upgrade::{Activity, Applied};

use crate::progress::Spent;
use crate::units;

/// As fields of a result.
pub(crate) fn json(applied: &Applied, spent: &Spent) -> Value {
    let mut value = json!(applied.summary);
    if let Value::Object(value) = &mut value {
        let seconds = Activity::ALL.map(|activity| (activity, spent.on(activity).unwrap_or(0.0)));
        let seconds: BTreeMap<Activity, f64> =
            seconds.map(|(activity, seconds)| (activity, to_milliseconds(seconds))).into();
        value.insert("state_before".to_owned(), json!(applied.before.state()));
        value.insert("state_after".to_owned(), json!(applied.state));
        value.insert("seconds".to_owned(), json!(seconds));
    }
    value
}

/// As a table.
pub(crate) fn text(applied: &Applied, spent: &Spent) -> String {
    let (mut text, summary) = (String::new(), &applied.summary);
    let mut row = |name: &str, number: &str, rest: &str| {
        let line = format!("  {name:<20} {number:>10} {rest:>10}");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    let bytes = |bytes: Option<u64>| {
        bytes.map_or_else(|| "–".to_owned(), |bytes| units::bytes(bytes as f64))
    };
    if summary.is_nothing() {
        row("no records were rewritten", "", "");
    } else {
        row("records in", &summary.records_in.to_string(), &bytes(summary.bytes_read));
        row("records out", &summary.records_out.to_string(), &bytes(summary.bytes_written));
        row("  of them archived", &summary.records_archived.to_string(), "");
    }
    for activity in Activity::ALL {
        if let Some(seconds) = spent.on(activity) {
            row(activity.as_str(), &format!("{seconds:.3} s"), "");
        }
    }
    row("in all", &format!("{:.3} s", spent.in_all()), "");
    let (before, after) = (applied.before.state().short(), applied.state.short());
    let _ = writeln!(text, "  state {before} → {after}");
    text
}

fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use integrity::{Digest, LogicalDigest};
    use upgrade::Summary;
    use versioning::GenerationNumber;

    use super::*;

    fn applied(summary: Summary) -> Applied {
        Applied {
            from: GenerationNumber::FIRST,
            to: GenerationNumber::FIRST,
            before: LogicalDigest::default(),
            after: LogicalDigest::default(),
            state: Digest::of(b"after"),
            tries: 3,
            links_refused: 0,
            summary,
        }
    }

    fn spent() -> Spent {
        let mut spent = Spent::default();
        spent.add(Activity::Reading, Duration::from_micros(1_234_567));
        spent.add(Activity::MakingDurable, Duration::from_millis(16));
        spent
    }

    fn migrated() -> Summary {
        Summary {
            records_in: 120,
            records_out: 131,
            records_archived: 4,
            bytes_read: Some(20_400),
            bytes_written: Some(999),
        }
    }

    #[test]
    fn a_summary_is_a_table_of_what_was_moved_and_of_how_long_it_took() {
        let applied = applied(migrated());
        let expected = format!(
            "  records in                  120    20.4 kB
  records out                 131      999 B
    of them archived            4
  reading                 1.235 s
  making durable          0.016 s
  in all                  1.251 s
  state {} → {}
",
            applied.before.state().short(),
            applied.state.short()
        );
        assert_eq!(text(&applied, &spent()), expected);
    }

    #[test]
    fn what_is_not_known_any_more_is_not_made_up() {
        let applied = applied(Summary { bytes_read: None, bytes_written: None, ..migrated() });
        let text = text(&applied, &spent());
        assert!(text.contains("  records in                  120          –\n"), "{text}");
        assert_eq!(json(&applied, &spent())["bytes_written"], Value::Null);
    }

    #[test]
    fn an_upgrade_that_moves_no_record_says_so() {
        let nothing = applied(Summary::default());
        let text = text(&nothing, &spent());
        assert!(text.starts_with("  no records were rewritten\n  reading "), "{text}");
    }

    #[test]
    fn json_has_every_number_and_every_activity_to_the_millisecond() {
        let applied = applied(migrated());
        let expected = json!({
            "records_in": 120, "records_out": 131, "records_archived": 4,
            "bytes_read": 20_400, "bytes_written": 999,
            "state_before": applied.before.state(), "state_after": applied.state,
            "seconds": {
                "preparing": 0.0, "checking": 0.0, "copying": 0.0, "reading": 1.235, "joining": 0.0,
                "writing": 0.0, "placing": 0.0, "verifying": 0.0, "making_durable": 0.016,
            },
        });
        assert_eq!(json(&applied, &spent()), expected);
    }
}
