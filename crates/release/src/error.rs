//! What is wrong with a package, typed, so that whoever refuses it can say why.

use std::fmt;
use std::io;
use std::path::PathBuf;

use integrity::Digest;

use crate::manifest::{
    MANIFEST_TYPE, MAXIMUM_ARTIFACT_BYTES, MAXIMUM_ARTIFACTS, MAXIMUM_CONTENT_BYTES, MAXIMUM_DEPTH,
    MAXIMUM_MANIFEST_BYTES, MAXIMUM_MIGRATIONS, MAXIMUM_NAME_BYTES, MAXIMUM_VALUES,
};
use crate::package::MAXIMUM_PACKAGE_BYTES;
use crate::path::{InvalidPath, Role};

/// The result of an operation on a package.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a package is not written, not taken, or not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file operation failed; of a directory to be packed, also that it holds something other than plain files.
    #[error(transparent)]
    File(#[from] durable::Error),
    /// It is no plain file. Links are not followed.
    #[error("{} is {found}, not a plain file", path.display())]
    NotAPlainFile {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: FileKind,
    },
    /// The file is larger than any package.
    #[error("{} has {bytes} bytes; a package has at most {MAXIMUM_PACKAGE_BYTES}", path.display())]
    PackageTooLarge {
        /// The package.
        path: PathBuf,
        /// How many bytes it has.
        bytes: u64,
    },
    /// The file ends before the package does.
    #[error("{} ends at byte {found}, but must go on to byte {expected} at least", path.display())]
    Truncated {
        /// The package.
        path: PathBuf,
        /// The byte that it must reach at least.
        expected: u64,
        /// Where it ends.
        found: u64,
    },
    /// The file goes on behind the end of the package.
    #[error("{} goes on to byte {found}, but the package ends at byte {expected}", path.display())]
    BytesBehindTheEnd {
        /// The package.
        path: PathBuf,
        /// Where the package ends.
        expected: u64,
        /// Where the file ends.
        found: u64,
    },
    /// A member is not what packing would have written.
    #[error("{}: at byte {offset}, where {expected} should be: {fault}", path.display())]
    Member {
        /// The package.
        path: PathBuf,
        /// Where the member's header begins.
        offset: u64,
        /// The member that belongs there, or the end of the archive.
        expected: String,
        /// What is wrong.
        fault: MemberFault,
    },
    /// The manifest does not hold what it must.
    #[error("the release manifest is refused: {0}")]
    Manifest(#[from] ManifestFault),
    /// The content of an artifact is not what the manifest says.
    #[error("the content of {artifact} is {found}, but the manifest says {expected}")]
    ContentDiffers {
        /// The path of the artifact in the release.
        artifact: String,
        /// What the manifest says.
        expected: Digest,
        /// What the content is.
        found: Digest,
    },
    /// The release has no such artifact.
    #[error("the release has no artifact {path:?}")]
    NoSuchArtifact {
        /// What was asked for.
        path: String,
    },
    /// Whoever takes an artifact's content failed to.
    #[error("the content of {artifact} cannot be written: {source}")]
    Output {
        /// The path of the artifact in the release.
        artifact: String,
        /// What the output said.
        source: io::Error,
    },
    /// A file that is to be packed changed while it was.
    #[error("{} changed while it was packed; nothing was written", path.display())]
    SourceChanged {
        /// The file.
        path: PathBuf,
    },
    /// A directory that is to be packed holds no file: it would be lost without a word.
    #[error("{} holds no file, and a package holds nothing else; remove it", path.display())]
    EmptyDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The directory to unpack into has something in it already.
    #[error("{} is not empty; a release is unpacked into a directory of its own", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The place to unpack into is something other than a directory. Links are not followed.
    #[error("{} is not a directory", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// What was unpacked is not on disk as it was written.
    #[error("{} is not on disk as it was unpacked: somebody else writes there, or the disk is damaged", path.display())]
    UnpackedDiffers {
        /// The file.
        path: PathBuf,
    },
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A symbolic link.
    SymbolicLink,
    /// A directory.
    Directory,
    /// A named pipe.
    Pipe,
    /// A device or a socket.
    Other,
}

impl fmt::Display for FileKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SymbolicLink => "a symbolic link",
            Self::Directory => "a directory",
            Self::Pipe => "a named pipe",
            Self::Other => "a device or socket",
        })
    }
}

