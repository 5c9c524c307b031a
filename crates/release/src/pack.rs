//! Writing a package.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use durable::{Entry, EntryKind, FILE_MODE, Operation};

use crate::error::{Error, Result};
use crate::file::{CopyError, copy, failed, open_plain};
use crate::header::{BLOCK_BYTES, Member, ZEROS};
use crate::manifest::{Artifact, Description, MANIFEST_NAME, Manifest};
use crate::path::{ArtifactPath, InvalidPath, PathRule, shown};

/// Packs all files of a directory into the new file `output`, which nobody but the owner may read.
///
/// Each file is read twice: for its digest, and when it is copied; it must be the same both times. The package is written
/// beside `output` as `<name>.tmp` (one that is left over is replaced), made durable and renamed. While that goes on, `output`
/// is there and empty: nobody else takes the name.
///
/// # Errors
/// If `output` exists; if the directory holds links, special files, directories without files, or files that no release can
/// have; if a file changes on the way. Nothing is left behind.
pub fn pack(description: &Description, directory: &Path, output: &Path) -> Result<Manifest> {
    let manifest = Manifest::new(description, &artifacts(directory)?)?;
    publish(&manifest, directory, output)?;
    Ok(manifest)
}

/// Writes the package under its name, or leaves nothing there.
fn publish(manifest: &Manifest, directory: &Path, output: &Path) -> Result<()> {
    durable::create_file(output, b"")?;
    let temporary = temporary(output);
    let written = write(manifest, directory, &temporary)
        .and_then(|()| Ok(durable::rename(&temporary, output)?));
    if written.is_err() {
        // What went wrong first is what is told. What is left cannot be taken for a package.
        let _ = durable::remove_file(&temporary);
        let _ = durable::remove_file(output);
    }
    written
}

fn temporary(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_os_string();
    name.push(".tmp");
    name.into()
}

/// What the directory holds, in byte order of the paths.
fn artifacts(directory: &Path) -> Result<Vec<Artifact>> {
    let entries = durable::walk(directory)?;
    check_directories(directory, &entries)?;
    let mut artifacts = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File) {
        let path = artifact_path(&entry.path)?;
        let source = directory.join(&entry.path);
        let (mut file, metadata) = open_plain(&source)?;
        let executable = metadata.permissions().mode() & 0o100 != 0;
        let (size, digest) = copy(&mut file, &mut io::sink()).map_err(read_or(&source, &source))?;
        artifacts.push(Artifact { path, size, executable, digest });
    }
    artifacts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(artifacts)
}

fn artifact_path(path: &Path) -> Result<ArtifactPath> {
    let refused = |invalid: InvalidPath| Error::Manifest(invalid.into());
    match path.to_str() {
        Some(text) => ArtifactPath::new(text).map_err(refused),
        None => {
            let text = shown(&path.to_string_lossy());
            Err(refused(InvalidPath { text, rule: PathRule::Character }))
        }
    }
}

fn check_directories(root: &Path, entries: &[Entry]) -> Result<()> {
    let files = entries.iter().filter(|entry| entry.kind == EntryKind::File);
    let filled: BTreeSet<&Path> = files.flat_map(|file| file.path.ancestors().skip(1)).collect();
    let mut directories = entries.iter().filter(|entry| entry.kind == EntryKind::Directory);
    match directories.find(|directory| !filled.contains(directory.path.as_path())) {
        Some(empty) => Err(Error::EmptyDirectory { path: root.join(&empty.path) }),
        None => Ok(()),
    }
}

/// Writes the package to a new file and makes its bytes durable.
fn write(manifest: &Manifest, directory: &Path, target: &Path) -> Result<()> {
    durable::remove_file(target)?;
    let file = durable::create_file(target, b"")?;
    // The mode that a file is created with is subject to the umask.
    file.set_permissions(PermissionsExt::from_mode(FILE_MODE))
        .map_err(|error| failed(Operation::Restrict, target, error))?;
    let mut writer = Writer { output: BufWriter::new(file), path: target };
    let size = manifest.bytes().len() as u64;
    writer.put(&Member { name: MANIFEST_NAME, size, executable: false }.header())?;
    writer.put(manifest.bytes())?;
    writer.pad(size)?;
    for artifact in manifest.artifacts() {
        writer.artifact(directory, artifact)?;
    }
    writer.put(&ZEROS)?;
    writer.put(&ZEROS)?;
    writer.finish()
}

struct Writer<'p> {
    output: BufWriter<File>,
    path: &'p Path,
}

impl Writer<'_> {
    fn artifact(&mut self, directory: &Path, artifact: &Artifact) -> Result<()> {
        let Artifact { path, size, executable, digest } = artifact;
        let (size, executable) = (*size, *executable);
        self.put(&Member { name: path.as_str(), size, executable }.header())?;
        let source = directory.join(path.as_str());
        let (file, metadata) = open_plain(&source)?;
        // A file that grows is not copied for ever: one byte more is enough to know.
        let mut content = io::Read::take(file, size + 1);
        let copied = copy(&mut content, &mut self.output).map_err(read_or(&source, self.path))?;
        let is_executable = metadata.permissions().mode() & 0o100 != 0;
        if copied != (size, *digest) || is_executable != executable {
            return Err(Error::SourceChanged { path: source });
        }
        self.pad(size)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.write_all(bytes).map_err(|error| failed(Operation::Write, self.path, error))
    }

    fn pad(&mut self, size: u64) -> Result<()> {
        let length = size.next_multiple_of(BLOCK_BYTES as u64) - size;
        let length = usize::try_from(length).unwrap_or_default();
        self.put(ZEROS.get(..length).unwrap_or_default())
    }

    fn finish(self) -> Result<()> {
        let file = self
            .output
            .into_inner()
            .map_err(|error| failed(Operation::Write, self.path, error.into_error()))?;
        file.sync_all().map_err(|error| failed(Operation::Sync, self.path, error))
    }
}

/// Tells which of two files a copy failed at.
fn read_or<'p>(source: &'p Path, target: &'p Path) -> impl Fn(CopyError) -> Error + 'p {
    move |error| match error {
        CopyError::Read(error) => failed(Operation::Read, source, error),
        CopyError::Write(error) => failed(Operation::Write, target, error),
    }
}

#[cfg(test)]
mod tests;
