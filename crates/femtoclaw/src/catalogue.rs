//! What FemtoClaw tells the upgrade system about itself.

use std::path::Path;

use capability_migration::Authority;
use storage_migration::{MigrationStep, RecordSource, SchemaDefinition, SourceError};
use upgrade::{
    Adoption, AdoptionRefusal, Catalogue, EffectiveConfiguration, Files, InstalledExtensions,
    MigratedConfiguration, OfferedExtensions, Release, SealedFiles,
};
use versioning::{ConfigurationSchema, RuntimeVersion, SchemaVersion, Versions};

use crate::schema1::AdoptedFiles;
use crate::steps::{DecodeRecords, JoinExecutions, SplitExecutions};
use crate::{
    adoption, configuration, extensions, policy, releases, render, schema1, schema2, schema3,
};

/// FemtoClaw: 1.0.0 and 1.0.3, which can be adopted, and what can be upgraded to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FemtoClaw;

const SCHEMAS: [SchemaDefinition; 3] = [schema1::SCHEMA, schema2::SCHEMA, schema3::SCHEMA];
const STEPS: [&dyn MigrationStep; 2] = [&DecodeRecords, &JoinExecutions];
/// The files of schema 1 belong to an installation that is not run from a home: nothing leads back to them.
const BACK_STEPS: [&dyn MigrationStep; 1] = [&SplitExecutions];

impl Catalogue for FemtoClaw {
    fn product(&self) -> &'static str {
        "femtoclaw"
    }

    fn releases(&self) -> &[Release] {
        releases::all()
    }

    fn schemas(&self) -> &[SchemaDefinition] {
        &SCHEMAS
    }

    fn steps(&self) -> &[&'static dyn MigrationStep] {
        &STEPS
    }

    fn back_steps(&self) -> &[&'static dyn MigrationStep] {
        &BACK_STEPS
    }

    fn inspect(
        &self,
        directory: &Path,
        assumed: Option<&RuntimeVersion>,
    ) -> Result<Adoption, AdoptionRefusal> {
        adoption::inspect(directory, assumed)
    }

    fn foreign_source(
        &self,
        schema: SchemaVersion,
        generation: &Path,
    ) -> Result<Option<Box<dyn RecordSource>>, SourceError> {
        if schema != schema1::SCHEMA.version {
            return Ok(None);
        }
        Ok(Some(Box::new(AdoptedFiles::open(generation)?)))
    }

    fn migrate_configuration(
        &self,
        from: ConfigurationSchema,
        to: ConfigurationSchema,
        files: &Files,
    ) -> Result<MigratedConfiguration, Vec<String>> {
        configuration::migrate_files(from, to, files)
    }

    fn validate_configuration(
        &self,
        schema: ConfigurationSchema,
        files: &Files,
    ) -> Result<(), Vec<String>> {
        configuration::validate(schema, files)
    }

    fn effective_configuration(
        &self,
        schema: ConfigurationSchema,
        files: &Files,
    ) -> Result<EffectiveConfiguration, Vec<String>> {
        configuration::effective(schema, files)
    }

    fn authority(&self, versions: &Versions, files: &Files) -> Result<Authority, Vec<String>> {
        policy::authority(versions.capabilities, files)
    }

    fn configuration_schemas(&self, schema: ConfigurationSchema) -> Files {
        configuration::schema_files(schema)
    }

    fn authority_plan(
        &self,
        from: &Versions,
        to: &Versions,
    ) -> Result<capability_migration::Plan, Vec<String>> {
        releases::authority_plan(from.capabilities, to.capabilities)
            .map_err(|error| vec![error.to_string()])
    }

    fn write_authority(
        &self,
        versions: &Versions,
        authority: &Authority,
    ) -> Result<Files, Vec<String>> {
        policy::write(versions.capabilities, authority)
    }

    fn extensions(
        &self,
        in_use: &SealedFiles<'_>,
        set_aside: &SealedFiles<'_>,
    ) -> Result<InstalledExtensions, Vec<String>> {
        extensions::installed(in_use, set_aside)
    }

    fn offered_extensions(&self, versions: &Versions) -> OfferedExtensions {
        releases::offered_extensions(versions)
    }

    fn render(
        &self,
        schema: SchemaVersion,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
    ) -> serde_json::Value {
        render::render(schema, keyspace, key, value)
    }
}
