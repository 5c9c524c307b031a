//! Whether every record is there: compared by what `export` writes, not by what the command says of itself.

use std::collections::BTreeMap;

use serde_json::Value;

/// The records of a generation.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// How many, by keyspace.
    pub(crate) counts: BTreeMap<String, u64>,
    /// How often each text occurs that FemtoClaw wrote: the original bytes of records, the pieces that were set aside, the
    /// descriptions of files.
    originals: BTreeMap<String, u64>,
}

impl Records {
    /// Takes what `export --json` writes.
    ///
    /// # Errors
    /// A sentence about a line that is not as it should be.
    pub(crate) fn of(lines: &[Value]) -> Result<Self, String> {
        let mut records = Self::default();
        for line in lines {
            let kind = line.get("type").and_then(Value::as_str);
            let keyspace = line.get("keyspace").and_then(Value::as_str);
            let (Some("record"), Some(keyspace)) = (kind, keyspace) else { continue };
            *records.counts.entry(keyspace.to_owned()).or_default() += 1;
            if keyspace == "sources" {
                records.keep(line.get("file"));
            } else if keyspace == "set_aside" {
                records.keep(line.get("bytes"));
            } else {
                records.keep_originals(line);
            }
        }
        if records.counts.is_empty() {
            return Err("the export holds no record".to_owned());
        }
        Ok(records)
    }

    /// All records.
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Whatever was here and is not in `later`, at least as often.
    pub(crate) fn missing_from(&self, later: &Self) -> Vec<String> {
        let is_missing =
            |(text, times): &(&String, &u64)| later.originals.get(*text) < Some(*times);
        self.originals.iter().filter(is_missing).map(|(text, _)| text.clone()).collect()
    }

    /// A table of the counts here and in `later`.
    pub(crate) fn compared_with(&self, later: &Self) -> String {
        let mut names: Vec<&String> = self.counts.keys().chain(later.counts.keys()).collect();
        names.sort();
        names.dedup();
        let mut table = format!("  {:<20} {:>10} {:>10}\n", "keyspace", "before", "after");
        let count = |records: &Self, name: &String| {
            records.counts.get(name).map_or_else(|| "-".to_owned(), u64::to_string)
        };
        for name in names {
            let (before, after) = (count(self, name), count(later, name));
            table += &format!("  {name:<20} {before:>10} {after:>10}\n");
        }
        let (before, after) = (self.total(), later.total());
        table + &format!("  {:<20} {before:>10} {after:>10}\n", "all")
    }

    /// The originals of a record: its own, or those of everything that was joined into it.
    fn keep_originals(&mut self, line: &Value) {
        self.keep(line.get("original"));
        let testimonies = line.get("testimonies").and_then(Value::as_array);
        for testimony in testimonies.into_iter().flatten() {
            self.keep(testimony.get("original"));
        }
    }

    fn keep(&mut self, original: Option<&Value>) {
        let Some(original) = original else { return };
        let text = original.as_str().map_or_else(|| original.to_string(), str::to_owned);
        // What the log tells of an execution has its bytes in the log's own keyspace.
        if !text.is_empty() {
            *self.originals.entry(text).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(keyspace: &str, original: &str) -> Value {
        json!({"type": "record", "keyspace": keyspace, "original": original})
    }

    fn before() -> Vec<Value> {
        vec![
            record("wal", "a"),
            record("wal", "a"),
            record("executions", "b"),
            json!({"type": "record", "keyspace": "set_aside", "bytes": {"hexadecimal": "ff"}}),
            json!({"type": "record", "keyspace": "sources", "file": {"path": "x"}}),
        ]
    }

    fn after() -> Vec<Value> {
        let mut after = before();
        after[2] = json!({"type": "record", "keyspace": "executions",
            "testimonies": [{"original": "b"}, {"original": ""}]});
        after.push(json!({"type": "record", "keyspace": "executions_by_id", "execution": "00"}));
        after
    }

    #[test]
    fn what_was_joined_is_still_there() {
        let (before, after) = (Records::of(&before()).unwrap(), Records::of(&after()).unwrap());
        assert_eq!(before.missing_from(&after), Vec::<String>::new());
        assert_eq!((before.total(), after.total()), (5, 6));
        let table = before.compared_with(&after);
        assert!(table.contains("executions_by_id              -          1"), "{table}");
    }

    #[test]
    fn every_record_that_is_lost_or_altered_is_noticed() {
        let expected = Records::of(&before()).unwrap();
        for lost in 0..before().len() {
            let mut lines = after();
            lines.remove(lost);
            let missing = expected.missing_from(&Records::of(&lines).unwrap());
            assert_eq!(missing.len(), 1, "{lost}");
        }
        let mut altered = after();
        altered[0] = record("wal", "a ");
        assert_eq!(expected.missing_from(&Records::of(&altered).unwrap()), ["a"]);
    }

    #[test]
    fn an_empty_export_proves_nothing() {
        assert!(Records::of(&[]).is_err());
        assert!(Records::of(&[json!({"type": "version"})]).is_err());
    }
}
