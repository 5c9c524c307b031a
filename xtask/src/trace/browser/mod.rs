//! The page in a real browser: whether it shows what the data say, does what it offers, and asks for nothing.

mod expected;
#[cfg(test)]
mod in_chromium;
mod scripts;

use std::path::Path;

use serde_json::{Value, json};

use super::html::data::{count, list, place, text, texts};
use super::html::{LEVELS, STATUSES};
use crate::browser::{Browser, Page, address, rules};
use expected::{EVIDENCE, PARTS, has_caught, has_judge, is_found, is_must, is_of, said_of};
use scripts::{BEGIN_SEARCH, CHOOSE, IN_SIGHT, PRESS, SEEN, SHOW_FIRST, UNSEEN, UNSHOWN};

/// Wide, as on a desk, and narrow, as on a phone.
const SIZES: [(u32, u32); 2] = [(1280, 1000), (390, 844)];
/// A word that no text has.
const NO_WORD: &str = "qqxzzy";

/// Opens the page, tries everything on it, and leaves pictures of it in a directory. Returns what was looked at.
///
/// # Errors
/// If there is no browser, or anything is not as it has to be: everything that is not, one a line.
pub(super) fn check(page: &Path, data: &Value, screenshots: &Path) -> Result<Vec<String>, String> {
    let address = address(page)?;
    let mut browser = Browser::start()?;
    let mut check =
        Check { page: browser.page()?, address, data, checked: Vec::new(), wrong: Vec::new() };
    check.all(screenshots)?;
    if check.wrong.is_empty() { Ok(check.checked) } else { Err(check.wrong.join("\n")) }
}

struct Check<'a> {
    page: Page<'a>,
    address: String,
    data: &'a Value,
    checked: Vec<String>,
    wrong: Vec<String>,
}

