//! Mutants that behave as the original does, so that no test can notice them: each by name, with the reason.

use std::fmt;
use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, Table};

use super::outcomes::Mutant;

/// Where they are written down, from the root of the workspace.
pub(super) const EQUIVALENT_FILE: &str = "specs/evidence/equivalent-mutants.toml";

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Equivalent {
    /// The crate, by the name of its directory.
    pub(super) krate: String,
    /// The file, from the root of the workspace.
    pub(super) file: String,
    /// The change in words, as cargo-mutants names it.
    pub(super) change: String,
    /// The line in which it stands, without the blanks around it: numbers of lines move.
    pub(super) line: String,
    /// Why no behaviour tells it from the original.
    pub(super) reason: String,
}

impl Equivalent {
    /// Whether a mutant is this one, of which this is the line.
    pub(super) fn names(&self, mutant: &Mutant, line: Option<&str>) -> bool {
        (&self.file, &self.change) == (&mutant.file, &mutant.change)
            && line.map(str::trim) == Some(self.line.as_str())
    }
}

impl fmt::Display for Equivalent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} (`{}`)", self.file, self.change, self.line)
    }
}

/// Reads the table; none if there is no file.
///
/// # Errors
/// If an entry is not whole.
pub(super) fn load(root: &Path) -> Result<Vec<Equivalent>, String> {
    match fs::read_to_string(root.join(EQUIVALENT_FILE)) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{EQUIVALENT_FILE}: {error}")),
    }
}

fn parse(text: &str) -> Result<Vec<Equivalent>, String> {
    let document: DocumentMut =
        text.parse().map_err(|error| format!("{EQUIVALENT_FILE} cannot be read: {error}"))?;
    let tables = document.get("equivalent").and_then(|item| item.as_array_of_tables());
    tables.into_iter().flatten().map(entry).collect()
}

fn entry(table: &Table) -> Result<Equivalent, String> {
    let text = |name: &str| {
        let text = table.get(name).and_then(|value| value.as_str()).map(str::trim);
        let text = text.filter(|text| !text.is_empty()).map(str::to_owned);
        text.ok_or_else(|| format!("an entry of {EQUIVALENT_FILE} has no {name}: {table}"))
    };
    let file = text("file")?;
    let krate = file.strip_prefix("crates/").and_then(|rest| rest.split('/').next());
    let krate = krate.ok_or_else(|| format!("{EQUIVALENT_FILE}: {file} is in no crate"))?;
    Ok(Equivalent {
        krate: krate.to_owned(),
        change: text("change")?,
        line: text("line")?,
        reason: text("reason")?,
        file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
        [[equivalent]]
        file = "crates/journal/src/read.rs"
        change = "replace < with <= in look"
        line = "if a < b {"
        reason = "a is never b."
    "#;

    #[test]
    fn an_entry_names_a_change_of_one_line_wherever_that_stands() {
        let table = parse(TABLE).unwrap();
        let mutant = Mutant {
            krate: "journal".to_owned(),
            file: "crates/journal/src/read.rs".to_owned(),
            line: 7,
            column: 10,
            function: "look".to_owned(),
            genre: "BinaryOperator".to_owned(),
            replacement: "<=".to_owned(),
            change: "replace < with <= in look".to_owned(),
        };
        assert_eq!(table[0].krate, "journal");
        assert!(table[0].names(&mutant, Some("    if a < b {")));
        assert!(!table[0].names(&mutant, Some("if a < c {")));
        assert!(!table[0].names(&mutant, None));
        let other = Mutant { change: "replace < with > in look".to_owned(), ..mutant };
        assert!(!table[0].names(&other, Some("if a < b {")));
    }

    #[test]
    fn an_entry_without_a_reason_is_none() {
        let error = parse(&TABLE.replace("a is never b.", " ")).unwrap_err();
        assert!(error.contains("reason"), "{error}");
        assert_eq!(parse("").unwrap(), []);
    }
}
