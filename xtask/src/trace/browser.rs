//! The page in a real browser: whether it shows what the data say, does what it offers, and asks for nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::html::data::{count, list, place, text, texts, thousands};
use super::html::{LEVELS, STATUSES};
use crate::browser::{Browser, Page, address, rules};

/// Wide, as on a desk, and narrow, as on a phone.
const SIZES: [(u32, u32); 2] = [(1280, 1000), (390, 844)];
/// A word that no text has.
const NO_WORD: &str = "qqxzzy";
/// What of a row refers to the sources.
const PARTS: [&str; 6] = ["implementation", "documents", "tests", "judges", "sabotages", "mutants"];

/// The clauses that are seen, and how many the page says there are.
const SEEN: &str = r#"() => ({
  ids: [...document.querySelectorAll("details.clause")].filter((clause) => clause.checkVisibility()).map((clause) => clause.id),
  said: document.getElementById("count").textContent,
})"#;
/// Chooses as a person would: one field after the other.
const CHOOSE: &str = r#"({ level = "", status = "", section = "", without = [] }) => {
  const form = document.getElementById("filters");
  for (const [name, value] of Object.entries({ level, status, section })) {
    const field = form.elements[name];
    if (field.value === value) continue;
    field.value = value;
    if (field.value !== value) throw new Error(`${name} has no choice ${value}`);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  for (const box of form.querySelectorAll("[name=without]")) if (box.checked !== without.includes(box.value)) box.click();
}"#;
/// Empties the search, and puts the cursor there.
const BEGIN_SEARCH: &str = r#"() => {
  const field = document.getElementById("filters").elements.words;
  field.focus();
  field.select();
}"#;
/// Presses a button, and waits for what follows from it.
const PRESS: &str = r#"(selector) => {
  const button = document.querySelector(selector);
  if (!button?.checkVisibility()) throw new Error(`there is no button ${selector}`);
  button.click();
  return new Promise((done) => setTimeout(() => setTimeout(done)));
}"#;
/// What clauses do not show though they should, once they are open. One at a time, so that little is laid out.
const UNSEEN: &str = r#"(clauses) => clauses.flatMap(({ id, said }) => {
  const clause = document.getElementById(id), flat = (text) => text.replace(/\s+/g, " ").trim();
  if (!clause) return [`${id} is not on the page`];
  for (const details of [clause, ...clause.querySelectorAll("details")]) details.open = true;
  const seen = flat(clause.innerText);
  clause.open = false;
  return said.filter((text) => !seen.includes(flat(text))).map((text) => `${id} does not show "${text}"`);
})"#;
/// What stands at places and is not shown when somebody asks for it, or stays when nobody does any more.
const UNSHOWN: &str = r##"(sources) => {
  const flat = (text) => text.replace(/^ +/gm, "").trimEnd();
  const ask = (link) => {
    const place = decodeURIComponent(link.hash.slice(1)), source = sources[place];
    if (source === undefined) return [`nothing is known of what stands at ${place}`];
    const excerpt = document.getElementById(place), item = link.closest("li");
    link.click();
    const isShown = excerpt.checkVisibility() && excerpt.parentElement === item && link.ariaExpanded === "true";
    const shown = excerpt.querySelector(".source")?.textContent ?? "";
    link.click();
    if (!isShown) return [`${place} is not shown where it is asked for`];
    if (flat(shown) !== flat(source)) return [`${place} shows something else`];
    return excerpt.checkVisibility() ? [`${place} does not go away`] : [];
  };
  return [...document.querySelectorAll("details.clause")].flatMap((clause) => {
    for (const details of [clause, ...clause.querySelectorAll("details")]) details.open = true;
    const wrong = [...clause.querySelectorAll("a.place")].flatMap(ask);
    clause.open = false;
    return wrong;
  });
}"##;
/// Opens everything, and shows the first source of each clause.
const SHOW_FIRST: &str = r#"() => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const clause of document.querySelectorAll("details.clause")) {
    const link = clause.querySelector("a.place");
    if (link && link.ariaExpanded !== "true") link.click();
  }
}"#;
/// Whether an element is seen, in the part of the page that the window shows.
const IN_SIGHT: &str = r#"(id) => {
  const element = document.getElementById(id), { top } = element.getBoundingClientRect();
  const clause = element.closest("details.clause");
  return element.checkVisibility() && clause?.open === true && top >= 0 && top < innerHeight;
}"#;

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
        self.pictures(screenshots)?;
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

/// What a clause can have, by the name of the filter for those without.
const EVIDENCE: [(&str, fn(&Value) -> bool); 3] =
    [("test", has_test), ("judge", has_judge), ("caught", has_caught)];

fn is_must(row: &Value) -> bool {
    matches!(text(row, "level"), "MUST" | "MUST NOT")
}

fn is_of(row: &Value, status: &str) -> bool {
    row.get("status").is_some_and(|own| text(own, "is") == status)
}

fn has_test(row: &Value) -> bool {
    list(row, "tests").iter().any(|test| text(test, "outcome") == "ok")
}

fn has_judge(row: &Value) -> bool {
    let judges = list(row, "judges");
    judges.iter().any(|judge| count(judge, "judged") > 0 && count(judge, "violations") == 0)
}

fn has_caught(row: &Value) -> bool {
    ["sabotages", "mutants"]
        .into_iter()
        .flat_map(|name| list(row, name))
        .any(|broken| !list(broken, "caught_by").is_empty())
}

