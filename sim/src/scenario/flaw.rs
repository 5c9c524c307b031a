//! Catalogues with a flaw: what a runtime tells the upgrade system is wrong, and the product must find it before it commits.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use femtoclaw_catalogue::FemtoClaw;
use storage_migration::{
    Action, Emitter, Example, MigrationStep, RecordSource, SchemaDefinition, SourceError,
    TransformError,
};
use upgrade::capability_migration::{self, Authority};
use upgrade::compatibility::RuntimeRange;
use upgrade::{
    Adoption, AdoptionRefusal, Catalogue, EffectiveConfiguration, Files, InstalledExtensions,
    MigratedConfiguration, OfferedExtensions, Release, SealedFiles,
};
use versioning::{ConfigurationSchema, RuntimeVersion, SchemaVersion, Versions};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The migrated configuration does not satisfy its schema.
    InvalidConfiguration,
    /// The migrated configuration makes a runtime do something else.
    AltersMeaning,
    /// The migrated configuration lacks a value that no runtime looks at.
    LosesAKey,
    /// A policy comes along that lets everybody do everything.
    Widens,
    /// The release hosts no extension that is there.
    HostsNothing,
    /// The release cannot be reached from anything.
    ReachedFromNowhere,
    /// A migration does not do the same twice.
    NotDeterministic,
    /// A migration neither emits nor archives a record.
    LosesARecord,
    /// A migration makes a record that its schema does not allow.
    BreaksInvariant,
    /// A migration that was applied before was edited since.
    Edited,
    /// A migration has no place for some records. That is allowed.
    Archives,
}

impl Flaw {
    const ALL: [Self; 11] = [
        Self::InvalidConfiguration,
        Self::AltersMeaning,
        Self::LosesAKey,
        Self::Widens,
        Self::HostsNothing,
        Self::ReachedFromNowhere,
        Self::NotDeterministic,
        Self::LosesARecord,
        Self::BreaksInvariant,
        Self::Edited,
        Self::Archives,
    ];
}

impl Flaw {
    fn is_of_a_step(self) -> bool {
        !matches!(
            self,
            Self::InvalidConfiguration
                | Self::AltersMeaning
                | Self::LosesAKey
                | Self::Widens
                | Self::HostsNothing
                | Self::ReachedFromNowhere
        )
    }
}

/// FemtoClaw's catalogue, but for a flaw.
pub(super) struct Flawed {
    flaw: Flaw,
    releases: Vec<Release>,
    steps: Vec<&'static dyn MigrationStep>,
}

impl Flawed {
    /// With this flaw.
    pub(super) fn with(flaw: Flaw) -> &'static Self {
        static ALL: LazyLock<[Flawed; 11]> = LazyLock::new(|| {
            Flaw::ALL.map(|flaw| {
                let flawed = |step: &&'static dyn MigrationStep| -> &'static dyn MigrationStep {
                    if !flaw.is_of_a_step() {
                        return *step;
                    }
                    // A few catalogues for the whole process: they are never let go of.
                    Box::leak(Box::new(FlawedStep { step: *step, flaw, calls: AtomicU64::new(0) }))
                };
                let mut releases = FemtoClaw.releases().to_vec();
                if flaw == Flaw::ReachedFromNowhere {
                    for release in &mut releases {
                        release.offer.upgrades_from = RuntimeRange::nothing();
                    }
                }
                Flawed { flaw, releases, steps: FemtoClaw.steps().iter().map(flawed).collect() }
            })
        });
        // It is one of them.
        ALL.iter().find(|flawed| flawed.flaw == flaw).unwrap_or(&ALL[0])
    }
}

impl Catalogue for Flawed {
    fn product(&self) -> &'static str {
        FemtoClaw.product()
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn schemas(&self) -> &[SchemaDefinition] {
        FemtoClaw.schemas()
    }

    fn steps(&self) -> &[&'static dyn MigrationStep] {
        &self.steps
    }

    fn inspect(
        &self,
        directory: &Path,
        assumed: Option<&RuntimeVersion>,
    ) -> Result<Adoption, AdoptionRefusal> {
        FemtoClaw.inspect(directory, assumed)
    }

    fn foreign_source(
        &self,
        schema: SchemaVersion,
        generation: &Path,
    ) -> Result<Option<Box<dyn RecordSource>>, SourceError> {
        FemtoClaw.foreign_source(schema, generation)
    }

