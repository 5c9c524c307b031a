//! What every page of this project has to keep, whatever it shows. Each rule gives what is wrong.

use serde_json::{Value, json};

use super::Page;

/// What of a page is told at most, of each rule: one mistake is often made many times.
const TOLD: usize = 10;

/// What stands there without a target: links that lead nowhere, and those that lead away.
const LINKS: &str = r##"() => [...document.querySelectorAll("[href], [src], [action]")].flatMap((element) => {
  const address = element.getAttribute("href") ?? element.getAttribute("src") ?? element.getAttribute("action");
  if (element.matches("link[rel=icon]") && address === "data:,") return [];
  if (!element.matches("a")) return [`<${element.localName}> refers to ${address}`];
  if (!address.startsWith("#")) return [`a link leads out of the page: ${address}`];
  const target = document.getElementById(decodeURIComponent(address.slice(1)));
  return target ? [] : [`a link leads nowhere: ${address}`];
})"##;

/// Ids that several elements have, and fields that have no name.
const NAMES: &str = r#"() => {
  const seen = new Set(), wrong = [];
  for (const { id } of document.querySelectorAll("[id]")) {
    if (seen.has(id)) wrong.push(`several elements have the id ${id}`);
    seen.add(id);
  }
  for (const field of document.querySelectorAll("input, select, textarea")) {
    const name = [...field.labels].map((label) => label.textContent.trim()).join("") || field.getAttribute("aria-label");
    if (!name) wrong.push(`a field has no name: ${field.outerHTML}`);
  }
  for (const pressed of document.querySelectorAll("button, a[href], summary")) {
    if (!pressed.textContent.trim() && !pressed.getAttribute("aria-label")) wrong.push(`nothing says what this does: ${pressed.outerHTML}`);
  }
  return wrong;
}"#;

/// What sticks out on the right.
const WIDTH: &str = r#"() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const scrolls = (element) => element && (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
  const out = [...document.body.querySelectorAll("*")].filter((element) =>
    element.getBoundingClientRect().right > clientWidth + 0.5 && !scrolls(element.parentElement));
  const named = out.slice(0, 3).map((element) => `<${element.localName} class="${element.className}">`);
  return [`the page is ${scrollWidth} px wide where ${clientWidth} are seen: ${named.join(", ")}`];
}"#;

/// Texts that cannot be told from what is behind them, as WCAG 2.2 counts it: 4.5, and 3 if they are large.
const CONTRAST: &str = r#"() => {
  const parts = (colour) => {
    const [red, green, blue, opacity = 1] = colour.match(/[\d.]+/g).map(Number);
    return { rgb: [red, green, blue], opacity };
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const over = (front, back) => front.rgb.map((part, at) => part * front.opacity + back[at] * (1 - front.opacity));
  const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  const known = new Map();
  const behind = (element) => {
    if (!element) return canvas;
    if (!known.has(element)) known.set(element, over(parts(getComputedStyle(element).backgroundColor), behind(element.parentElement)));
    return known.get(element);
  };
  const wrong = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim(), element = texts.currentNode.parentElement;
    if (!text || element.matches("script, style, option, noscript") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), back = behind(element);
    const [one, other] = [luminance(over(parts(style.color), back)), luminance(back)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if (contrast < least) {
      const what = `<${element.localName} class="${element.className}">: ${style.color}`;
      if (!wrong.has(what)) wrong.set(what, `a text has a contrast of ${contrast.toFixed(2)}: ${what}, "${text.slice(0, 40)}"`);
    }
  }
  return [...wrong.values()];
}"#;

/// Every link leads to something in the page.
///
/// # Errors
/// If the page cannot be asked.
pub(crate) fn links(page: &mut Page<'_>) -> Result<Vec<String>, String> {
    ask(page, LINKS)
}

/// Every id is there once, and whatever can be used says what it is.
///
/// # Errors
/// If the page cannot be asked.
pub(crate) fn names(page: &mut Page<'_>) -> Result<Vec<String>, String> {
    ask(page, NAMES)
}

/// Nothing sticks out at this size.
///
/// # Errors
/// If the page cannot be asked.
pub(crate) fn width(page: &mut Page<'_>, width: u32, height: u32) -> Result<Vec<String>, String> {
    page.resize(width, height)?;
    ask(page, WIDTH)
}

/// Every text that is seen can be read by somebody who prefers this scheme, `light` or `dark`.
///
/// # Errors
/// If the page cannot be asked.
pub(crate) fn contrast(page: &mut Page<'_>, scheme: &str) -> Result<Vec<String>, String> {
    page.prefer(scheme)?;
    let wrong = ask(page, CONTRAST)?;
    Ok(wrong.into_iter().map(|what| format!("{scheme}: {what}")).collect())
}

fn ask(page: &mut Page<'_>, rule: &str) -> Result<Vec<String>, String> {
    texts(&page.apply(rule, &json!(null))?)
}

/// A list of texts that a page gave, shortened where it is long.
///
/// # Errors
/// If it is something else.
pub(crate) fn texts(value: &Value) -> Result<Vec<String>, String> {
    let list = value.as_array().ok_or_else(|| format!("not a list: {value}"))?;
    let mut texts: Vec<String> =
        list.iter().take(TOLD).map(|text| text.as_str().unwrap_or_default().to_owned()).collect();
    if let Some(more) = list.len().checked_sub(TOLD).filter(|more| *more > 0) {
        texts.push(format!("and {more} more"));
    }
    Ok(texts)
}
