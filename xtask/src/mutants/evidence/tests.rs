use super::*;

fn mutant(line: usize) -> Mutant {
    Mutant {
        krate: "journal".to_owned(),
        file: "crates/journal/src/read.rs".to_owned(),
        line,
        column: 1,
        function: "look".to_owned(),
        genre: "BinaryOperator".to_owned(),
        replacement: "!=".to_owned(),
        change: "replace == with != in look".to_owned(),
    }
}

fn run(line: usize, verdict: Verdict) -> Run {
    let caught_by = match verdict {
        Verdict::Caught => vec!["test:journal::one".to_owned()],
        _ => Vec::new(),
    };
    Run { mutant: mutant(line), verdict, caught_by, seconds: 1.0 }
}

fn merged(evidence: &mut Evidence, sources: &str, of: usize, runs: &[Run]) -> Summary {
    let listed: Vec<Mutant> = (1..=of).map(mutant).collect();
    evidence.merge("journal", sources, listed.iter(), runs);
    evidence.summaries()["journal"].clone()
}

fn equivalent(line: &str) -> Equivalent {
    Equivalent {
        krate: "journal".to_owned(),
        file: mutant(1).file,
        change: mutant(1).change,
        line: line.to_owned(),
        reason: "nobody can tell".to_owned(),
    }
}

/// The text of line 3 is `line 3`.
fn text_of(mutant: &Mutant) -> Option<String> {
    Some(format!("line {}", mutant.line))
}

#[test]
fn the_score_is_of_what_was_run_can_be_noticed_and_compiles() {
    let mut evidence = Evidence::default();
    let runs = [
        run(1, Verdict::Caught),
        run(2, Verdict::Timeout),
        run(3, Verdict::Missed),
        run(4, Verdict::Unviable),
        run(5, Verdict::Missed),
    ];
    let before = merged(&mut evidence, "a", 9, &runs);
    assert_eq!((before.listed, before.mutants, before.unviable), (9, 5, 1));
    assert!((before.score - 0.5).abs() < 1e-9);
    assert_eq!(evidence.excuse(&[equivalent("line 3")], &text_of), Vec::<String>::new());
    let after = &evidence.summaries()["journal"];
    assert_eq!((after.missed, after.equivalent), (1, 1));
    assert!((after.score - 0.6667).abs() < 1e-9);
    assert_eq!(evidence.missed("journal").collect::<Vec<_>>(), [&mutant(5)]);
}

#[test]
fn what_was_never_run_has_no_score() {
    let summary = merged(&mut Evidence::default(), "a", 3, &[]);
    assert_eq!((summary.listed, summary.mutants), (3, 0));
    assert!(summary.score.abs() < 1e-9);
}

#[test]
fn shards_add_up_as_long_as_the_sources_are_the_same() {
    let mut evidence = Evidence::default();
    merged(&mut evidence, "a", 4, &[run(1, Verdict::Caught), run(2, Verdict::Missed)]);
    let both = merged(&mut evidence, "a", 4, &[run(2, Verdict::Caught), run(3, Verdict::Caught)]);
    assert_eq!((both.mutants, both.caught, both.missed), (3, 3, 0));
    let fewer = merged(&mut evidence, "a", 2, &[]);
    assert_eq!((fewer.listed, fewer.mutants), (2, 2));
    let other = merged(&mut evidence, "b", 4, &[run(3, Verdict::Missed)]);
    assert_eq!((other.mutants, other.caught, other.missed), (1, 0, 1));
}

#[test]
fn what_the_simulation_caught_stays_caught_when_the_tests_miss_it_again() {
    let mut evidence = Evidence::default();
    merged(&mut evidence, "a", 2, &[run(1, Verdict::Missed), run(2, Verdict::Missed)]);
    evidence.caught(&mutant(1), "judge:durability");
    let again = merged(&mut evidence, "a", 2, &[run(1, Verdict::Missed), run(2, Verdict::Missed)]);
    assert_eq!((again.caught, again.missed), (1, 1));
    let caught_by: Vec<_> =
        evidence.entries("journal").flat_map(|entry| &entry.caught_by).collect();
    assert_eq!(caught_by, ["judge:durability"]);
}

#[test]
fn an_equivalent_mutant_that_is_caught_or_gone_is_told() {
    let mut evidence = Evidence::default();
    merged(&mut evidence, "a", 1, &[run(1, Verdict::Caught)]);
    let wrong = evidence.excuse(&[equivalent("line 1"), equivalent("line 8")], &text_of);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].contains("Caught") && wrong[1].contains("no mutant"), "{wrong:?}");
    // What is not known yet may still turn up.
    merged(&mut evidence, "a", 5, &[]);
    assert_eq!(evidence.excuse(&[equivalent("line 8")], &text_of), Vec::<String>::new());
}

#[test]
fn what_is_kept_reads_back_the_same_in_the_same_order() {
    let mut evidence = Evidence::default();
    let runs = [run(3, Verdict::Missed), run(1, Verdict::Caught), run(2, Verdict::Unviable)];
    merged(&mut evidence, "a", 4, &runs);
    evidence.excuse(&[equivalent("line 3")], &text_of);
    let text = evidence.text().unwrap();
    let again = Evidence::parse(text.as_bytes()).unwrap();
    assert_eq!(again, evidence);
    assert_eq!(again.text().unwrap(), text);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("\"line\":")).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("\"line\":1") && lines[2].contains("\"line\":3"), "{text}");
}

#[test]
fn a_new_test_leaves_the_sources_as_they_are_and_a_new_line_does_not() {
    let root = tempfile::tempdir().unwrap();
    let source = root.path().join("crates/journal/src");
    fs::create_dir_all(source.join("read/tests")).unwrap();
    let product = "fn read() {}\n";
    fs::write(source.join("read.rs"), product).unwrap();
    let digest = || sources(root.path(), "journal").unwrap();
    let before = digest();
    let tested = format!("{product}\n#[cfg(test)]\nmod tests {{ fn a() {{}} }}\n");
    fs::write(source.join("read.rs"), tested).unwrap();
    fs::write(source.join("read/tests.rs"), "fn b() {}").unwrap();
    fs::write(source.join("read/tests/more.rs"), "fn c() {}").unwrap();
    assert_eq!(digest(), before);
    fs::write(source.join("read.rs"), "fn read() { more() }\n").unwrap();
    assert_ne!(digest(), before);
    assert!(sources(root.path(), "nothing").is_err());
}
