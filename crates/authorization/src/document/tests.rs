use super::*;

fn refused(text: &str) -> String {
    let Err(error) = Object::parse(text.as_bytes(), 1000) else { panic!("{text} was accepted") };
    error.to_string()
}

#[test]
fn repeated_keys_are_refused_at_any_depth_and_in_any_spelling() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"b":{"a":null,"a":null}}"#,
        r#"{"b":[0,{"a":[],"c":1,"a":[]}]}"#,
    ] {
        assert!(refused(text).contains("\"a\" stands there twice"), "{text}");
    }
}

#[test]
fn what_is_no_object_or_goes_on_behind_it_is_refused() {
    for text in ["", "null", "[]", "{", "{} {}", "{}x", "{\"a\":1,}", "\u{feff}{}", "{'a':1}"] {
        refused(text);
    }
    assert!(refused(&"[".repeat(500)).contains("recursion"));
    assert!(refused(&" ".repeat(1001)).contains("1001 bytes"));
}

#[test]
fn numbers_are_whole_and_written_plainly() {
    for text in ["1.0", "1e0", "-1", "-0", "18446744073709551616", "\"1\"", "true", "null"] {
        let document = format!("{{\"a\":{text}}}");
        let field = Object::parse(document.as_bytes(), 100).unwrap().take("a").unwrap();
        assert!(field.number().is_err(), "{text} was accepted");
    }
    let field = Object::parse(br#"{"a":18446744073709551615}"#, 100).unwrap().take("a").unwrap();
    assert_eq!(field.number(), Ok(u64::MAX));
}

#[test]
fn a_line_prints_on_one_line_and_is_bounded() {
    for (text, fits) in
        [("\"four\"", true), ("\"fiver\"", false), ("\"a\\nb\"", false), ("\"\\u001b\"", false)]
    {
        let document = format!("{{\"a\":{text}}}");
        let field = Object::parse(document.as_bytes(), 100).unwrap().take("a").unwrap();
        assert_eq!(field.line(4).is_ok(), fits, "{text}");
    }
}

#[test]
fn a_wrong_field_is_named_by_its_path() {
    let mut document = Object::parse(br#"{"a":{"b":[1,1]},"c":0}"#, 100).unwrap();
    let mut inner = document.take("a").unwrap().object().unwrap();
    let twice = inner.take("b").unwrap().set(2, Field::number).unwrap_err();
    assert_eq!(twice, InvalidDocument::Twice { field: "a.b".to_owned(), entry: "1".to_owned() });
    assert_eq!(inner.take("d").err(), Some(InvalidDocument::Missing { field: "a.d".to_owned() }));
    assert_eq!(document.finish(), Err(InvalidDocument::Unknown { field: "c".to_owned() }));
}
