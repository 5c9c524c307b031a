//! Adoption: an unmanaged installation becomes generation 1 of a new home, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use integrity::Digest;
use journal::{Event, Journal, Operation, TelemetrySink};
use rollback::{Generation, HomeLock, Layout, Origin, Part, Staging};
use versioning::{GenerationNumber, RuntimeVersion};

use crate::error::{Cause, Condition, Error, Result};
use crate::home::current;
use crate::lifecycle::HomeState;
use crate::plan::next_generation;
use crate::progress::{Activity, Progress, ProgressListener, forward};
use crate::seal::{Description, seal, sealed_keyspaces};
use crate::trust::Admitted;
use crate::{Adoption, Environment, Home};

/// The name under which a runtime binary lies in its part.
pub const RUNTIME_BINARY: &str = "runtime";

/// The document beside the parts in which the catalogue keeps the role of each adopted file.
pub const INVENTORY: &str = "adoption.json";

/// The version of the journal's format that a new home gets.
pub(crate) const JOURNAL_FORMAT: u32 = 1;

/// What is to be adopted.
#[derive(Debug, Clone)]
pub struct AdoptRequest {
    /// The directory of the unmanaged installation. Nothing in it is ever modified.
    pub source: PathBuf,
    /// The home that is to be created.
    pub home: PathBuf,
    /// The version that the operator says it is.
    pub assumed: Option<RuntimeVersion>,
    /// The runtime binary that belongs to it.
    pub runtime: Option<PathBuf>,
    /// How long to wait for the home's lock.
    pub lock_timeout: Duration,
}

/// What was adopted.
#[derive(Debug)]
pub struct Adopted {
    /// What was found.
    pub adoption: Adoption,
    /// The generation that it became.
    pub generation: Generation,
}

/// Says what an adoption would find. Writes nothing anywhere.
///
/// # Errors
/// As the catalogue's `inspect`; also if there is a home at the path already.
pub fn inspect(request: &AdoptRequest, environment: Environment<'_>) -> Result<Adoption> {
    let refuse = |cause: Cause| Error::new(cause, Condition::NoHome);
    require_free(request, environment).map_err(refuse)?;
    if let Some(runtime) = &request.runtime {
        require_file(runtime).map_err(refuse)?;
    }
    environment
        .catalogue
        .inspect(&request.source, request.assumed.as_ref())
        .map_err(|refusal| refuse(refusal.into()))
}

/// Adopts a directory as generation 1 of a new home.
///
/// A crash on the way leaves a home without a current generation; running the same again completes it.
///
/// # Errors
/// If the directory cannot be adopted, if the home cannot be created, or if the directory changes meanwhile.
pub fn adopt<'e>(
    request: &AdoptRequest,
    environment: Environment<'e>,
    telemetry: &'e mut dyn TelemetrySink,
    progress: &mut ProgressListener<'_>,
) -> Result<Adopted> {
    let adoption = inspect(request, environment)?;
    let mut home = create_home(request, environment, telemetry)?;
    let result = home.build_adopted(request, &adoption, progress);
    let generation = match result {
        Ok(generation) => generation,
        Err(cause) => {
            let expected = home.state.attempt.as_ref().and_then(|open| open.to);
            home.conclude(cause, |state| expected.is_some() && state.current == expected)?;
            crate::plan::open_current(&home.layout, &home.state)
                .map_err(|cause| Error::new(cause, Condition::Done(current(&home.state))))?
        }
    };
    let _ = home.layout.point_current_to(generation.number());
    Ok(Adopted { adoption, generation })
}

/// A runtime binary is a plain file with something in it: anything else could be waited for for ever, or be nothing.
pub(crate) fn require_file(path: &Path) -> std::result::Result<(), Cause> {
    let metadata = fs::metadata(path)
        .map_err(|error| durable::Error::new(durable::Operation::Inspect, path, error))?;
    if metadata.is_file() && metadata.len() > 0 {
        return Ok(());
    }
    Err(Cause::NotAFile { path: path.to_path_buf() })
}

