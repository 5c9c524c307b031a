use proptest::prelude::*;

use super::*;
use crate::made;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
const NAMESPACE: &str = "namespaces=\"upgrade@femtoclaw.dev\"";

fn refused(line: &str) -> InvalidSigner {
    line.parse::<AllowedSigner>().unwrap_err()
}

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

#[test]
fn a_line_is_taken_apart_and_put_together_again() {
    let line = format!(
        "alice@example.com namespaces=\"release@femtoclaw.dev,upgrade@femtoclaw.dev\",\
         valid-after=\"20260101000000Z\",valid-before=\"20261231235959Z\" {KEY} her laptop"
    );
    let signer: AllowedSigner = line.parse().unwrap();
    assert_eq!(signer.to_string(), line);
    assert_eq!(signer.principal().as_str(), "alice@example.com");
    assert_eq!(signer.roles(), &BTreeSet::from([Role::Publisher, Role::Operator]));
    assert_eq!(signer.valid_after(), Some(moment("20260101Z")));
    assert_eq!(signer.valid_before(), Some(moment("20261231235959Z")));
    assert_eq!(signer.key().comment(), "her laptop");
    let reordered = format!("a valid-before=\"20270101Z\",{NAMESPACE} {KEY}");
    assert!(reordered.parse::<AllowedSigner>().is_ok());
}

#[test]
fn patterns_and_lists_of_principals_are_refused() {
    for principal in
        ["*", "a*", "a?", "!a", "a,b", "\"a\"", "#a", "a:b", "é", "-a", "@a", &"a".repeat(129)]
    {
        let error = refused(&format!("{principal} {NAMESPACE} {KEY}"));
        assert!(matches!(error, InvalidSigner::Principal { .. }), "{principal}: {error}");
    }
}

#[test]
fn options_that_are_not_ours_are_refused() {
    for options in [
        "cert-authority",
        "cert-authority,namespaces=\"upgrade@femtoclaw.dev\"",
        "namespaces=\"upgrade@femtoclaw.dev\",cert-authority",
        "NAMESPACES=\"upgrade@femtoclaw.dev\"",
        "namespaces=upgrade@femtoclaw.dev",
        "namespaces=\"upgrade@femtoclaw.dev\",",
        "namespaces=\"upgrade@femtoclaw.dev",
        "namespaces=\"upgrade@femtoclaw.dev\"x",
        "verify-required=\"\"",
    ] {
        let error = refused(&format!("a {options} {KEY}"));
        assert!(matches!(error, InvalidSigner::Option { .. }), "{options}: {error}");
    }
}

#[test]
fn namespaces_are_stated_and_ours() {
    assert_eq!(refused(&format!("a {KEY}")), InvalidSigner::NoNamespaces);
    let without = format!("a valid-after=\"20260101Z\" {KEY}");
    assert_eq!(refused(&without), InvalidSigner::NoNamespaces);
    for found in [
        "",
        "*",
        "file",
        "!file",
        "*@femtoclaw.dev",
        "Upgrade@femtoclaw.dev",
        "upgrade@femtoclaw.dev,",
    ] {
        let error = refused(&format!("a namespaces=\"{found}\" {KEY}"));
        assert!(matches!(error, InvalidSigner::Namespace { .. }), "{found}: {error}");
    }
    let twice = format!("a namespaces=\"upgrade@femtoclaw.dev,upgrade@femtoclaw.dev\" {KEY}");
    assert!(matches!(refused(&twice), InvalidSigner::Twice { .. }));
    let twice = format!("a {NAMESPACE},{NAMESPACE} {KEY}");
    assert_eq!(refused(&twice), InvalidSigner::Twice { option: "namespaces".to_owned() });
    let key = made::key(1).public_key().clone();
    let no_roles = AllowedSigner::new("a".parse().unwrap(), [], key);
    assert_eq!(no_roles, Err(InvalidSigner::NoNamespaces));
}

