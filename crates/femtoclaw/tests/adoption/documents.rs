//! What the documents say of FemtoClaw's releases and migrations, held to the code.

use std::path::Path;

use femtoclaw_catalogue::FemtoClaw;
use storage_migration::{Action, MigrationStep};
use upgrade::{Catalogue, Release};

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The rows of the table below a heading, without its head.
fn rows(page: &str, heading: &str) -> Vec<String> {
    let below = page.split_once(heading).unwrap().1;
    let table = below.lines().skip_while(|line| !line.starts_with('|'));
    table.take_while(|line| line.starts_with('|')).skip(2).map(str::to_owned).collect()
}

fn of_release(release: &Release) -> String {
    let (offer, versions) = (&release.offer, release.versions());
    format!(
        "| {} | {} | {} | {} | {} | {} |",
        versions.runtime,
        offer.upgrades_from,
        versions.storage,
        versions.configuration,
        offer.protocol.versions(),
        versions.capabilities
    )
}

fn of_step(step: &dyn MigrationStep) -> String {
    let schemas = FemtoClaw.schemas();
    let schema = schemas.iter().find(|schema| schema.version == step.from()).unwrap();
    let those = |wanted: Action| {
        let names = schema.keyspaces.iter().map(|keyspace| keyspace.name);
        names.filter(|name| step.action(name) == wanted).collect::<Vec<_>>().join(", ")
    };
    let row = format!(
        "| `{}` | {} | {} | {} | {} | {} |",
        step.name(),
        step.from(),
        step.to(),
        those(Action::Rewrite),
        those(Action::Observe),
        those(Action::Keep)
    );
    row.replace("|  |", "| |")
}

// trace: test FC-26.1.3
#[test]
fn the_compatibility_requirements_say_what_every_release_states() {
    let expected: Vec<String> = FemtoClaw.releases().iter().map(of_release).collect();
    let page = page("compatibility-requirements.md");
    assert_eq!(rows(&page, "## What each release states"), expected);
    // What is said of refusals is what they are called.
    for code in ["runtime-out-of-range", "storage-no-path", "authority-widens", "kind-not-hosted"] {
        assert!(page.contains(&format!("`{code}`")), "{code}");
    }
}

// trace: test FC-26.1.2
#[test]
fn the_migration_requirements_say_what_every_step_does() {
    let expected: Vec<String> = FemtoClaw.steps().iter().map(|step| of_step(*step)).collect();
    let page = page("migration-requirements.md");
    assert_eq!(rows(&page, "## The migrations that there are"), expected);
}
