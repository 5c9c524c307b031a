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
fn a_document_may_be_as_large_as_its_bound_and_no_larger() {
    assert!(Object::parse(br#"{"a":1}"#, 7).is_ok());
    let Err(error) = Object::parse(br#"{"a":1}"#, 6) else { panic!("it was accepted") };
    assert_eq!(error, InvalidDocument::TooLarge { bytes: 7, limit: 6 });
}

#[test]
fn a_list_may_be_as_long_as_its_bound_and_no_longer() {
    let list = || Object::parse(br#"{"a":[1,2]}"#, 100).unwrap().take("a").unwrap();
    let numbers = list().list(2).unwrap().iter().map(Field::number).collect::<Vec<_>>();
    assert_eq!(numbers, [Ok(1), Ok(2)]);
    let (field, found, limit) = ("a".to_owned(), 2, 1);
    assert_eq!(list().list(1).err(), Some(InvalidDocument::TooMany { field, found, limit }));
    assert_eq!(list().set(2, Field::number), Ok(BTreeSet::from([1, 2])));
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