/// How a member of the archive differs from what packing would have written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberFault {
    /// There is none: the archive ends here.
    #[error("the archive ends; the member is missing")]
    Missing,
    /// The header's checksum is not that of the header.
    #[error("the header's checksum is wrong")]
    Checksum,
    /// The archive is of another format.
    #[error("the header is not of a POSIX ustar archive")]
    NotUstar,
    /// A symbolic link.
    #[error("a symbolic link")]
    SymbolicLink,
    /// A hard link.
    #[error("a hard link")]
    HardLink,
    /// A character or block device.
    #[error("a device")]
    Device,
    /// A directory; only files are members.
    #[error("a directory, which is never a member of its own")]
    Directory,
    /// A named pipe.
    #[error("a named pipe")]
    Pipe,
    /// A pax extension, which could say of the next member what its header does not.
    #[error("a pax extension")]
    PaxExtension,
    /// A long name or another extension of GNU tar.
    #[error("an extension of GNU tar")]
    GnuExtension,
    /// A sparse file.
    #[error("a sparse file")]
    Sparse,
    /// A kind of member that is not known.
    #[error("a member of the unknown kind {0:#04x}")]
    UnknownKind(u8),
    /// Its path leads elsewhere, or is one that no artifact can have.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// It was there before.
    #[error("{found}, which was there before")]
    Repeated {
        /// The member that is there.
        found: String,
    },
    /// It belongs further behind: the member that should be here is missing or out of order.
    #[error("{found}, which belongs further behind; the member is missing or out of order")]
    OutOfOrder {
        /// The member that is there.
        found: String,
    },
    /// The manifest does not name it.
    #[error("{found}, which the manifest does not name")]
    Unknown {
        /// The member that is there.
        found: String,
    },
    /// Its size is not what the manifest says.
    #[error("a member of {found} bytes, not of {expected}")]
    Size {
        /// What the manifest says.
        expected: u64,
        /// What the header says.
        found: u64,
    },
    /// Its size is not eleven octal digits: larger than those can say, or in another spelling.
    #[error("a size that is not eleven octal digits")]
    SizeSpelling,
    /// Its permissions are not what the manifest says.
    #[error("other permissions than the manifest says")]
    Mode,
    /// It names an owner.
    #[error("an owner, where none may be")]
    Owner,
    /// It has a time.
    #[error("a time, where none may be")]
    Time,
    /// It differs in something else.
    #[error("a header that differs from the one form that there is in its byte {at}")]
    OtherForm {
        /// The first byte of the header that differs.
        at: usize,
    },
    /// The bytes between the content before and this header are not zeros.
    #[error("the padding of the member before it is not of zeros")]
    Padding,
    /// The archive does not end with two blocks of zeros.
    #[error("the end is not two blocks of zeros")]
    End,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFault {
    /// More bytes than a manifest may have.
    #[error("it has {bytes} bytes, and may have {MAXIMUM_MANIFEST_BYTES}")]
    TooLarge {
        /// How many it has.
        bytes: u64,
    },
    /// No JSON, or JSON of another shape: fields that are missing, unknown or of another type.
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1; 0 if it is about the text as a whole.
        column: usize,
        /// What the parser says.
        reason: String,
    },
    /// A field stands twice, so that readers could disagree about which counts.
    #[error("the field {field:?} is repeated")]
    RepeatedField {
        /// The field's name.
        field: String,
    },
    /// Nested too deeply.
    #[error("it is nested more than {MAXIMUM_DEPTH} levels deep")]
    TooDeep,
    /// Too many values of JSON.
    #[error("it has more than {MAXIMUM_VALUES} values")]
    TooManyValues,
    /// A manifest of another kind or version.
    #[error("it is of the type {found:?}, not {MANIFEST_TYPE:?}")]
    OtherType {
        /// What it says.
        found: String,
    },
    /// A name of the product or of a migration that is empty, too long, or not printable ASCII.
    #[error("{found:?} is no name of 1 to {MAXIMUM_NAME_BYTES} printable ASCII characters")]
    Name {
        /// What it says.
        found: String,
    },
    /// Too many migrations.
    #[error("it has {found} migrations, and may have {MAXIMUM_MIGRATIONS}")]
    TooManyMigrations {
        /// How many it has.
        found: usize,
    },
    /// Too many artifacts.
    #[error("it has {found} artifacts, and may have {MAXIMUM_ARTIFACTS}")]
    TooManyArtifacts {
        /// How many it has.
        found: usize,
    },
    /// A path that no artifact can have.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// A role that is not the one of the path's directory.
    #[error("{path} is of the role {expected:?} by its directory, but is said to be {found:?}")]
    Role {
        /// The artifact.
        path: String,
        /// The role of its directory.
        expected: Role,
        /// What the manifest says.
        found: Role,
    },
    /// An artifact that is too large.
    #[error("{path} has {bytes} bytes, and may have {MAXIMUM_ARTIFACT_BYTES}")]
    ArtifactTooLarge {
        /// The artifact.
        path: String,
        /// How many it has.
        bytes: u64,
    },
    /// All artifacts together are too large.
    #[error("the artifacts have more than {MAXIMUM_CONTENT_BYTES} bytes together")]
    ContentTooLarge,
    /// An artifact is named twice.
    #[error("{path} is named twice")]
    RepeatedPath {
        /// The artifact.
        path: String,
    },
    /// Artifacts are not in byte order of their paths.
    #[error("{path} is named behind {before}, out of byte order")]
    OutOfOrder {
        /// The artifact that comes too late.
        path: String,
        /// The one before it.
        before: String,
    },
    /// Two paths that are one on a file system that does not tell cases apart.
    #[error("{first} and {second} differ in nothing but upper and lower case")]
    SameButForCase {
        /// The one path, as far as they are the same.
        first: String,
        /// The other.
        second: String,
    },
    /// A path that is a file and a directory.
    #[error("{file} is a file, and a directory in {path}")]
    FileAndDirectory {
        /// The path of the file.
        file: String,
        /// The path that goes through it.
        path: String,
    },
    /// Not exactly one runtime.
    #[error("it has {found} artifacts of the role runtime, and must have exactly one")]
    NotOneRuntime {
        /// How many it has.
        found: usize,
    },
    /// The runtime cannot be executed.
    #[error("the runtime {path} is not executable")]
    RuntimeNotExecutable {
        /// The artifact.
        path: String,
    },
}
