use super::*;

fn only(text: &str) -> TestFunction {
    let mut found = tests(text).unwrap();
    assert_eq!(found.len(), 1, "{text}");
    found.pop().unwrap()
}

fn asserts(text: &str) -> bool {
    only(text).has_assertion
}

/// A test with this body.
fn with(body: &str) -> String {
    format!("#[test]\nfn it() {{\n{body}\n}}\n")
}

#[test]
fn where_a_test_is_and_what_it_is_called() {
    let text = "\
//! About the file.
fn helper() {}

mod outer {
    #[cfg(test)]
    mod tests {
        // Why.
        /// What it claims.
        #[test]
        #[should_panic(expected = \"no\")]
        fn a_claim() {
            helper();
        }
        #[cfg_attr(windows, ignore)]
        #[tokio::test]
        async fn another() {}
    }
}
";
    let found = tests(text).unwrap();
    let path = |name: &str| ["outer", "tests", name].map(str::to_owned).to_vec();
    assert_eq!(
        found,
        [
            TestFunction {
                path: path("a_claim"),
                line: 11,
                first_line: 7,
                last_line: 13,
                has_assertion: true,
                is_ignored: false,
                should_panic: true,
            },
            TestFunction {
                path: path("another"),
                line: 16,
                first_line: 14,
                last_line: 16,
                has_assertion: false,
                is_ignored: true,
                should_panic: false,
            },
        ]
    );
}

#[test]
fn every_form_of_an_assertion_counts_and_what_only_looks_like_one_does_not() {
    for body in [
        "assert!(x);",
        "std::assert_eq!(x, y);",
        "debug_assert_ne!(x, y);",
        "prop_assert!(x)",
        "let Some(x) = y else { panic!(\"no\") };",
        "match x { A => {} B => unreachable!() }",
        "x().unwrap_err();",
        "x.expect_err(\"no\");",
        "Arguments::command().debug_assert();",
        "loom::model(|| { let x = y(); assert!(x); });",
        "vec![|| assert!(x)];",
        "return Err(TestCaseError::fail(\"no\"));",
    ] {
        assert!(asserts(&with(body)), "{body}");
    }
    for body in [
        "",
        "x.unwrap();",
        "x.expect(\"assert!(x)\"); // assert!(x)",
        "matches!(x, y);",
        "let panic = x; if assert != y {}",
        "x.unwrap_err;",
        "print!(\"panic!()\");",
    ] {
        assert!(!asserts(&with(body)), "{body}");
    }
}

#[test]
fn helpers_are_followed_by_name_however_they_are_called() {
    let helpers = "
fn first(x: u8) { let _ = x; second::<u8>() }
fn second<T>() { third(); }
fn third() { first(1); assert!(x) }
fn idle() {}
struct Scene;
impl Scene { fn new() -> Self { assert!(x); Self } fn check(&self) { Self::within() } fn within() { panic!() } fn field() {} }
struct Other;
impl Other { fn new() -> Self { Self } }
trait Judge { fn judge(&self) { assert!(x) } }
macro_rules! holds { ($x:expr) => { assert!($x) } }
macro_rules! quiet { ($x:expr) => { $x } }
";
    for body in [
        "first(1);",
        "module::first(1);",
        "for_each(third);",
        "let all = [second::<u8>];",
        "let x = 1; list.iter().map(first).count();",
        "Scene::new();",
        "x.check();",
        "x.y.judge();",
        "holds!(x);",
        "vec![first(1)];",
        "for x in 0..third() {}",
    ] {
        assert!(asserts(&format!("{}{helpers}", with(body))), "{body}");
    }
    for body in [
        "idle();",
        "Other::new();",
        "new();",
        "Scene::first();",
        "x.first(1);",
        "x.check;",
        "quiet!(x);",
        "unknown();",
        "let third = 1; y(third);",
        "let x = Scene { third: 1 };",
        "\"third()\";",
    ] {
        let expected = body.contains("third: 1");
        assert_eq!(asserts(&format!("{}{helpers}", with(body))), expected, "{body}");
    }
}

