//! Every hostile package that the `release` crate is tested with, through the command: the table is that crate's.

use std::fs;

use super::ground::{Case, Ground, Stage};
use super::{records, snapshot};
use crate::support::json_lines;

#[path = "../../../../release/tests/packages/attacks.rs"]
mod attacks;
#[path = "../../../../release/tests/packages/forge.rs"]
mod forge;
#[path = "../../../../release/tests/packages/hostile_manifests.rs"]
mod hostile_manifests;
#[path = "../../../../release/tests/packages/hostile_members.rs"]
mod hostile_members;

/// All of them on one home: each is refused by name, and goes on record.
pub(super) fn all_are_refused(ground: &Ground) {
    let case = Case::new(ground, Stage::Secured);
    let (before, mut on_record) = (snapshot(&case.home()), records(&case.home()).unwrap().len());
    let path = case.file("hostile.tar");
    let line = case.apply(path.to_str().unwrap(), &ground.statement("to-candidate"));
    let mut errors = std::collections::BTreeMap::<String, usize>::new();
    for attack in attacks::all() {
        let attacks::Attack { name, bytes, noticed, is_told } = attack;
        if noticed == attacks::Noticed::ByVerifying {
            // It is held to its signatures before all of it is read; of those there are none here.
            continue;
        }
        fs::write(&path, bytes).unwrap();
        let told = upgrade::release::Package::open(&path).unwrap_err();
        assert!(is_told(&told), "{name}: {told}");
        let output = case.run(&line).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(output.status.code(), Some(6), "{name}: {output:?}");
        let error = json_lines(&output).pop().unwrap();
        let found = error["error"].as_str().unwrap().to_owned();
        assert!(found.starts_with("release-") && found != "release-refused", "{name}: {error}");
        assert!(!error["message"].as_str().unwrap().contains('\u{1b}'), "{name}: {error}");
        *errors.entry(found).or_default() += 1;
        on_record += 1;
    }
    assert_eq!(snapshot(&case.home()), before);
    let records = records(&case.home()).unwrap();
    assert_eq!(records.len(), on_record, "each refusal is on record");
    assert!(errors.len() >= 10, "they are told apart: {errors:?}");
    let output = case.run(&case.legitimate()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
