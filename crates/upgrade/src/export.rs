//! Records as JSON Lines, for people and for other programs.

use std::io::Write;

use rollback::Generation;
use serde_json::Value;
use versioning::SchemaVersion;

use crate::Home;
use crate::error::{Cause, Error, Result};
use crate::store_guard::not_running;

impl Home<'_> {
    /// Writes every record of a generation's store as one line of JSON, keyspace by keyspace in key order, and returns how
    /// many there were.
    ///
    /// # Errors
    /// If the store cannot be read, or the output not written; [`Cause::StoreInUse`] while its runtime runs.
    pub fn export(&self, generation: &Generation, output: &mut dyn Write) -> Result<u64> {
        // What a runtime writes meanwhile would be half of it.
        let _guard = not_running(&self.layout, generation.number())
            .map_err(|cause| Error::new(cause, self.unchanged()))?;
        let schema = generation.manifest().versions.storage;
        let mut records = 0;
        let mut failed = None;
        let result = self.with_source(generation, |source| {
            for keyspace in source.keyspaces() {
                let scanned = source.scan(&keyspace, &mut |key, value| {
                    records += 1;
                    let written = self.write_line((schema, &keyspace), (key, value), None, output);
                    written.map_err(|error| {
                        let (keyspace, origin) = (keyspace.clone(), "the output".to_owned());
                        let reason = error.to_string();
                        failed = Some(error);
                        storage_migration::SourceError { keyspace, origin, reason }
                    })
                });
                if let Some(error) = failed.take() {
                    return Err(Cause::Output(error));
                }
                scanned?;
            }
            output.flush().map_err(Cause::Output)
        });
        result.map_err(|cause| Error::new(cause, self.unchanged()))?;
        Ok(records)
    }

    /// Writes one record of a keyspace of this schema as a line, with what became of it if that is told.
    pub(crate) fn write_line(
        &self,
        (schema, keyspace): (SchemaVersion, &str),
        (key, value): (&[u8], &[u8]),
        change: Option<&str>,
        output: &mut dyn Write,
    ) -> std::io::Result<()> {
        let mut line = self.environment.catalogue.render(schema, keyspace, key, value);
        if let Value::Object(line) = &mut line {
            line.insert("type".to_owned(), "record".into());
            line.insert("keyspace".to_owned(), keyspace.into());
            line.extend(change.map(|change| ("change".to_owned(), change.into())));
        }
        serde_json::to_writer(&mut *output, &line)?;
        output.write_all(b"\n")
    }
}
