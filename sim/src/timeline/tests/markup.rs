//! A small checker of markup: every element is closed, every attribute quoted, every value escaped.

/// What is wrong with a page, if anything is.
pub(super) fn fault(page: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap_or(page);
    while let Some(at) = rest.find('<') {
        let (text, from) = rest.split_at(at);
        if let Some(fault) = fault_in_text(text) {
            return Some(fault);
        }
        let Some(end) = from.find('>') else { return Some(format!("no end of {from}")) };
        let tag = &from[1..end];
        rest = &from[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}> closes nothing"));
            }
        } else if let Some(tag) = tag.strip_suffix('/') {
            if let Some(fault) = fault_in_tag(tag) {
                return Some(fault);
            }
        } else {
            if let Some(fault) = fault_in_tag(tag) {
                return Some(fault);
            }
            let name = tag.split(' ').next().unwrap();
            open.push(name);
            if ["style", "script"].contains(&name) {
                // What is in there is no markup.
                rest = &rest[rest.find(&format!("</{name}"))?..];
            }
        }
    }
    fault_in_text(rest).or_else(|| open.pop().map(|name| format!("<{name}> is not closed")))
}

fn fault_in_tag(tag: &str) -> Option<String> {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        return Some(format!("no name: {tag}"));
    }
    let mut names = Vec::new();
    while !rest.is_empty() {
        let Some((attribute, after)) = rest.split_once("=\"") else {
            return Some(format!("not quoted: {tag}"));
        };
        let Some((value, after)) = after.split_once('"') else {
            return Some(format!("no end of the value: {tag}"));
        };
        if names.contains(&attribute) || attribute.contains(' ') {
            return Some(format!("not an attribute: {attribute} of {tag}"));
        }
        if let Some(fault) = fault_in_text(value) {
            return Some(fault);
        }
        names.push(attribute);
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    None
}

fn fault_in_text(text: &str) -> Option<String> {
    let is_reference = |rest: &str| {
        ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].iter().any(|known| rest.starts_with(known))
    };
    let wrong = text.match_indices('&').find(|(at, _)| !is_reference(&text[*at..]));
    wrong.map(|(at, _)| format!("not escaped: {}", &text[at..]))
}