impl Check<'_> {
    fn all(&mut self, screenshots: &Path) -> Result<(), String> {
        let (width, height) = SIZES[0];
        self.page.resize(width, height)?;
        self.page.open(&self.address)?;
        let steps = [
            Self::rules,
            Self::filters,
            Self::searches,
            Self::buttons,
            Self::keeps,
            Self::keyboard,
            Self::evidence,
            Self::looks,
            Self::deep_links,
            Self::without_scripts,
        ];
        // What cannot be done in one step does not hide what is wrong in others.
        for step in steps {
            let came = step(self);
            self.wrong.extend(came.err());
        }
        let came = self.pictures(screenshots);
        self.wrong.extend(came.err());
        let complaints = self.page.complaints(&self.address);
        self.note("no error, no warning, no exception, no request", complaints);
        Ok(())
    }

    /// Keeps what was looked at, and what was wrong with it.
    fn note(&mut self, what: impl Into<String>, wrong: Vec<String>) {
        let what = what.into();
        if wrong.is_empty() {
            self.checked.push(what);
        } else {
            self.wrong.extend(wrong.into_iter().map(|wrong| format!("{what}: {wrong}")));
        }
    }

    fn rows(&self) -> &[Value] {
        list(self.data, "rows")
    }

    /// The ids of the clauses for which this is so.
    fn ids(&self, is_so: impl Fn(&Value) -> bool) -> Vec<String> {
        self.rows().iter().filter(|row| is_so(row)).map(|row| text(row, "id").to_owned()).collect()
    }

    fn rules(&mut self) -> Result<(), String> {
        let links = rules::links(&mut self.page)?;
        self.note("every link leads to something on the page", links);
        let names = rules::names(&mut self.page)?;
        self.note("every field and every button has a name, every id is there once", names);
        let expected = self.ids(|_| true);
        let wrong = self.difference(&expected, "")?;
        self.note(format!("all {} clauses are seen", expected.len()), wrong);
        Ok(())
    }

    /// How what is seen differs from what should be.
    fn difference(&mut self, expected: &[String], said: &str) -> Result<Vec<String>, String> {
        let seen = self.page.apply(SEEN, &Value::Null)?;
        let ids = texts(&seen, "ids");
        let mut wrong = Vec::new();
        if ids != expected {
            let first = expected.iter().map(String::as_str).find(|id| !ids.contains(id));
            let other = ids.iter().copied().find(|id| !expected.iter().any(|own| own == id));
            wrong.push(format!(
                "{} clauses are seen, and the data have {} ({})",
                ids.len(),
                expected.len(),
                first.or(other).unwrap_or("in another order")
            ));
        }
        if !text(&seen, "said").starts_with(said) {
            wrong.push(format!("the page says \"{}\", not \"{said} …\"", text(&seen, "said")));
        }
        Ok(wrong)
    }

    fn filters(&mut self) -> Result<(), String> {
        let choices = self.choices();
        let number = choices.len();
        let mut wrong = Vec::new();
        for (choice, expected) in choices {
            self.page.apply(CHOOSE, &choice)?;
            let said = format!("{} of {}", expected.len(), self.rows().len());
            let differs = self.difference(&expected, &said)?;
            wrong.extend(differs.into_iter().map(|what| format!("{choice}: {what}")));
        }
        self.page.apply(CHOOSE, &json!({}))?;
        wrong.extend(self.difference(&self.ids(|_| true), "")?);
        self.note(
            format!("{number} choices of filters show the clauses that the data have"),
            wrong,
        );
        Ok(())
    }

    /// What can be chosen, with the clauses that are like that.
    fn choices(&self) -> Vec<(Value, Vec<String>)> {
        let mut choices = vec![(json!({ "level": "MUST*" }), self.ids(is_must))];
        for level in LEVELS {
            choices.push((json!({ "level": level }), self.ids(|row| text(row, "level") == level)));
        }
        for status in STATUSES {
            choices.push((json!({ "status": status }), self.ids(|row| is_of(row, status))));
        }
        // What no clause is cannot be chosen.
        choices.retain(|(_, ids)| !ids.is_empty());
        for number in list(self.data, "sections").iter().map(|section| count(section, "number")) {
            let section = number.to_string();
            let ids = self.ids(|row| count(row, "section") == number);
            choices.push((json!({ "section": section }), ids));
        }
        for (name, has) in EVIDENCE {
            choices.push((json!({ "without": [name] }), self.ids(|row| !has(row))));
        }
        let has_none = |row: &Value| EVIDENCE.iter().all(|(_, has)| !has(row));
        let names = EVIDENCE.map(|(name, _)| name);
        choices.push((json!({ "without": names }), self.ids(has_none)));
        let both = |row: &Value| is_must(row) && is_of(row, "shown") && !has_judge(row);
        let choice = json!({ "level": "MUST*", "status": "shown", "without": ["judge"] });
        if self.rows().iter().any(|row| is_of(row, "shown")) {
            choices.push((choice, self.ids(both)));
        }
        choices
    }

    fn searches(&mut self) -> Result<(), String> {
        let searches = self.words();
        let number = searches.len();
        let mut wrong = Vec::new();
        for words in searches {
            let expected = self.ids(|row| is_found(row, &words));
            self.page.apply(BEGIN_SEARCH, &Value::Null)?;
            self.page.write(&words)?;
            let said = format!("{} of {}", expected.len(), self.rows().len());
            let differs = self.difference(&expected, &said)?;
            wrong.extend(differs.into_iter().map(|what| format!("\"{words}\": {what}")));
        }
        self.page.apply(PRESS, &json!("#clear"))?;
        wrong.extend(self.difference(&self.ids(|_| true), "")?);
        self.note(format!("{number} searches find the clauses that have those words"), wrong);
        Ok(())
    }

    /// Something to look for of each kind of text, and something that is not there.
    fn words(&self) -> Vec<String> {
        let mut words = vec![NO_WORD.to_owned()];
        let middle = self.rows().get(self.rows().len() / 2);
        words.extend(middle.map(|row| text(row, "id").to_lowercase()));
        let longest = |text: &str| {
            let words = text.split(|c: char| !c.is_alphanumeric());
            words.max_by_key(|word| word.chars().count()).unwrap_or_default().to_owned()
        };
        let rows = self.rows().iter();
        words.extend(rows.clone().find(|row| !text(row, "meaning").is_empty()).map(|row| {
            format!(
                "{} {}",
                longest(text(row, "meaning")),
                longest(text(row, "text")).to_uppercase()
            )
        }));
        for name in PARTS {
            let part = rows.clone().find_map(|row| list(row, name).first());
            words.extend(part.map(|part| longest(text(part, "name"))));
            words.extend(part.map(|part| text(part, "file").to_owned()));
        }
        words.retain(|words| !words.trim().is_empty());
        words
    }

    /// The figures lead to the clauses that they do not count.
    fn buttons(&mut self) -> Result<(), String> {
        let mut wrong = Vec::new();
        for (name, has) in EVIDENCE {
            let expected = self.ids(|row| is_must(row) && !has(row));
            if expected.is_empty() {
                continue;
            }
            self.page.apply(PRESS, &json!(format!("button[data-without={name}]")))?;
            let differs = self.difference(&expected, &format!("{} of", expected.len()))?;
            wrong.extend(differs.into_iter().map(|what| format!("without {name}: {what}")));
            self.page.apply(PRESS, &json!("#clear"))?;
        }
        self.note("the figures lead to the clauses that they leave out", wrong);
        Ok(())
    }

    /// The address has the filters in it.
    fn keeps(&mut self) -> Result<(), String> {
        // Every id has it.
        let words = "fc-";
        self.page.apply(CHOOSE, &json!({ "level": "MUST*", "without": ["judge", "caught"] }))?;
        self.page.apply(BEGIN_SEARCH, &Value::Null)?;
        self.page.write(words)?;
        let kept = self.page.evaluate("location.href")?;
        self.page.open(kept.as_str().unwrap_or_default())?;
        let is_so = |row: &Value| {
            is_must(row) && !has_judge(row) && !has_caught(row) && is_found(row, words)
        };
        let expected = self.ids(is_so);
        let said = format!("{} of", expected.len());
        let wrong = self.difference(&expected, &said)?;
        self.note("an address with filters shows the same to others", wrong);
        self.page.open(&self.address)
    }

    /// A clause opens without a mouse.
    fn keyboard(&mut self) -> Result<(), String> {
        let Some(id) = self.richest() else { return Ok(()) };
        let focus = "(id) => document.getElementById(id).querySelector('summary').focus()";
        self.page.apply(focus, &json!(id))?;
        self.page.press_enter()?;
        let is_open = self.page.apply(IN_SIGHT, &json!(id))?;
        let wrong = if is_open == true { Vec::new() } else { vec![format!("{id} stays closed")] };
        self.note("Enter opens a clause", wrong);
        Ok(())
    }

    /// The clause of which most is known.
    fn richest(&self) -> Option<String> {
        let parts = |row: &&Value| {
            let kinds = PARTS.iter().filter(|name| !list(row, name).is_empty()).count();
            (kinds, PARTS.iter().map(|name| list(row, name).len()).sum::<usize>())
        };
        self.rows().iter().max_by_key(parts).map(|row| text(row, "id").to_owned())
    }

    fn evidence(&mut self) -> Result<(), String> {
        let clauses: Vec<Value> = self
            .rows()
            .iter()
            .map(|row| json!({ "id": text(row, "id"), "said": said_of(row) }))
            .collect();
        let number = clauses.len();
        let unseen = rules::texts(&self.page.apply(UNSEEN, &clauses.into())?)?;
        self.note(
            format!("{number} clauses, opened, show everything that is known of them"),
            unseen,
        );
        let sources = self.data.get("excerpts").cloned().unwrap_or_else(|| json!({}));
        let number = sources.as_object().map_or(0, serde_json::Map::len);
        let unshown = rules::texts(&self.page.apply(UNSHOWN, &sources)?)?;
        self.note(format!("{number} places show what stands there, and hide it again"), unshown);
        Ok(())
    }

    /// Nothing sticks out and everything can be read, with everything open.
    fn looks(&mut self) -> Result<(), String> {
        self.page.apply(SHOW_FIRST, &Value::Null)?;
        for (width, height) in SIZES {
            let wrong = rules::width(&mut self.page, width, height)?;
            self.note(format!("nothing sticks out at {width} px, everything open"), wrong);
        }
        for scheme in ["dark", "light"] {
            let wrong = rules::contrast(&mut self.page, scheme)?;
            self.note(format!("every text can be read, {scheme}"), wrong);
        }
        for (width, height) in SIZES {
            self.page.resize(width, height)?;
            self.page.open(&self.address)?;
            let wrong = rules::width(&mut self.page, width, height)?;
            self.note(format!("nothing sticks out at {width} px"), wrong);
        }
        Ok(())
    }

    /// Whoever is sent a clause or a place sees it at once.
    fn deep_links(&mut self) -> Result<(), String> {
        let (width, height) = SIZES[0];
        self.page.resize(width, height)?;
        let last = self.rows().last().map(|row| text(row, "id").to_owned());
        let part = self.rows().iter().find_map(|row| list(row, "tests").last()).map(place);
        let mut wrong = Vec::new();
        for id in [self.richest(), last, part].into_iter().flatten() {
            let address = self.page.apply("encodeURIComponent", &json!(id))?;
            let address = address.as_str().unwrap_or_default();
            self.page.open(&format!("{}#{address}", self.address))?;
            if self.page.apply(IN_SIGHT, &json!(id))? != true {
                wrong.push(format!("#{address} does not show it"));
            }
        }
        self.note("links to a clause and to a place show it", wrong);
        Ok(())
    }

    fn without_scripts(&mut self) -> Result<(), String> {
        self.page.allow_scripts(false)?;
        self.page.open(&self.address)?;
        let mut wrong = self.difference(&self.ids(|_| true), "")?;
        let sources = "(() => { const excerpts = [...document.querySelectorAll('.excerpt')]; \
             return excerpts.every((excerpt) => excerpt.checkVisibility()); })()";
        if self.page.evaluate(sources)? != true {
            wrong.push("what stands at places is not seen".to_owned());
        }
        if self.page.evaluate("document.getElementById('filters').checkVisibility()")? != false {
            wrong.push("there are filters that do nothing".to_owned());
        }
        self.page.allow_scripts(true)?;
        self.note("without scripts everything is there", wrong);
        Ok(())
    }

    fn pictures(&mut self, directory: &Path) -> Result<(), String> {
        let made = std::fs::create_dir_all(directory);
        made.map_err(|error| format!("{}: {error}", directory.display()))?;
        let richest = self.richest().unwrap_or_default();
        let closed = self.address.clone();
        let opened = format!("{closed}#{richest}");
        let pictures = [
            ("trace.png", "light", SIZES[0], &closed),
            ("trace-clause.png", "light", SIZES[0], &opened),
            ("trace-dark.png", "dark", SIZES[0], &closed),
            ("trace-clause-dark.png", "dark", SIZES[0], &opened),
            ("trace-phone.png", "light", SIZES[1], &closed),
            ("trace-clause-phone.png", "light", SIZES[1], &opened),
        ];
        for (name, scheme, (width, height), address) in pictures {
            self.page.resize(width, height)?;
            self.page.prefer(scheme)?;
            self.page.open(address)?;
            if *address == opened {
                self.page.evaluate("document.querySelector('details[open] a.place')?.click()")?;
            }
            self.page.screenshot(&directory.join(name))?;
        }
        self.note(format!("{} pictures", pictures.len()), Vec::new());
        Ok(())
    }
}