#[test]
fn times_are_in_utc_and_exist() {
    for text in [
        "",
        "Z",
        "20260101",
        "20260101z",
        "20260101UTC",
        "2026010Z",
        "202601011Z",
        "2026010112Z",
        "20260101126000Z",
        "20260101240000Z",
        "20260101000060Z",
        "20260230Z",
        "20261301Z",
        "20260100Z",
        "+2026010Z",
        "2026-1-1Z",
        "19700101Z",
        "19691231Z",
        "00000101Z",
        "20260101000000.0Z",
    ] {
        assert!(matches!(text.parse::<Moment>(), Err(InvalidSigner::Time { .. })), "{text}");
    }
    for text in ["20260101Z", "202601010000Z", "20260101000000Z"] {
        assert_eq!(moment(text).timestamp(), made::at("2026-01-01T00:00:00Z"));
        assert_eq!(moment(text).to_string(), "20260101000000Z");
    }
    assert_eq!(moment("19700101000001Z").timestamp(), made::at("1970-01-01T00:00:01Z"));
    assert_eq!(moment("99991230220000Z").timestamp(), made::at("9999-12-30T22:00:00Z"));
}

#[test]
fn a_window_has_two_ends() {
    let window = |after: &str, before: &str| {
        format!("a {NAMESPACE},valid-after=\"{after}\",valid-before=\"{before}\" {KEY}")
            .parse::<AllowedSigner>()
    };
    assert!(window("20260101Z", "20260101000001Z").is_ok());
    for before in ["20260101Z", "20251231Z"] {
        let never = window("20260101Z", before);
        assert!(matches!(never, Err(InvalidSigner::NeverValid { .. })), "{before}");
    }
}

#[test]
fn the_form_of_a_line_is_held_to() {
    for line in ["", "a", &format!("a {NAMESPACE}")] {
        assert_eq!(refused(line), InvalidSigner::Form, "{line}");
    }
    for line in [
        format!(" a {NAMESPACE} {KEY}"),
        format!("a  {NAMESPACE} {KEY}"),
        format!("a {NAMESPACE}  {KEY}"),
        format!("a\t{NAMESPACE} {KEY}"),
        format!("a {NAMESPACE} {KEY}\nb {NAMESPACE} {KEY}"),
        format!("# a {NAMESPACE} {KEY}"),
        format!("a {NAMESPACE} ssh-rsa AAAA"),
    ] {
        refused(&line);
    }
    let long = format!("a {NAMESPACE} {KEY} {}", "c".repeat(MAXIMUM_LINE_BYTES));
    assert!(matches!(refused(&long), InvalidSigner::TooLong { .. }));
}

#[test]
fn a_line_and_a_principal_may_be_as_long_as_their_bounds() {
    let rubbish = |bytes: usize| refused(&"x".repeat(bytes));
    assert_eq!(rubbish(768), InvalidSigner::Form);
    assert_eq!(rubbish(769), InvalidSigner::TooLong { bytes: 769, limit: 768 });
    let longest = "a".repeat(MAXIMUM_PRINCIPAL_BYTES);
    assert_eq!(longest.parse::<Principal>().unwrap().as_str(), longest);
    let longer = format!("{longest}a").parse::<Principal>();
    assert_eq!(longer, Err(InvalidSigner::Principal { found: longest.clone() }));
    // Everything that a line can have fits into one.
    let namespaces = Role::ALL.map(Role::namespace).join(",");
    let comment = "c".repeat(MAXIMUM_COMMENT_BYTES);
    let line = format!(
        "{longest} namespaces=\"{namespaces}\",valid-after=\"20260101000000Z\",\
         valid-before=\"20261231235959Z\" {KEY} {comment}"
    );
    assert_eq!(line.parse::<AllowedSigner>().unwrap().to_string(), line);
}

#[test]
fn who_signs_is_shown_and_written_as_it_is_spelled() {
    let principal: Principal = "alice@example.com".parse().unwrap();
    assert_eq!(principal.to_string(), "alice@example.com");
    let json = serde_json::to_string(&principal).unwrap();
    assert_eq!(json, "\"alice@example.com\"");
    assert_eq!(serde_json::from_str::<Principal>(&json).unwrap(), principal);
    assert!(serde_json::from_str::<Principal>("\"*\"").is_err());
    let line = format!("a {NAMESPACE} {KEY}");
    let signer: AllowedSigner = line.parse().unwrap();
    assert_eq!(format!("{signer:?}"), line);
    assert_eq!((signer.valid_after(), signer.valid_before()), (None, None));
    assert_eq!(format!("{:?}", moment("20260101Z")), "20260101000000Z");
}

