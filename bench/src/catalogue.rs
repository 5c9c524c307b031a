//! FemtoClaw with another store: as many generated records as are asked for.

use std::path::Path;

use capability_migration::Authority;
use femtoclaw_catalogue::FemtoClaw;
use storage_migration::{MigrationStep, RecordSource, SchemaDefinition, SourceError};
use upgrade::{
    Adoption, AdoptionRefusal, Catalogue, EffectiveConfiguration, Files, InstalledExtensions,
    MigratedConfiguration, OfferedExtensions, Release, SealedFiles, capability_migration,
};
use versioning::{ConfigurationSchema, RuntimeVersion, SchemaVersion, Versions};

use crate::schema::{ADOPTED, Generated, PlaceRecords, SCHEMAS, TransformRecords};
use crate::transform::Transform;

/// FemtoClaw's releases, configuration, policies and extensions, over a store of generated records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizedFemtoClaw(pub(crate) Generated);

const STEPS: [&dyn MigrationStep; 2] = [&PlaceRecords, &TransformRecords(Transform::Cheap)];

impl Catalogue for SizedFemtoClaw {
    fn product(&self) -> &'static str {
        FemtoClaw.product()
    }

    fn releases(&self) -> &[Release] {
        FemtoClaw.releases()
    }

    fn schemas(&self) -> &[SchemaDefinition] {
        &SCHEMAS
    }

    fn steps(&self) -> &[&'static dyn MigrationStep] {
        &STEPS
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
        _: &Path,
    ) -> Result<Option<Box<dyn RecordSource>>, SourceError> {
        Ok(if schema == ADOPTED { Some(Box::new(self.0)) } else { None })
    }

    fn migrate_configuration(
        &self,
        from: ConfigurationSchema,
        to: ConfigurationSchema,
        files: &Files,
    ) -> Result<MigratedConfiguration, Vec<String>> {
        FemtoClaw.migrate_configuration(from, to, files)
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
        FemtoClaw.authority_plan(from, to)
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

    fn offered_extensions(&self, versions: &Versions) -> OfferedExtensions {
        FemtoClaw.offered_extensions(versions)
    }

    fn configuration_schemas(&self, schema: ConfigurationSchema) -> Files {
        FemtoClaw.configuration_schemas(schema)
    }

    fn render(&self, _: SchemaVersion, _: &str, _: &[u8], value: &[u8]) -> serde_json::Value {
        serde_json::from_slice(value).unwrap_or_default()
    }
}
