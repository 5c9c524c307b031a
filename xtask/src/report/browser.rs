//! The site in a real browser, from its files: every page opens, every link leads somewhere, everything can be read, with
//! scripts and without, and nothing is asked for.

use std::path::Path;

use serde_json::{Value, json};

use super::pages::{PAGES, Page as Written};
use crate::browser::{Browser, Page, address, rules};
use crate::trace::html::data::{count, text, texts};

/// Wide, as on a desk, and narrow, as on a phone.
const SIZES: [(u32, u32); 2] = [(1280, 1000), (390, 844)];
/// Where pictures go, below the site.
const PICTURES: &str = "screenshots";
/// Taller than what is looked at first, so that a picture shows most of a page.
const PICTURE_HEIGHT: u32 = 2400;

/// Every address that a page refers to, and every place within itself that is not there.
const ADDRESSES: &str = r##"() => {
  const found = [...document.querySelectorAll("[href], [src], [action]")].filter((element) => !element.matches("link[rel=icon]"));
  const of = (element) => element.getAttribute("href") ?? element.getAttribute("src") ?? element.getAttribute("action");
  return found.map((element) => (element.matches("a") ? "" : `<${element.localName}> `) + of(element));
}"##;
/// Whether this id is on the page.
const HAS: &str = "(id) => document.getElementById(id) !== null";
/// What a reader sees: words, and rows of tables.
const SEEN: &str = r#"() => ({
  words: document.querySelector("main").innerText.split(/\s+/).filter(Boolean).length,
  rows: [...document.querySelectorAll("tbody tr")].filter((row) => row.checkVisibility()).length,
  heading: document.querySelector("h1").innerText,
})"#;
/// Sorts every table by every column, twice; what is wrong with that.
const SORTED: &str = r#"() => [...document.querySelectorAll("table.sortable")].flatMap((table) => {
  const rows = table.tBodies[0].rows.length, wrong = [];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const by = (row) => { const { dataset, textContent } = row.cells[column]; return dataset.sort === undefined ? textContent.trim().toLowerCase() : Number(dataset.sort); };
    const orders = [0, 1].map(() => {
      head.querySelector("button").click();
      const values = [...table.tBodies[0].rows].map(by), up = head.ariaSort === "ascending";
      const isSorted = values.every((value, at) => at === 0 || (up ? values[at - 1] <= value : values[at - 1] >= value));
      if (!isSorted) wrong.push(`${head.textContent} is not sorted ${head.ariaSort}`);
      return head.ariaSort;
    });
    if (orders[0] === orders[1]) wrong.push(`${head.textContent} cannot be turned round`);
  });
  if (table.tBodies[0].rows.length !== rows) wrong.push("rows were lost");
  return wrong;
})"#;
/// Searches every table for what stands in its last row, and for what stands nowhere.
const SEARCHED: &str = r#"() => [...document.querySelectorAll("label.search")].flatMap((label) => {
  const field = label.querySelector("input"), rows = [...label.nextElementSibling.querySelectorAll("tbody tr")];
  const seen = (words) => { field.value = words; field.dispatchEvent(new Event("input")); return rows.filter((row) => !row.hidden); };
  const last = rows[rows.length - 1], words = last.cells[0].textContent.trim().toLowerCase();
  const found = seen(words), none = seen("qqxzzy"), all = seen("");
  const wrong = [];
  if (!found.includes(last) || found.some((row) => !row.textContent.toLowerCase().includes(words.split(/\s+/)[0]))) wrong.push(`a search for ${words} finds something else`);
  if (none.length || all.length !== rows.length) wrong.push("a search finds what it should not, or does not end");
  return wrong;
})"#;

/// Opens every page, tries what is on it, and leaves pictures. Returns what was looked at, or everything that is wrong.
pub(super) fn check(site: &Path) -> Result<Vec<String>, Vec<String>> {
    let mut check = Check { site, checked: Vec::new(), wrong: Vec::new() };
    if let Err(why) = check.all() {
        check.wrong.push(why);
    }
    if check.wrong.is_empty() { Ok(check.checked) } else { Err(check.wrong) }
}

struct Check<'a> {
    site: &'a Path,
    checked: Vec<String>,
    wrong: Vec<String>,
}