/// Whether each of these words is somewhere in what is searched of a clause.
fn is_found(row: &Value, words: &str) -> bool {
    let mut texts: Vec<String> =
        ["id", "text", "meaning"].map(|name| text(row, name).to_owned()).into();
    for part in PARTS.into_iter().flat_map(|name| list(row, name)) {
        texts.extend(["name", "file"].map(|name| text(part, name).to_owned()));
    }
    let texts: Vec<String> = texts.into_iter().map(|text| text.to_lowercase()).collect();
    words.to_lowercase().split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
}

/// Everything that an open clause has to show.
fn said_of(row: &Value) -> Vec<String> {
    let mut said = vec![text(row, "id").to_owned(), text(row, "text").to_owned()];
    said.extend(
        text(row, "meaning").replace("**", "").replace('`', "").split("\n\n").map(str::to_owned),
    );
    if let Some(status) = row.get("status") {
        said.extend(["reason", "missing"].map(|name| text(status, name).to_owned()));
        said.extend(texts(status, "by").into_iter().map(str::to_owned));
    }
    for part in PARTS.into_iter().flat_map(|name| list(row, name)) {
        said.extend([text(part, "name").to_owned(), place(part)]);
        said.extend(texts(part, "caught_by").into_iter().map(str::to_owned));
        said.push(text(part, "redundant").to_owned());
    }
    let outcomes =
        BTreeMap::from([("ok", "passed"), ("FAILED", "failed"), ("missing", "did not run")]);
    for test in list(row, "tests") {
        let outcome = text(test, "outcome");
        said.push(outcomes.get(outcome).copied().unwrap_or(outcome).to_owned());
    }
    let judged = list(row, "judges").iter().map(|judge| count(judge, "judged"));
    said.extend(judged.filter(|judged| *judged > 0).map(thousands));
    said.retain(|text| !text.trim().is_empty());
    said
}

#[cfg(test)]
mod in_chromium {
    use super::super::html::{page, sample};
    use super::*;

    /// What comes of the check of a page.
    fn checked(text: &str) -> Result<Vec<String>, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a trace.html");
        std::fs::write(&file, text).unwrap();
        let pictures = directory.path().join("pictures");
        let checked = check(&file, &sample::data(), &pictures)?;
        for picture in ["trace.png", "trace-clause.png"] {
            let bytes = std::fs::read(pictures.join(picture)).unwrap();
            assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 10_000, "{picture}");
        }
        Ok(checked)
    }

    #[test]
    fn the_page_does_what_it_offers_and_hostile_texts_stay_texts() {
        let checked = checked(&page(&sample::data())).unwrap();
        assert!(checked.iter().any(|what| what == "all 9 clauses are seen"), "{checked:#?}");
        assert!(checked.len() >= 18, "{checked:#?}");
    }

    #[test]
    fn whatever_is_wrong_with_a_page_is_told() {
        let mut text = page(&sample::data());
        let defects = [
            ("href=\"#clauses\"", "href=\"#gone\"", "a link leads nowhere: #gone"),
            ("<h1>", "<a href=\"https://example.org\">x</a><h1>", "a link leads out of the page"),
            ("<h1>", "<img src=\"other.png\" alt=\"\"><h1>", "<img> refers to other.png"),
            (
                "\"use strict\";",
                "\"use strict\"; console.error(\"planted\");",
                "on its console, error: planted",
            ),
            (
                "follow();\n</script>",
                "follow(); setTimeout(() => { throw new Error(\"thrown\"); });\n</script>",
                "nobody catches an exception: Error: thrown",
            ),
            (
                "&& (!filters.status || clause.status === filters.status)",
                "",
                "{\"status\":\"implied\"}: 9 clauses are seen",
            ),
            (
                "clause.words.includes(word)",
                "clause.words.startsWith(word)",
                "searches find the clauses that have those words: ",
            ),
            (
                "kept.append(\"without\", what)",
                "{}",
                "an address with filters shows the same to others: ",
            ),
            (
                "(isShown ? stock : item).append(excerpt)",
                "{}",
                "is not shown where it is asked for",
            ),
            (
                "element.open = true;\n  meant",
                "{}\n  meant",
                "links to a clause and to a place show it: #FC-7.1",
            ),
            ("--soft: #596273;", "--soft: #c9c9c9;", "light: a text has a contrast of"),
            (
                "</main>",
                "<p style=\"width:500px\">wide</p></main>",
                "the page is 516 px wide where 390 are seen",
            ),
            ("name=\"words\"", "name=\"words\" id=\"count\"", "several elements have the id count"),
            (
                "html:not(.js) :is(.filters.wide, .others) { display: none; }",
                "",
                "there are filters that do nothing",
            ),
        ];
        for (original, planted, _) in defects {
            assert!(text.contains(original), "{original}");
            text = text.replacen(original, planted, 1);
        }
        let told = checked(&text).unwrap_err();
        for (_, _, expected) in defects {
            assert!(told.contains(expected), "{expected} is not in:\n{told}");
        }
    }

    #[test]
    fn a_page_that_lacks_what_the_data_have_is_refused() {
        let mut data = sample::data();
        let rows = data["rows"].as_array_mut().unwrap();
        rows.pop();
        rows[0]["tests"][0]["name"] = json!("another_name");
        let told = checked(&page(&data)).unwrap_err();
        assert!(told.contains("8 clauses are seen, and the data have 9 (FC-29.1)"), "{told}");
        assert!(told.contains("FC-5.1 does not show"), "{told}");
    }
}