#[test]
fn a_moment_is_the_second_in_which_a_time_lies() {
    let of = |text: &str| Moment::of(made::at(text));
    assert_eq!(of("2026-01-01T00:00:00.999999999Z"), Ok(moment("20260101Z")));
    assert_eq!(of("1970-01-01T00:00:01.5Z"), Ok(moment("19700101000001Z")));
    for none in ["1970-01-01T00:00:00.999999999Z", "1969-12-31T23:59:59.5Z"] {
        assert_eq!(of(none), Err(InvalidSigner::Time { found: none.to_owned() }));
    }
    assert!(moment("20260101Z") < moment("20260101000001Z"));
}

#[test]
fn validity_includes_both_ends_in_whole_seconds() {
    let (after, before) = (moment("20260101Z"), moment("20260102Z"));
    let signer = made::signer("a", &[Role::Operator], 1).valid(Some(after), Some(before)).unwrap();
    for (now, expected) in [
        ("2025-12-31T23:59:59.999999999Z", Validity::NotYet(after)),
        ("2026-01-01T00:00:00Z", Validity::Valid),
        ("2026-01-02T00:00:00Z", Validity::Valid),
        ("2026-01-02T00:00:00.999999999Z", Validity::Valid),
        ("2026-01-02T00:00:01Z", Validity::Expired(before)),
    ] {
        assert_eq!(signer.validity(made::at(now)), expected, "{now}");
    }
}

/// Refused, or written and read again the same.
fn is_refused_or_itself<T: FromStr + fmt::Display + PartialEq>(text: &str) -> bool {
    let Ok(read) = text.parse::<T>() else { return true };
    read.to_string().parse::<T>().is_ok_and(|again| again == read)
}

proptest! {
    #[test]
    fn whatever_a_text_says_it_is_refused_or_means_what_it_is_written_as(
        text: String, name in "[a-z@*,. ]{0,9}", digits in "[0-9]{0,15}Z?", day in 10..29, time in "[0-5]{0,6}",
    ) {
        let digits = [digits, format!("202601{day}{time}Z")];
        for line in [&text, &format!("a {text} {KEY}"), &format!("{name} {NAMESPACE} {KEY}")] {
            prop_assert!(is_refused_or_itself::<AllowedSigner>(line), "{}", line);
        }
        for digits in &digits {
            let line = format!("a {NAMESPACE},valid-after=\"{digits}\" {KEY}");
            prop_assert!(is_refused_or_itself::<AllowedSigner>(&line), "{}", line);
            prop_assert!(is_refused_or_itself::<Moment>(digits), "{}", digits);
        }
        for name in [&text, &name] {
            prop_assert!(name.parse::<Principal>().is_err() || !name.contains(['*', ',', ' ']));
            prop_assert!(is_refused_or_itself::<Principal>(name), "{}", name);
        }
    }

    #[test]
    fn every_line_that_can_be_made_is_read_again(
        principal in "[a-zA-Z0-9][a-zA-Z0-9@._+-]{0,30}",
        roles in proptest::sample::subsequence(Role::ALL.to_vec(), 1..=3),
        seed in 1u8..20,
        after in proptest::option::of(1i64..253_402_200_000),
        length in proptest::option::of(1i64..1000),
    ) {
        let at = |second: i64| Timestamp::from_unix_nanoseconds(i128::from(second) * NANOSECONDS_A_SECOND).unwrap();
        let before = length.map(|length| Moment::of(at(after.unwrap_or(0) + length)).unwrap());
        let after = after.map(|second| Moment::of(at(second)).unwrap());
        let signer = made::signer(&principal, &roles, seed).valid(after, before).unwrap();
        prop_assert_eq!(signer.to_string().parse::<AllowedSigner>().unwrap(), signer);
    }
}
