//! What is done in the page, as a person would do it.

/// The clauses that are seen, and how many the page says there are.
pub(super) const SEEN: &str = r#"() => ({
  ids: [...document.querySelectorAll("details.clause")].filter((clause) => clause.checkVisibility()).map((clause) => clause.id),
  said: document.getElementById("count").textContent,
})"#;
/// Chooses as a person would: one field after the other.
pub(super) const CHOOSE: &str = r#"({ level = "", status = "", section = "", without = [] }) => {
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
pub(super) const BEGIN_SEARCH: &str = r#"() => {
  const field = document.getElementById("filters").elements.words;
  field.focus();
  field.select();
}"#;
/// Presses a button, and waits for what follows from it.
pub(super) const PRESS: &str = r#"(selector) => {
  const button = document.querySelector(selector);
  if (!button?.checkVisibility()) throw new Error(`there is no button ${selector}`);
  button.click();
  return new Promise((done) => setTimeout(() => setTimeout(done)));
}"#;
/// What clauses do not show though they should, once they are open. One at a time, so that little is laid out.
pub(super) const UNSEEN: &str = r#"(clauses) => clauses.flatMap(({ id, said }) => {
  const clause = document.getElementById(id), flat = (text) => text.replace(/\s+/g, " ").trim();
  if (!clause) return [`${id} is not on the page`];
  for (const details of [clause, ...clause.querySelectorAll("details")]) details.open = true;
  const seen = flat(clause.innerText);
  clause.open = false;
  return said.filter((text) => !seen.includes(flat(text))).map((text) => `${id} does not show "${text}"`);
})"#;
/// What stands at places and is not shown when somebody asks for it, or stays when nobody does any more.
pub(super) const UNSHOWN: &str = r##"(sources) => {
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
pub(super) const SHOW_FIRST: &str = r#"() => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const clause of document.querySelectorAll("details.clause")) {
    const link = clause.querySelector("a.place");
    if (link && link.ariaExpanded !== "true") link.click();
  }
}"#;
/// Whether an element is seen, in the part of the page that the window shows.
pub(super) const IN_SIGHT: &str = r#"(id) => {
  const element = document.getElementById(id), { top } = element.getBoundingClientRect();
  const clause = element.closest("details.clause");
  return element.checkVisibility() && clause?.open === true && top >= 0 && top < innerHeight;
}"#;