#[test]
fn tests_within_proptest_and_within_macros_are_seen() {
    let text = "\
proptest! {
    #![proptest_config(Config { cases: 10, ..Config::default() })]

    /// It holds.
    #[test]
    fn it_holds(x: u8, (y, z) in pair()) {
        prop_assert_eq!(x, y);
    }

    #[test]
    fn nothing_is_said(x in any::<u8>()) { let _ = x; }

    fn forgotten(x in any::<u8>()) { prop_assert!(x > 0); }
}
macro_rules! compared {
    ($($name:ident;)*) => { proptest! { $(#[test] fn $name(x: u8) { compare(x)?; })* } };
}
fn compare(x: u8) -> Result<(), TestCaseError> { prop_assert!(x > 0); Ok(()) }
";
    let found = tests(text).unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|it| (it.path.join("::"), it.first_line, it.line, it.last_line, it.has_assertion))
        .collect();
    let expected = [
        ("it_holds", 4, 6, 8, true),
        ("nothing_is_said", 10, 11, 11, false),
        ("$name", 16, 16, 16, true),
    ];
    assert_eq!(told, expected.map(|(name, a, b, c, d)| (name.to_owned(), a, b, c, d)));
    let all = Items::read(text).unwrap();
    let forgotten = all.functions.iter().find(|it| it.name == "forgotten").unwrap();
    assert!(!forgotten.is_test && !forgotten.has_arguments);
    assert!(!all.mentioned.contains("forgotten") && all.mentioned.contains("compare"));
}

#[test]
fn what_only_tests_reach_is_told_from_the_product() {
    let text = "
fn product() { assert!(x) }
#[cfg(test)]
mod tests {
    #[test]
    fn by_the_product() { product(); }
    #[test]
    fn by_a_helper() { helper(); }
    fn helper() { assert!(x) }
}
#[cfg(not(test))]
mod not { fn f() {} }
#[cfg(all(test, unix))]
mod made;
#[cfg(any(test, feature = \"x\"))]
mod both;
";
    let items = Items::read(text).unwrap();
    assert_eq!(items.test_modules, BTreeSet::from(["made".to_owned()]));
    let within = items.functions.iter().filter(|it| it.is_within_tests);
    let names: Vec<_> = within.map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["by_the_product", "by_a_helper", "helper"]);
    let sources = Sources::new([("a/src/lib.rs".to_owned(), items)]);
    let found = sources.tests("a/src/lib.rs");
    assert_eq!(found.iter().map(|it| it.has_assertion).collect::<Vec<_>>(), [false, true]);
    assert!(sources.tests("a/src/none.rs").is_empty());
}

#[test]
fn helpers_of_other_test_files_are_followed_unless_the_file_has_its_own() {
    let file = |path: &str, text: &str| (path.to_owned(), Items::read(text).unwrap());
    let sources = Sources::new([
        file("a/src/lib.rs", "mod part; #[cfg(test)] mod made; fn agrees() { assert!(x) }"),
        file("a/src/made.rs", "mod deep; pub fn made() { deep::deep() }"),
        file("a/src/made/deep.rs", "pub fn deep() { panic!() }"),
        file("a/src/part.rs", "#[cfg(test)] mod tests; fn part() { assert!(x) }"),
        file("a/src/part/tests.rs", &with("made()")),
        file("a/tests/all/main.rs", "mod support;"),
        file("a/tests/all/support.rs", "pub fn agrees() { assert!(x) }"),
        file("a/tests/all/one.rs", &with("agrees()")),
        file("a/tests/all/two.rs", &format!("{}fn agrees() {{}}", with("agrees()"))),
        file("a/tests/all/three.rs", &with("part()")),
    ]);
    let asserting = |path: &str| sources.tests(path)[0].has_assertion;
    assert!(asserting("a/src/part/tests.rs"));
    assert!(asserting("a/tests/all/one.rs"));
    assert!(!asserting("a/tests/all/two.rs"));
    assert!(!asserting("a/tests/all/three.rs"));
    let for_tests = sources.files().filter(|(path, _)| sources.is_for_tests(path));
    assert_eq!(for_tests.count(), 8);
}

#[test]
fn what_is_no_rust_is_told() {
    for text in ["fn f( {", "fn f() { let }", "\"open"] {
        assert!(Items::read(text).unwrap_err().starts_with("it is no Rust"), "{text}");
    }
}

/// With the files that are read here: what stands in texts is no test.
#[test]
fn this_file_has_the_tests_that_it_has() {
    let found = tests(include_str!("tests.rs")).unwrap();
    assert_eq!(found.len(), 8);
    assert!(found.iter().all(|test| test.has_assertion && !test.is_ignored));
}
