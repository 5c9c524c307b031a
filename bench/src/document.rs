//! `docs/performance.*`: the numbers are written, the prose is not.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::charts::{self, CHARTS, Chart};
use crate::failure::{Failure, Result};
use crate::machine::Machine;
use crate::results::Results;

/// What is between these lines of the document is rewritten.
const BEGIN: &str = "<!-- written by `cargo xtask bench --write-docs`: begin -->";
const END: &str = "<!-- written by `cargo xtask bench --write-docs`: end -->";

/// `docs/performance.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    #[serde(flatten)]
    pub(crate) results: Results,
}

/// Writes the numbers, the charts, and what the document says of them.
///
/// # Errors
/// If the document is not as it should be, or a file cannot be written.
pub(crate) fn write(workspace: &Path, record: &Record) -> Result<()> {
    let docs = workspace.join("docs");
    let document = docs.join("performance.md");
    // First, so that nothing is written if it cannot be.
    let text = replace(&fs::read_to_string(&document)?, &section(record))?;
    charts::draw(&record.results, &docs.join("performance"))?;
    fs::write(docs.join("performance.json"), serde_json::to_string_pretty(record)? + "\n")?;
    fs::write(document, text)?;
    Ok(())
}

/// What is written into the document.
fn section(record: &Record) -> String {
    let mut lines = vec![format!("Measured on: {}.", record.machine.sentence())];
    if record.results.quick {
        lines.push(
            "A quick run: it shows that everything works, and says nothing of speed.".to_owned(),
        );
    }
    lines.extend(record.results.tables());
    for Chart { file, about } in &CHARTS {
        lines.extend([String::new(), format!("![{about}](performance/{file})")]);
    }
    lines.join("\n")
}

/// The text with another section between its markers.
fn replace(text: &str, section: &str) -> Result<String> {
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| rest.split_once(END).map(|(_, after)| (before, after)));
    let (before, after) =
        parts.ok_or_else(|| Failure::new(format!("the document lacks {BEGIN} or {END}")))?;
    Ok(format!("{before}{BEGIN}\n\n{section}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = format!("prose\n{BEGIN}\nold\n{END}\nmore prose\n");
        let once = replace(&text, "new").unwrap();
        assert_eq!(once, format!("prose\n{BEGIN}\n\nnew\n\n{END}\nmore prose\n"));
        assert_eq!(replace(&once, "new").unwrap(), once);
        assert!(replace("prose", "new").is_err());
    }

    /// What the document shows is what the record says: an edit of one alone would lie.
    #[test]
    fn the_committed_document_says_what_the_committed_numbers_say() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let text = fs::read_to_string(docs.join("performance.md")).unwrap();
        let record = docs.join("performance.json");
        if record.exists() {
            let record: Record = serde_json::from_slice(&fs::read(record).unwrap()).unwrap();
            assert_eq!(replace(&text, &section(&record)).unwrap(), text);
        } else {
            assert!(!text.contains("Measured on:"), "there are numbers in it that nobody measured");
            assert!(replace(&text, "").is_ok());
        }
    }
}
