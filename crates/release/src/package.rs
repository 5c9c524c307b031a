//! A package that is read.

use std::cmp::Ordering;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use durable::Operation;
use integrity::Digest;

use crate::error::{Error, ManifestFault, MemberFault, Result};
use crate::file::{CopyError, copy, failed, open_plain};
use crate::header::{self, BLOCK_BYTES, Block, Member, ZEROS};
use crate::manifest::{
    Artifact, MANIFEST_NAME, MAXIMUM_ARTIFACTS, MAXIMUM_CONTENT_BYTES, MAXIMUM_MANIFEST_BYTES,
    Manifest,
};

/// The most bytes that a package may have: the largest manifest and the largest contents, with a header and padding for each
/// member, and the end.
pub const MAXIMUM_PACKAGE_BYTES: u64 = MAXIMUM_CONTENT_BYTES
    + MAXIMUM_MANIFEST_BYTES
    + (MAXIMUM_ARTIFACTS as u64 + 2) * 2 * BLOCK_BYTES as u64;

/// A package, opened once. Everything about it was checked but the contents of its artifacts: those are checked each time that
/// they are read.
///
/// It is read by position, so a shared reference is enough for any number of readers.
pub struct Package {
    archive: Archive,
    manifest: Manifest,
    /// Where the content of each artifact begins, in the manifest's order.
    contents: Vec<u64>,
}

impl Package {
    /// Opens a package and holds the whole archive against its manifest, except for the contents of artifacts.
    ///
    /// # Errors
    /// If it is no plain file, or is not what [`pack`](crate::pack) would have written for its manifest.
    pub fn open(path: &Path) -> Result<Self> {
        let archive = Archive::open(path)?;
        let (manifest, mut end) = archive.manifest()?;
        let mut contents = Vec::with_capacity(manifest.artifacts().len());
        for (index, artifact) in manifest.artifacts().iter().enumerate() {
            end = archive.check_header(&manifest, index, artifact, end)?;
            contents.push(end);
            end += artifact.size;
        }
        archive.check_end(&manifest, end)?;
        Ok(Self { archive, manifest, contents })
    }

    /// What the release states of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest's literal bytes: what is signed.
    pub fn manifest_bytes(&self) -> &[u8] {
        self.manifest.bytes()
    }

    /// The digest of the manifest's literal bytes: the identity of the release.
    pub fn digest(&self) -> Digest {
        self.manifest.digest()
    }

    /// Where the package was when it was opened, for messages.
    pub fn path(&self) -> &Path {
        &self.archive.path
    }

    /// Reads the contents of all artifacts and holds them against their digests (FC-UPGRADE-0001 §14, §20).
    ///
    /// # Errors
    /// The first content that differs.
    pub fn verify(&self) -> Result<()> {
        for (artifact, begin) in self.located() {
            self.stream(artifact, begin, &mut io::sink())?;
        }
        Ok(())
    }

    /// Writes the content of one artifact to `output`.
    ///
    /// # Errors
    /// If there is no such artifact, or its content differs from its digest. That is known only at the end: after an error,
    /// what was written is not to be used.
    pub fn copy(&self, path: &str, output: &mut dyn Write) -> Result<()> {
        let missing = || Error::NoSuchArtifact { path: path.to_owned() };
        let position = self.manifest.position(path).ok_or_else(missing)?;
        let artifact = self.manifest.artifacts().get(position).ok_or_else(missing)?;
        let begin = self.contents.get(position).ok_or_else(missing)?;
        self.stream(artifact, *begin, output)
    }

    /// All artifacts, each with where its content begins.
    pub(crate) fn located(&self) -> impl Iterator<Item = (&Artifact, u64)> {
        self.manifest.artifacts().iter().zip(self.contents.iter().copied())
    }

    /// Writes the content of an artifact that begins there, and holds it against its digest.
    // trace: impl FC-14.1.1 FC-23.1.1
    pub(crate) fn stream(
        &self,
        artifact: &Artifact,
        begin: u64,
        output: &mut dyn Write,
    ) -> Result<()> {
        let end = begin + artifact.size;
        let mut content = Content { file: &self.archive.file, at: begin, end };
        let (length, found) = copy(&mut content, output).map_err(|error| match error {
            CopyError::Read(error) => failed(Operation::Read, &self.archive.path, error),
            CopyError::Write(source) => {
                Error::Output { artifact: artifact.path.to_string(), source }
            }
        })?;
        if length != artifact.size {
            return Err(self.archive.truncated(end, begin + length));
        }
        if found != artifact.digest {
            let (artifact, expected) = (artifact.path.to_string(), artifact.digest);
            return Err(Error::ContentDiffers { artifact, expected, found });
        }
        Ok(())
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { archive, manifest, contents: _ } = self;
        let mut shown = formatter.debug_struct("Package");
        shown.field("path", &archive.path).field("length", &archive.length);
        shown.field("digest", &manifest.digest()).finish_non_exhaustive()
    }
}