/// A home can be created where nothing is, in an empty directory, and where an adoption was interrupted.
fn require_free(
    request: &AdoptRequest,
    environment: Environment<'_>,
) -> std::result::Result<(), Cause> {
    let home = &request.home;
    let occupied = || Cause::HomeExists { path: home.clone() };
    let names = match fs::read_dir(home) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Err(occupied()),
        Err(error) => {
            return Err(durable::Error::new(durable::Operation::Read, home, error).into());
        }
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect(),
    };
    let layout = Layout::new(home);
    let begun = durable::exists(&layout.journal())?;
    if names.iter().any(|name| !is_left_by_an_adoption(&layout, name, begun)) {
        return Err(occupied());
    }
    let mut known = HomeState::empty();
    if durable::exists(&layout.journal())? {
        known = crate::home::replay(&journal::read(&layout.journal())?, environment)?;
    }
    // What an interrupted adoption left is its own; generations that nobody knows are somebody's.
    let strange = |number| !known.generations.contains_key(number);
    if known.current.is_some()
        || known.replaces_another
        || layout.generation_numbers()?.iter().any(strange)
    {
        return Err(occupied());
    }
    require_apart(&request.source, home)
}

/// Whether this is what an interrupted adoption leaves. Before there is a journal that is little, and holds nothing.
fn is_left_by_an_adoption(layout: &Layout, name: &std::ffi::OsStr, begun: bool) -> bool {
    match name.to_str() {
        Some("journal" | "journal.new") => true,
        Some("generations") => {
            let is_empty = |mut entries: fs::ReadDir| entries.next().is_none();
            begun || fs::read_dir(layout.generations()).is_ok_and(is_empty)
        }
        // Without a journal none of ours is written there any more; an earlier version did.
        Some("lock") => begun || rollback::is_lock_file(layout),
        _ => false,
    }
}

/// Neither directory may lie within the other: the source would change under our eyes.
fn require_apart(source: &Path, home: &Path) -> std::result::Result<(), Cause> {
    let (source_directory, home) = (real_path(source)?, real_path(home)?);
    if source_directory.starts_with(&home) || home.starts_with(&source_directory) {
        return Err(Cause::HomeOverlaps { home, source_directory });
    }
    Ok(())
}

/// A path that leads through no link, as far as it is there.
fn real_path(path: &Path) -> durable::Result<PathBuf> {
    let absolute = std::path::absolute(path)
        .map_err(|error| durable::Error::new(durable::Operation::Inspect, path, error))?;
    for above in absolute.ancestors() {
        match above.canonicalize() {
            Ok(real) => {
                let rest = absolute.strip_prefix(above).unwrap_or(Path::new(""));
                return Ok(real.join(rest));
            }
            // What cannot be looked at is not taken for what is not there.
            Err(error) if !is_absent(&error) => {
                return Err(durable::Error::new(durable::Operation::Inspect, above, error));
            }
            Err(_) => {}
        }
    }
    Ok(absolute)
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Makes the home's directories and its journal, as far as an interrupted adoption has not made them.
fn create_home<'e>(
    request: &AdoptRequest,
    environment: Environment<'e>,
    telemetry: &'e mut dyn TelemetrySink,
) -> Result<Home<'e>> {
    let layout = Layout::new(&request.home);
    let make = || -> std::result::Result<HomeLock, Cause> {
        if !durable::exists(layout.root())? {
            durable::create_directory(layout.root())?;
        }
        if let Some(parent) = layout.root().parent() {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            durable::sync_directory(parent)?;
        }
        durable::restrict_directory(layout.root())?;
        let lock = HomeLock::acquire_unnamed(&layout, request.lock_timeout)?;
        if !durable::exists(&layout.generations())? {
            durable::create_directory(&layout.generations())?;
            durable::sync_directory(layout.root())?;
        }
        if !durable::exists(&layout.journal())? {
            let product = environment.catalogue.product().to_owned();
            let event = Event::Initialized { format: JOURNAL_FORMAT, product, replaces: None };
            Journal::create(&layout.journal(), event, environment.clock.now())?;
        }
        // Only now: before there is a journal, a file that a crash has left without its bytes would be in the way.
        lock.name_holder(&layout);
        Ok(lock)
    };
    let lock = make().map_err(|cause| Error::new(cause, Condition::Unchanged(None)))?;
    let home = Home::open_locked(layout, lock, environment, telemetry)?;
    match home.state.current {
        None => Ok(home),
        Some(_) => {
            let path = home.layout.root().to_path_buf();
            Err(Error::new(Cause::HomeExists { path }, home.unchanged()))
        }
    }
}

