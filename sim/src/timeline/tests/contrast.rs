//! Every text of the page can be read, in the light and in the dark.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../html/page.css");

/// What WCAG asks for at least.
const LEAST: f64 = 4.5;

#[test]
fn every_text_can_be_told_from_what_is_behind_it() {
    let blocks: Vec<&str> = STYLE.split(":root {").collect();
    assert!(blocks.len() >= 3, "one block for the light and one for the dark");
    for block in &blocks[1..3] {
        let colours = colours(block.split('}').next().unwrap());
        let inks = ["durable", "kept", "lost", "torn", "absent", "failed", "said", "alarm"];
        let own_tints = inks.iter().map(|ink| (ink.to_string(), format!("{ink}-tint")));
        let on_sheets = ["ink", "soft", "said", "link", "alarm"]
            .into_iter()
            .map(|ink| (ink.to_owned(), "sheet".to_owned()));
        let others = [("ink", "page"), ("soft", "page"), ("ink", "band"), ("soft", "band")]
            .into_iter()
            .chain([("ink", "alarm-tint"), ("soft", "said-tint"), ("link", "said-tint")])
            .map(|(ink, behind)| (ink.to_owned(), behind.to_owned()));
        for (ink, behind) in own_tints.chain(on_sheets).chain(others) {
            let contrast = contrast(colours[ink.as_str()], colours[behind.as_str()]);
            assert!(contrast >= LEAST, "{ink} on {behind}: {contrast:.2}");
        }
    }
}

/// The colours that a block names, by their names, as luminances.
fn colours(block: &str) -> BTreeMap<&str, f64> {
    let declarations = block.split(';').filter_map(|one| one.trim().split_once(": #"));
    declarations.map(|(name, hex)| (&name[2..], luminance(hex))).collect()
}

fn luminance(hex: &str) -> f64 {
    let weights = [0.2126, 0.7152, 0.0722];
    let parts = weights.iter().enumerate().map(|(at, weight)| {
        let part = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        let part = f64::from(part) / 255.0;
        let linear =
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
        weight * linear
    });
    parts.sum()
}

fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}
