//! The bounds that docs/limits.md states are those of the code.

use super::text;

/// The value of a constant: a product, or a shift, of numbers.
fn value(source: &str, name: &str) -> Option<u64> {
    let (_, rest) = source.split_once(&format!("const {name}: "))?;
    let (_, expression) = rest.split_once('=')?;
    let (expression, _) = expression.split_once(';')?;
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
    match expression.split_once("<<") {
        Some((base, by)) => Some(number(base)? << number(by)?),
        None => expression.split('*').map(number).product(),
    }
}

/// A number as people read it: `10,000`, `256 MiB`.
fn stated(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let unit = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    Some(number.replace(',', "").parse::<u64>().ok()? * unit)
}

#[test]
fn limits_are_those_of_the_code() {
    let page = text("docs/limits.md");
    let mut rows = 0;
    for line in page.lines().filter(|line| line.contains("](../crates/") && line.starts_with("| "))
    {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (name, path) = cells[3].split_once("`](../").unwrap();
        let (name, path) = (name.trim_start_matches("[`"), path.trim_end_matches(')'));
        let found = value(&text(path), name);
        assert!(found.is_some(), "{path} has no {name} that can be read");
        assert_eq!(stated(cells[2]), found, "{name} of {path}");
        rows += 1;
    }
    assert!(rows >= 25, "{rows} bounds");
}
