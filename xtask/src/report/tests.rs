use super::*;
use crate::sabotage::Entry;
use crate::trace::html::data::text;
use sources::State;

fn source(kind: sources::Kind, state: State, value: Value) -> Source {
    let sources::Kind { name, file, command } = kind;
    Source { name, file, command, state, value }
}

/// What is told where nothing is on record but this.
fn gathered() -> Gathered {
    let missing = |kind| source(kind, State::Missing, Value::Null);
    Gathered {
        commit: "0123456789ab".to_owned(),
        tree: "fedcba".to_owned(),
        tests: missing(TESTS),
        simulation: missing(SIMULATION),
        model: missing(MODEL),
        trace: missing(TRACE),
        sabotage: missing(sources::SABOTAGE),
        mutants: missing(sources::MUTANTS),
        coverage: missing(COVERAGE),
        bench: missing(BENCH),
        bugs: Vec::new(),
    }
}

fn simulation(ok: bool) -> Value {
    json!({ "tree": "fedcba", "report": {
        "ok": ok, "distinct_states": 424_242, "violations": u64::from(!ok),
        "judged": { "atomicity": 12, "durability": 7 }, "violated": { "atomicity (adopt)": 2 },
        "fault_classes": { "bit-rot": 30, "write-eio": 12 },
        "by_scenario": { "adopt (kill)": 5, "adopt (posix)": 7, "random-1 (kill)": 2, "random-2 (kill)": 3 },
        "found": [{ "id": "adopt@1:<b>", "judge": "atomicity", "what": "</main><script>run()</script>" }],
    } })
}

fn page(gathered: &Gathered, file: &str) -> String {
    let page = PAGES.iter().find(|page| page.file == file).unwrap();
    pages::render(page, gathered)
}

#[test]
fn a_record_that_is_missing_is_named_with_its_command_on_the_overview_and_on_its_page() {
    let gathered = gathered();
    for (file, command) in [
        ("simulator.html", "cargo xtask sim --quick"),
        ("model.html", "cargo xtask model"),
        ("trace.html", "cargo xtask trace"),
        ("bugs.html", "cargo xtask sabotage --record --new"),
        ("mutants.html", "cargo xtask coverage"),
        ("bench.html", "cargo xtask bench --write-docs"),
    ] {
        assert!(page(&gathered, "index.html").contains(command), "{command}");
        assert!(page(&gathered, file).contains(command), "{file}");
        assert!(page(&gathered, file).contains("nothing is on record"), "{file}");
    }
}

#[test]
fn figures_of_another_tree_are_not_on_the_overview_and_their_page_begins_with_a_warning() {
    let mut gathered = gathered();
    gathered.simulation = source(SIMULATION, State::Current, simulation(true));
    assert!(page(&gathered, "index.html").contains("424,242"));
    assert!(!page(&gathered, "simulator.html").contains("not of the tree"));
    let how = "It is of another tree, 0123".to_owned();
    gathered.simulation = source(SIMULATION, State::Other(how), simulation(true));
    let overview = page(&gathered, "index.html");
    assert!(!overview.contains("424,242") && overview.contains("It is of another tree, 0123"));
    let own = page(&gathered, "simulator.html");
    let (warning, figure) = (own.find("not of the tree").unwrap(), own.find("424,242").unwrap());
    assert!(warning < figure);
}

#[test]
fn what_is_wrong_in_this_tree_is_told_and_what_was_wrong_in_another_is_not() {
    let mut gathered = gathered();
    assert!(gathered.broken().is_empty());
    gathered.simulation = source(SIMULATION, State::Current, simulation(false));
    assert_eq!(gathered.broken(), ["Simulator: not content, 1 finding"]);
    gathered.simulation.state = State::Other("It is old".to_owned());
    assert!(gathered.broken().is_empty());
    let tests = json!({ "tree": "fedcba", "tests": [{ "package": "a", "name": "b", "outcome": "FAILED" }] });
    gathered.tests = source(TESTS, State::Current, tests);
    assert_eq!(gathered.broken(), ["1 test did not pass"]);
}

#[test]
fn nothing_that_a_record_says_becomes_markup() {
    let mut gathered = gathered();
    gathered.simulation = source(SIMULATION, State::Current, simulation(false));
    let written = page(&gathered, "simulator.html");
    assert!(written.contains("&lt;/main&gt;&lt;script&gt;run()"));
    assert_eq!(written.matches("<script>").count(), 1);
    for outside in ["http:", "https:", "@import", "url(", "{{"] {
        assert!(!written.contains(outside), "{outside}");
    }
}

#[test]
fn states_are_told_by_scenario_and_profile_and_random_lives_together() {
    let mut gathered = gathered();
    gathered.simulation = source(SIMULATION, State::Current, simulation(true));
    let written = page(&gathered, "simulator.html");
    let row = written.split("<td class=\"\">adopt</td>").nth(1).unwrap();
    let cells: Vec<&str> = row
        .split("data-sort=\"")
        .skip(1)
        .take(4)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(cells, ["5", "0", "7", "12"]);
    assert!(!written.contains("random-1") && written.contains("<td class=\"\">random</td>"));
}

