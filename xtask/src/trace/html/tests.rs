use serde_json::json;

use super::*;

/// What is in a page between two texts.
fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    page.split_once(begin)
        .and_then(|(_, rest)| rest.split_once(end))
        .map(|(inside, _)| inside)
        .unwrap()
}

#[test]
fn the_page_is_one_file_in_which_nothing_is_left_to_fill_in() {
    let page = page(&sample::data());
    for outside in ["http:", "https:", "@import", "url(", "<link rel=\"stylesheet"] {
        assert!(!page.contains(outside), "{outside}");
    }
    // What the data have stays as it is.
    assert_eq!(page.matches("{{").count(), page.matches("{{index}}").count());
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<b>"));
}

#[test]
fn the_index_can_be_read_and_says_what_each_clause_lacks() {
    let page = page(&sample::data());
    let index = between(&page, "id=\"index\">", "</script>");
    assert!(!index.contains(['<', '\u{2028}']));
    let index: Vec<Value> = serde_json::from_str(index).unwrap();
    let lacks = |id: &str| {
        let entry = index.iter().find(|entry| entry["id"] == id).unwrap();
        data::texts(entry, "without")
    };
    assert_eq!(lacks("FC-5.1"), ["judge", "caught"]);
    assert_eq!(lacks("FC-7.1"), Vec::<&str>::new());
    // A test that failed, a judge that had nothing to judge.
    assert_eq!(lacks("FC-8.1"), ["test", "judge"]);
    assert_eq!(lacks("FC-10.1"), ["test", "judge", "caught"]);
    let words = text(&index[0], "words");
    for expected in ["fc-5.1", "decided: it is checked before anything else.", "it_is_checked"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    assert!(text(&index[2], "words").contains("<b>bold</b>"));
}

#[test]
fn every_place_stands_there_once_with_its_lines() {
    let page = page(&sample::data());
    let id = "id=\"crates/a/src/lib.rs:3\"";
    assert_eq!(page.matches(id).count(), 1);
    assert_eq!(page.matches("href=\"#crates/a/src/lib.rs:3\"").count(), 2);
    let excerpt = between(&page, id, "</figure>");
    assert!(excerpt.contains("aria-hidden=\"true\">3\n4</pre>"), "{excerpt}");
    assert!(excerpt.contains("<i>/// What it does.\n</i>"), "{excerpt}");
    assert!(excerpt.contains("and 1 line to line 5"), "{excerpt}");
}

#[test]
fn what_came_of_evidence_is_said_in_words() {
    let page = page(&sample::data());
    let clause = between(&page, "id=\"FC-7.1\"", "Link to FC-7.1");
    for said in [
        "1 test · 2 judges · 10 bugs noticed",
        "judged 1,234,567 times",
        "2 violations",
        "noticed by others only",
        "nobody noticed",
        "it is done again later",
        "3 more mutants",
        "documented",
    ] {
        assert!(clause.contains(said), "{said}: {clause}");
    }
    let clause = between(&page, "id=\"FC-8.1\"", "Link to FC-8.1");
    assert!(clause.contains(">failed<") && clause.contains(">nothing to judge<"), "{clause}");
    let clause = between(&page, "id=\"FC-9.1\"", "Link to FC-9.1");
    assert!(clause.contains("<a href=\"#FC-7.1\">FC-7.1</a>"), "{clause}");
}

#[test]
fn the_figures_are_those_of_the_data() {
    let page = page(&sample::data());
    let header = between(&page, "<header class=\"wide\">", "</header>");
    for said in [
        "Of the 4 clauses that say MUST or MUST NOT",
        "75 %",
        "show the other 3",
        "2 problems",
        "1,234,567",
        "9,876 crash points, 88 % of them in full",
        "9 of 10, 1 missed",
        "91.2 %",
        "left-out syncs: 6 of 7 noticed",
        "2 properties, all of them hold",
    ] {
        assert!(header.contains(said), "{said}: {header}");
    }
}

#[test]
fn what_is_not_known_is_left_out() {
    let mut data = sample::data();
    data["model"] = Value::Null;
    data["coverage"] = Value::Null;
    data["problems"] = json!([]);
    data["excerpts"] = json!({});
    let page = page(&data);
    assert!(!page.contains("Model of the protocol"));
    assert!(page.contains("Nothing is missing.") && page.contains("was not kept"));
    let empty = super::page(&json!({}));
    assert!(empty.contains("0 clauses") && empty.ends_with("</html>\n"));
}
