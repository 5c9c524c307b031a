//! What is told while an operation goes on.

use storage_migration::PROGRESS_RECORDS;
use upgrade::{Activity, Authorization, Progress, Request, VerifyReport};

use crate::support::Scene;

/// Enough for a report of the executions, of which each turn is one, before their end.
const TURNS: u64 = PROGRESS_RECORDS + PROGRESS_RECORDS / 4;

/// Upgrades, and returns everything that was told on the way.
fn upgraded(scene: &Scene, version: &str) -> Vec<Progress> {
    let request = Request { target: Some(version.parse().unwrap()), ..Request::default() };
    let authorization = Some(Authorization::development());
    let mut told = Vec::new();
    scene
        .with(|home| home.apply(&request, None, authorization, &mut |at| told.push(at.clone())))
        .unwrap();
    told
}

fn verified(scene: &Scene) -> (Vec<Progress>, VerifyReport) {
    let mut told = Vec::new();
    let report = scene.with(|home| home.verify(&mut |at| told.push(at.clone())));
    (told, report)
}

/// Those that tell how far the reading of records is.
fn readings(told: &[Progress]) -> Vec<&Progress> {
    let of_records = |found: &&Progress| {
        let reads = matches!(found.activity, Activity::Reading | Activity::Verifying);
        reads && found.done > 0
    };
    told.iter().filter(of_records).collect()
}

/// How much there is of what is read is known from the first report to the last, and is right.
fn assert_totals_are_known(told: &[Progress]) {
    let readings = readings(told);
    let under_way = readings.iter().filter(|found| found.total != Some(found.done)).count();
    assert!(under_way > 0, "nothing was told before the end of a keyspace: {told:#?}");
    for found in &readings {
        let total = found.total.unwrap_or_else(|| panic!("nobody knows how much: {found:?}"));
        let last = readings.iter().rfind(|last| last.phase == found.phase).unwrap();
        assert_eq!((total, last.total), (last.done, Some(last.done)), "{found:?}");
        assert!(found.done <= total && found.bytes >= found.done, "{found:?}");
    }
}

#[test]
fn how_much_there_is_to_read_is_known_from_the_start_but_for_what_a_runtime_wrote() {
    let scene = Scene::with_turns(TURNS);
    let told = upgraded(&scene, "2.0.0-rc.1");
    assert_totals_are_known(&told);
    let mut activities: Vec<Activity> = told.iter().map(|found| found.activity).collect();
    activities.dedup();
    assert_eq!((activities[0], activities[1]), (Activity::Preparing, Activity::Checking));
    let last = &activities[activities.len() - 3..];
    assert_eq!(last, [Activity::Placing, Activity::Verifying, Activity::MakingDurable]);

    let (told, report) = verified(&scene);
    // The files of all generations are checked before the records of any are read.
    let begins = |found: &Progress| found.phase.starts_with("reading the records of generation ");
    let mut generations = told.split(begins);
    let files = generations.next().unwrap();
    assert!(files.iter().all(|found| found.activity == Activity::Checking), "{files:#?}");
    let read: Vec<_> = generations.collect();
    assert_eq!(read.len(), 2);
    read.into_iter().for_each(assert_totals_are_known);
    assert_eq!(report.problems, Vec::<String>::new());
    scene.confirm();
    // A store of the engine, migrated in place of its clone.
    assert_totals_are_known(&upgraded(&scene, "2.0.0"));
    scene.confirm();
    scene.booted("2.0.0", |_| ());
    let (told, _) = verified(&scene);
    let unknown = readings(&told).iter().filter(|found| found.total.is_none()).count();
    assert!(
        unknown > 0,
        "a store that a runtime may have written to holds what it was sealed with"
    );
}
