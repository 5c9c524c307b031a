//! `specs/meaning.md`: what each clause means here, in our own words.

use std::collections::BTreeMap;

use super::annotations::Problem;
use super::lock::Lock;
use super::specification::Level;

/// Where it is.
pub(super) const PATH: &str = "specs/meaning.md";
/// What the paragraph of a clause that leaves a choice begins with.
const DECIDED: &str = "**Decided:**";

/// What a clause means, by its id.
pub(super) type Meanings = BTreeMap<String, String>;

/// One entry as it stands there.
struct Entry {
    id: String,
    line: usize,
    quote: String,
    text: String,
}

/// Reads the document and holds it to the lock: every clause stands there once, as it is worded, with what it means; of
/// what may be, somebody has decided.
pub(super) fn read(document: &str, lock: &Lock) -> (Meanings, Vec<Problem>) {
    let (mut meanings, mut problems) = (Meanings::new(), Vec::new());
    for Entry { id, line, quote, text } in entries(document) {
        let mut problem = |what: String| problems.push(Problem::at(PATH, line, what));
        let Some(clause) = lock.ruled().find(|clause| clause.id == id) else {
            problem(format!("there is no clause {id}"));
            continue;
        };
        if quote != clause.told() {
            problem(format!("{id} is quoted as \"{quote}\", and says \"{}\"", clause.told()));
        }
        if text.is_empty() {
            problem(format!("nobody says what {id} means"));
        }
        if clause.level == Level::May && !text.starts_with(DECIDED) {
            problem(format!("{id} leaves a choice, and nobody has decided: \"{DECIDED} …\""));
        }
        if meanings.insert(id.clone(), text).is_some() {
            problem(format!("{id} stands there twice"));
        }
    }
    let missing = lock.ruled().filter(|clause| !meanings.contains_key(&clause.id));
    problems
        .extend(missing.map(|clause| Problem::new(format!("{PATH}: {} is missing", clause.id))));
    (meanings, problems)
}

/// `### FC-7.1`, a quote, and text. Comments are no text.
fn entries(document: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut is_open = false;
    for (line, content) in (1..).zip(document.lines()) {
        if let Some(id) = content.strip_prefix("### ") {
            let id = id.trim().to_owned();
            entries.push(Entry { id, line, quote: String::new(), text: String::new() });
            is_open = true;
        } else if content.starts_with('#') {
            is_open = false;
        } else if let Some(entry) = entries.last_mut().filter(|_| is_open) {
            let (into, content) = match content.strip_prefix("> ") {
                Some(quoted) => (&mut entry.quote, quoted),
                None if content.starts_with("<!--") => continue,
                None => (&mut entry.text, content),
            };
            if !into.is_empty() {
                into.push('\n');
            }
            into.push_str(content.trim_end());
        }
    }
    for entry in &mut entries {
        entry.quote = entry.quote.replace('\n', " ");
        entry.text = entry.text.trim().to_owned();
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::specification;
    use super::*;

    const TEXT: &str = "\
# What

## §1 A

### FC-1.1

> It MUST be.

It is there,
and stays.

<!-- trace: implied FC-1.1 by FC-1.2: why -->

### FC-1.2

> It MAY end.

**Decided:** it does not.
";

    fn lock() -> Lock {
        Lock::default().accept(&specification::read("# 1. A\n\nIt MUST be.\n\nIt MAY end.\n"))
    }

    fn problems(document: &str) -> Vec<String> {
        read(document, &lock()).1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_clause_has_its_meaning() {
        let (meanings, problems) = read(TEXT, &lock());
        assert_eq!(problems, []);
        assert_eq!(meanings["FC-1.1"], "It is there,\nand stays.");
        assert_eq!(meanings["FC-1.2"], "**Decided:** it does not.");
    }

    #[test]
    fn whatever_is_missing_or_wrong_is_a_problem() {
        let without = |text: &str| problems(&TEXT.replace(text, ""));
        assert_eq!(without("**Decided:** it does not.").len(), 2);
        assert_eq!(
            without("**Decided:** "),
            [
                "specs/meaning.md:14: FC-1.2 leaves a choice, and nobody has decided: \"**Decided:** …\""
            ]
        );
        assert_eq!(
            without("It is there,\nand stays."),
            ["specs/meaning.md:5: nobody says what FC-1.1 means"]
        );
        let changed = problems(&TEXT.replace("MUST", "must"));
        assert!(changed[0].contains("is quoted as \"It must be.\""), "{changed:?}");
        let unknown = problems(&TEXT.replace("### FC-1.1", "### FC-9.9"));
        assert_eq!(
            unknown,
            [
                "specs/meaning.md:5: there is no clause FC-9.9",
                "specs/meaning.md: FC-1.1 is missing"
            ]
        );
        assert!(problems(&format!("{TEXT}{TEXT}")).iter().any(|said| said.contains("twice")));
    }
}