/// The bytes of the open file from one position to another.
struct Content<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The file, with its length when it was opened.
struct Archive {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Archive {
    fn open(path: &Path) -> Result<Self> {
        let (file, metadata) = open_plain(path)?;
        let (path, length) = (path.to_path_buf(), metadata.len());
        if length > MAXIMUM_PACKAGE_BYTES {
            return Err(Error::PackageTooLarge { path, bytes: length });
        }
        Ok(Self { path, file, length })
    }

    /// Reads the first member. Returns where its content ends.
    fn manifest(&self) -> Result<(Manifest, u64)> {
        let block = self.block(0)?;
        // Its size is known from nowhere else; whatever else its header says is held to the one form.
        let size = header::size(&block);
        let member = Member { name: MANIFEST_NAME, size: size.unwrap_or(0), executable: false };
        if size.is_none() || block != member.header() {
            let fault =
                member.fault(&block, |name| (name == MANIFEST_NAME).then_some(Ordering::Equal));
            return Err(self.member(0, MANIFEST_NAME, fault));
        }
        if member.size > MAXIMUM_MANIFEST_BYTES {
            return Err(ManifestFault::TooLarge { bytes: member.size }.into());
        }
        let begin = BLOCK_BYTES as u64;
        let end = begin + member.size;
        self.reach(end)?;
        let mut bytes = vec![0; usize::try_from(member.size).unwrap_or(usize::MAX)];
        self.read(begin, &mut bytes)?;
        Ok((Manifest::parse(&bytes)?, end))
    }

    /// Checks the padding behind `end` and the header after it. Returns where the content begins.
    fn check_header(
        &self,
        manifest: &Manifest,
        index: usize,
        artifact: &Artifact,
        end: u64,
    ) -> Result<u64> {
        let Artifact { path, size, executable, digest: _ } = artifact;
        let member = Member { name: path.as_str(), size: *size, executable: *executable };
        let offset = self.check_padding(end, path.as_str())?;
        let block = self.block(offset)?;
        if block != member.header() {
            let fault = member.fault(&block, |name| place(manifest, name, index));
            return Err(self.member(offset, path.as_str(), fault));
        }
        Ok(offset + BLOCK_BYTES as u64)
    }

    /// Checks that behind `end` are padding, two blocks of zeros, and nothing else.
    fn check_end(&self, manifest: &Manifest, end: u64) -> Result<()> {
        const THE_END: &str = "the end of the archive";
        let offset = self.check_padding(end, THE_END)?;
        let second = offset + BLOCK_BYTES as u64;
        let expected = second + BLOCK_BYTES as u64;
        let first = self.block(offset)?;
        if first != ZEROS {
            let count = manifest.artifacts().len();
            let fault = header::fault_at_end(&first, |name| place(manifest, name, count));
            return Err(self.member(offset, THE_END, fault));
        }
        if self.block(second)? != ZEROS {
            return Err(self.member(second, THE_END, MemberFault::End));
        }
        if self.length > expected {
            let (path, found) = (self.path.clone(), self.length);
            return Err(Error::BytesBehindTheEnd { path, expected, found });
        }
        Ok(())
    }

    /// Checks that there is nothing but zeros up to the next block. Returns where that begins.
    fn check_padding(&self, end: u64, next: &str) -> Result<u64> {
        let offset = end.next_multiple_of(BLOCK_BYTES as u64);
        let mut padding = ZEROS;
        let length = usize::try_from(offset - end).unwrap_or(BLOCK_BYTES);
        self.read(end, padding.get_mut(..length).unwrap_or_default())?;
        if padding != ZEROS {
            return Err(self.member(offset, next, MemberFault::Padding));
        }
        Ok(offset)
    }

    fn block(&self, offset: u64) -> Result<Block> {
        let mut block = ZEROS;
        self.read(offset, &mut block)?;
        Ok(block)
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let end = offset + buffer.len() as u64;
        self.reach(end)?;
        self.file.read_exact_at(buffer, offset).map_err(|error| match error.kind() {
            // It became shorter since it was opened.
            io::ErrorKind::UnexpectedEof => self.truncated(end, offset),
            _ => failed(Operation::Read, &self.path, error),
        })
    }

    fn reach(&self, end: u64) -> Result<()> {
        if end > self.length { Err(self.truncated(end, self.length)) } else { Ok(()) }
    }

    fn truncated(&self, expected: u64, found: u64) -> Error {
        Error::Truncated { path: self.path.clone(), expected, found }
    }

    fn member(&self, offset: u64, expected: &str, fault: MemberFault) -> Error {
        Error::Member { path: self.path.clone(), offset, expected: expected.to_owned(), fault }
    }
}

/// Where a member belongs, seen from where the artifact with this index does.
fn place(manifest: &Manifest, name: &str, index: usize) -> Option<Ordering> {
    if name == MANIFEST_NAME {
        return Some(Ordering::Less);
    }
    manifest.position(name).map(|position| position.cmp(&index))
}