impl Check<'_> {
    fn all(&mut self) -> Result<(), String> {
        let mut browser = Browser::start()?;
        let mut links = 0;
        for written in &PAGES {
            // A page of the browser for each page of the site: what one of them asks for is told of no other.
            links += self.page(&mut browser, written)?;
        }
        self.checked.push(format!(
            "{} pages open from their files, at {} and {} px, light and dark, with scripts and without",
            PAGES.len(),
            SIZES[0].0,
            SIZES[1].0
        ));
        self.checked.push(format!("{links} links lead to what is there"));
        self.checked
            .push("every text can be read, nothing sticks out, nothing is asked for".to_owned());
        Ok(())
    }

    fn note(&mut self, file: &str, wrong: Vec<String>) {
        self.wrong.extend(wrong.into_iter().map(|what| format!("{file}: {what}")));
    }

    fn page(&mut self, browser: &mut Browser, written: &Written) -> Result<usize, String> {
        let file = written.file;
        let address = address(&self.site.join(file))?;
        let addresses = {
            let mut page = browser.page()?;
            let (width, height) = SIZES[0];
            page.resize(width, height)?;
            page.open(&address)?;
            let names = rules::names(&mut page)?;
            self.note(file, names);
            let with_scripts = page.apply(SEEN, &Value::Null)?;
            for (width, height) in SIZES {
                let sticks_out = rules::width(&mut page, width, height)?;
                self.note(file, sticks_out);
            }
            for scheme in ["dark", "light"] {
                let unread = rules::contrast(&mut page, scheme)?;
                self.note(file, unread);
            }
            self.pictures(&mut page, written)?;
            for tried in [SEARCHED, SORTED] {
                let wrong = rules::texts(&page.apply(tried, &Value::Null)?)?;
                self.note(file, wrong);
            }
            let addresses = page.apply(ADDRESSES, &Value::Null)?;
            page.allow_scripts(false)?;
            page.open(&address)?;
            let without = page.apply(SEEN, &Value::Null)?;
            self.note(file, unseen(&with_scripts, &without));
            self.note(file, page.complaints(&address));
            addresses
        };
        let listed = json!({ "all": addresses });
        let addresses = texts(&listed, "all");
        let wrong = self.lead(browser, written, &addresses)?;
        self.note(file, wrong);
        Ok(addresses.len())
    }

    /// What of these addresses leads nowhere.
    fn lead(
        &self,
        browser: &mut Browser,
        written: &Written,
        addresses: &[&str],
    ) -> Result<Vec<String>, String> {
        let mut page = browser.page()?;
        let (mut wrong, mut opened) = (Vec::new(), String::new());
        let mut sorted = addresses.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        for link in sorted {
            let (file, id) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { written.file } else { file };
            let path = self.site.join(file);
            let is_within = !file.contains(':') && !file.starts_with('/') && !file.contains("..");
            if !is_within || !path.is_file() {
                wrong.push(format!("a link leads out of the site, or nowhere: {link}"));
                continue;
            }
            if id.is_empty() {
                continue;
            }
            if opened != file {
                page.open(&address(&path)?)?;
                file.clone_into(&mut opened);
            }
            if page.apply(HAS, &json!(id))? != true {
                wrong.push(format!("nothing on {file} is {id}"));
            }
        }
        Ok(wrong)
    }

    fn pictures(&self, page: &mut Page<'_>, written: &Written) -> Result<(), String> {
        let directory = self.site.join(PICTURES);
        std::fs::create_dir_all(&directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        let name = written.file.trim_end_matches(".html");
        let [(wide, _), (narrow, _)] = SIZES;
        for (scheme, width, suffix) in
            [("dark", wide, "-dark"), ("light", narrow, "-phone"), ("light", wide, "")]
        {
            page.resize(width, PICTURE_HEIGHT)?;
            page.prefer(scheme)?;
            page.screenshot(&directory.join(format!("{name}{suffix}.png")))?;
        }
        Ok(())
    }
}

/// What is missing when scripts do not run. They add a search and its count, which are a few words and no rows.
fn unseen(with: &Value, without: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if text(without, "heading").is_empty() || text(with, "heading") != text(without, "heading") {
        wrong.push("without scripts there is another heading".to_owned());
    }
    if count(with, "rows") != count(without, "rows") {
        let [rows, of] = [without, with].map(|seen| count(seen, "rows"));
        wrong.push(format!("without scripts {rows} rows of {of} are seen"));
    }
    // Nothing else is written by scripts.
    let [words, of] = [without, with].map(|seen| count(seen, "words"));
    if words == 0 || words > of {
        wrong.push(format!("without scripts there are {words} words, and {of} with them"));
    }
    wrong
}
