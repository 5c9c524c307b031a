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
        ("(isShown ? stock : item).append(excerpt)", "{}", "is not shown where it is asked for"),
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
