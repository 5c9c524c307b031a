//! What was staged is held against the plan.

use extension_migration::*;
use integrity::Digest;

use crate::made::*;

fn accepted() -> ExtensionPlan {
    let mut notes = talon("notes", "shell", &[]);
    notes.data = files(&[("ideas.md", "an idea")]);
    let mut home = home(vec![("notes", notes), ("search", talon("search", "rust", &[]))]);
    home.set_aside.insert(directory("before"), talon("before", "rust", &[]));
    let release = release(vec![(identity("notes"), offer("2.0.0", &[]))]);
    planned(&home, &release, &aside("search"))
}

#[test]
fn what_is_as_planned_passes() {
    let plan = accepted();
    assert_eq!(plan.files().len(), 7);
    assert_eq!(verify(&plan, &plan.files()), Ok(()));
}

#[test]
fn every_file_that_is_gone_changed_or_added_is_found() {
    let plan = accepted();
    for path in plan.files().into_keys() {
        let mut gone = plan.files();
        gone.remove(&path);
        assert_eq!(verify(&plan, &gone), Err(vec![Problem::Missing { path: path.clone() }]));

        let mut changed = plan.files();
        let found = Digest::of(b"rot");
        let expected = changed.insert(path.clone(), found).unwrap();
        let altered = Problem::Altered { path: path.clone(), expected, found };
        assert_eq!(verify(&plan, &changed), Err(vec![altered]));

        let mut added = plan.files();
        let path = format!("{path}.bak");
        added.insert(path.clone(), found);
        assert_eq!(verify(&plan, &added), Err(vec![Problem::Unplanned { path }]));
    }
}

#[test]
fn artifacts_of_the_replaced_version_are_not_left_behind() {
    let plan = accepted();
    let mut left = plan.files();
    let path = "extensions/notes/scripts/run.sh".to_owned();
    left.insert(path.clone(), Digest::of(b"notes"));
    assert_eq!(verify(&plan, &left), Err(vec![Problem::Unplanned { path }]));
}

#[test]
fn nothing_is_staged_by_a_plan_that_is_not_accepted() {
    let home = home(vec![("search", talon("search", "rust", &[]))]);
    let plan = planned(&home, &release(vec![]), &Consent::default());
    assert_eq!(verify(&plan, &plan.files()), Err(vec![Problem::NotAccepted]));
}