#[test]
fn a_planted_bug_counts_for_whoever_noticed_it_as_it_is_now() {
    let all = bugs(&Record::default());
    assert!(!all.is_empty() && all.iter().all(|bug| bug.noticed == Noticed::Unasked));
    assert_eq!(Tally::of(&all).unasked, Tally::of(&all).all());
    let mut record = Record::default();
    let entry =
        Entry { edits: "other".to_owned(), judge: Some("link".to_owned()), ..Entry::default() };
    record.bugs.insert(all[0].name.to_owned(), entry);
    assert_eq!(Tally::of(&bugs(&record)).caught(), 0);
}

#[test]
fn what_was_missed_comes_first_and_times_are_counted_by_step() {
    let bug = |name, noticed, milliseconds: Option<u64>| Bug {
        name,
        means: "it is lost",
        file: "crates/a/src/lib.rs",
        redundant: None,
        noticed,
        judge: milliseconds.map(|_| "link".to_owned()),
        scenario: milliseconds.map(|_| "adopt".to_owned()),
        milliseconds,
        tests: 0,
    };
    let mut gathered = gathered();
    gathered.sabotage = source(sources::SABOTAGE, State::Current, json!({ "bugs": {} }));
    gathered.bugs = vec![
        bug("caught-at-once", Noticed::ByJudge, Some(150)),
        bug("caught-later", Noticed::ByJudge, Some(1_700)),
        bug("lost-for-good", Noticed::Missed, None),
    ];
    let written = page(&gathered, "bugs.html");
    let at = |text: &str| written.find(text).unwrap();
    assert!(at("lost-for-good") < at("caught-at-once") && at("1.7 s") < at("<script>"));
    assert!(written.contains("2 bugs that it noticed, 2 have a time"));
    assert_eq!(
        written.matches("<rect class=\"a\"").count(),
        1 + 8 + 1 + 1,
        "a column for each step"
    );
    assert_eq!(gathered.broken(), ["1 planted bug missed"]);
    gathered.bugs.iter_mut().for_each(|bug| bug.milliseconds = None);
    assert!(page(&gathered, "bugs.html").contains("No time is on record"));
}

#[test]
fn what_another_program_reads_has_no_figures_of_what_is_not_there() {
    let data = gathered().data();
    assert_eq!(text(&data, "tree"), "fedcba");
    for record in list(&data, "records") {
        assert!(record["record"].is_null() && record["current"] == false, "{record}");
        assert!(!text(record, "command").is_empty());
    }
}

#[test]
fn options_are_read_and_others_refused() {
    let parse = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    };
    let options = parse("--json --out a/b").unwrap();
    assert!(options.json && options.out == Some(PathBuf::from("a/b")));
    assert!(parse("--out").is_err() && parse("--quick").is_err());
}

#[test]
fn a_trace_that_is_gone_leaves_no_old_page_behind() {
    let (target, site) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir_all(target.path().join("trace")).unwrap();
    for name in TRACE_FILES {
        std::fs::write(target.path().join("trace").join(name), name).unwrap();
    }
    let mut gathered = gathered();
    gathered.trace = source(TRACE, State::Current, json!({ "tree": "fedcba", "rows": [] }));
    write(&gathered, target.path(), site.path()).unwrap();
    assert!(site.path().join("trace/index.html").is_file());
    gathered.trace.state = State::Missing;
    write(&gathered, target.path(), site.path()).unwrap();
    assert!(!site.path().join("trace/index.html").exists());
    for page in &PAGES {
        assert!(site.path().join(page.file).is_file(), "{}", page.file);
    }
}

mod in_chromium {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_and_a_page_that_asks_for_something_are_found() {
        let (target, site) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(&gathered(), target.path(), site.path()).unwrap();
        let checked = browser::check(site.path());
        assert!(checked.is_ok(), "{checked:?}");
        let path = site.path().join("model.html");
        let written = std::fs::read_to_string(&path).unwrap();
        let flaws = "<a href=\"gone.html\">a</a><a href=\"#nowhere\">b</a><p style=\"width: 2000px\">\
                     <i style=\"color: #ddd\">wide</i></p><script>fetch('file:///etc/hosts')</script></main>";
        std::fs::write(&path, written.replace("</main>", flaws)).unwrap();
        let wrong = browser::check(site.path()).unwrap_err();
        assert!(wrong.iter().all(|what| what.starts_with("model.html: ")), "{wrong:?}");
        let wrong = wrong.join("\n");
        for expected in
            ["nowhere: gone.html", "is nowhere", "px wide", "contrast", "Content Security Policy"]
        {
            assert!(wrong.contains(expected), "{expected}: {wrong}");
        }
    }
}