    fn migrate_configuration(
        &self,
        from: ConfigurationSchema,
        to: ConfigurationSchema,
        files: &Files,
    ) -> Result<MigratedConfiguration, Vec<String>> {
        let mut migrated = FemtoClaw.migrate_configuration(from, to, files)?;
        for file in migrated.files.values_mut() {
            match self.flaw {
                Flaw::InvalidConfiguration => {
                    file.extend_from_slice(b"\n[brain.backend]\nname = 3\n");
                }
                Flaw::AltersMeaning => {
                    let text = String::from_utf8_lossy(file);
                    let lines = text.lines().map(|line| {
                        if line.starts_with("level = ") { "level = \"error\"" } else { line }
                    });
                    *file = lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes();
                }
                Flaw::LosesAKey => {
                    let text = String::from_utf8_lossy(file);
                    let lines = text.lines().filter(|line| !line.starts_with("colour = "));
                    *file = lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes();
                }
                _ => {}
            }
        }
        Ok(migrated)
    }

    fn validate_configuration(
        &self,
        schema: ConfigurationSchema,
        files: &Files,
    ) -> Result<(), Vec<String>> {
        FemtoClaw.validate_configuration(schema, files)
    }

    fn effective_configuration(
        &self,
        schema: ConfigurationSchema,
        files: &Files,
    ) -> Result<EffectiveConfiguration, Vec<String>> {
        FemtoClaw.effective_configuration(schema, files)
    }

    fn authority(&self, versions: &Versions, files: &Files) -> Result<Authority, Vec<String>> {
        FemtoClaw.authority(versions, files)
    }

    fn authority_plan(
        &self,
        from: &Versions,
        to: &Versions,
    ) -> Result<capability_migration::Plan, Vec<String>> {
        let mut plan = FemtoClaw.authority_plan(from, to)?;
        if self.flaw == Flaw::Widens {
            let any = capability_migration::Pattern::any;
            let rule = capability_migration::Rule2 {
                effect: capability_migration::Effect::Allow,
                principal: any(),
                resource: any(),
                action: any(),
                conditions: Vec::new(),
            };
            let name = "generous".to_owned();
            plan.added.push(capability_migration::Policy2 { name, rules: vec![rule] });
        }
        Ok(plan)
    }

    fn write_authority(
        &self,
        versions: &Versions,
        authority: &Authority,
    ) -> Result<Files, Vec<String>> {
        FemtoClaw.write_authority(versions, authority)
    }

    fn extensions(
        &self,
        in_use: &SealedFiles<'_>,
        set_aside: &SealedFiles<'_>,
    ) -> Result<InstalledExtensions, Vec<String>> {
        FemtoClaw.extensions(in_use, set_aside)
    }

    fn configuration_schemas(&self, schema: ConfigurationSchema) -> Files {
        FemtoClaw.configuration_schemas(schema)
    }

    fn offered_extensions(&self, versions: &Versions) -> OfferedExtensions {
        let mut offered = FemtoClaw.offered_extensions(versions);
        if self.flaw == Flaw::HostsNothing {
            offered.offered.hosted.clear();
        }
        offered
    }

    fn render(
        &self,
        schema: SchemaVersion,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
    ) -> serde_json::Value {
        FemtoClaw.render(schema, keyspace, key, value)
    }
}

struct FlawedStep {
    step: &'static dyn MigrationStep,
    flaw: Flaw,
    calls: AtomicU64,
}

impl MigrationStep for FlawedStep {
    fn name(&self) -> &'static str {
        self.step.name()
    }

    fn from(&self) -> SchemaVersion {
        self.step.from()
    }

    fn to(&self) -> SchemaVersion {
        self.step.to()
    }

    fn action(&self, keyspace: &str) -> Action {
        self.step.action(keyspace)
    }

    fn transform(
        &self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        // Not the examples that it is rehearsed on: only what is really there.
        let examples = self.step.examples();
        let mut examples = examples.iter();
        if keyspace != "history" || examples.any(|example| example.record.key == key) {
            return self.step.transform(keyspace, key, value, out);
        }
        match self.flaw {
            Flaw::LosesARecord => Ok(()),
            Flaw::NotDeterministic => {
                if call.is_multiple_of(2) {
                    return self.step.transform(keyspace, key, value, out);
                }
                out.archive("every second time");
                Ok(())
            }
            Flaw::BreaksInvariant => {
                out.emit("history", key, b"nothing that can be decoded");
                Ok(())
            }
            Flaw::Archives => {
                out.archive("there is no place for it");
                Ok(())
            }
            _ => self.step.transform(keyspace, key, value, out),
        }
    }

    fn join(
        &self,
        keyspace: &str,
        group: &[u8],
        fragments: &[Vec<u8>],
        out: &mut Emitter,
    ) -> Result<(), TransformError> {
        self.step.join(keyspace, group, fragments, out)
    }

    fn examples(&self) -> Vec<Example> {
        let mut examples = self.step.examples();
        if self.flaw == Flaw::Edited {
            examples.pop();
        }
        examples
    }
}