impl Home<'_> {
    fn build_adopted(
        &mut self,
        request: &AdoptRequest,
        adoption: &Adoption,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Generation, Cause> {
        let number = next_generation(&self.layout, &self.state)?;
        let attempt = self.begin(Operation::Adopt, &Admitted::standing())?;
        self.append(
            attempt,
            Event::Prepared {
                from: None,
                to: number,
                previous: None,
                target: Box::new(adoption.versions.clone()),
                plan: Digest::of(&adoption.inventory),
                release: None,
            },
        )?;
        let generation = self.stage_adopted(number, request, adoption, progress)?;
        // Whoever wrote to the source meanwhile is found out, whichever file it was.
        let again =
            self.environment.catalogue.inspect(&request.source, request.assumed.as_ref())?;
        if again.files != adoption.files {
            return Err(Cause::SourceChanged { path: request.source.clone() });
        }
        let manifest = generation.digest();
        self.append(attempt, Event::Sealed { generation: number, manifest })?;
        self.go_on()?;
        // It ran before it was adopted, so there is nothing to try.
        self.append(attempt, Event::Activated { generation: number, tries: 0 })?;
        Ok(generation)
    }

    fn stage_adopted(
        &self,
        number: GenerationNumber,
        request: &AdoptRequest,
        adoption: &Adoption,
        progress: &mut ProgressListener<'_>,
    ) -> std::result::Result<Generation, Cause> {
        let staging = Staging::create(&self.layout, number)?;
        let total = Some(adoption.files.len() as u64);
        let mut bytes = 0;
        for (done, file) in (0..).zip(&adoption.files) {
            self.go_on()?;
            let (activity, phase) = (Activity::Copying, "copying files".to_owned());
            progress(&Progress { activity, phase, done, bytes, total });
            bytes += file.size;
            let source = request.source.join(&file.source);
            let copy = staging.copy(file.part, &file.target, &source)?;
            if Digest::of_file(&copy)? != file.digest {
                return Err(Cause::SourceChanged { path: source });
            }
        }
        if let Some(runtime) = &request.runtime {
            staging.place_runtime(RUNTIME_BINARY, runtime)?;
        }
        staging.write_document(INVENTORY, &adoption.inventory)?;
        let catalogue = self.environment.catalogue;
        let schema = self.schema(adoption.versions.storage)?;
        let source = catalogue.foreign_source(schema.version, staging.path())?;
        let source = source.ok_or_else(|| {
            let version = schema.version;
            Cause::unreadable_store(format!("schema {version} cannot be adopted from files"))
        })?;
        let logical = storage_migration::measure_source(
            &*source,
            Some(&schema),
            self.environment.engine,
            &mut forward(progress, &[]),
        )?;
        drop(source);
        let description = Description {
            created: self.environment.clock.now(),
            versions: adoption.versions.clone(),
            origin: Origin::Adopted { evidence: adoption.evidence.clone() },
            applied: Vec::new(),
            keyspaces: sealed_keyspaces(&logical, None, &schema),
            logical,
        };
        debug_assert!(staging.part(Part::Store).is_dir());
        seal(staging, description, &mut self.digester())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_what_is_not_there() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(&root, root.join("there")).unwrap();
        std::os::unix::fs::symlink("loop", root.join("loop")).unwrap();
        assert_eq!(real_path(&root.join("there/home/data")).unwrap(), root.join("home/data"));
        let refused = real_path(&root.join("loop/home")).unwrap_err();
        assert!(!is_absent(&refused.source), "{refused}");
        assert_eq!(refused.path, root.join("loop/home"));
        let overlap = require_apart(&root.join("there/source"), &root.join("source/home"));
        assert!(matches!(overlap, Err(Cause::HomeOverlaps { .. })), "{overlap:?}");
    }
}
