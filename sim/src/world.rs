//! The operating system's file calls, on a simulated disk.
//!
//! A [`World`] is what a process sees: descriptors, locks, and a disk on which every change is an operation that is
//! recorded. It knows nothing of processes or of C: the hooks translate.

use std::backtrace::Backtrace;
use std::sync::Arc;

use crate::Random;
use crate::disk::{Content, Disk, InodeNumber, Node, Operation};
use crate::fault::{Call, FaultPlan, Met, Outcome};
use crate::names::LateParents;
pub use crate::names::{DirectoryEntry, Stat};

/// An error number of the operating system.
pub type Errno = i32;

/// The result of a simulated call.
pub type Result<T> = std::result::Result<T, Errno>;

/// Descriptors of simulated files are numbered from here: far above those of the kernel.
pub const FIRST_DESCRIPTOR: i32 = 1 << 24;

/// What a process sees.
#[derive(Debug)]
pub struct World {
    pub(crate) disk: Disk,
    pub(crate) next_inode: InodeNumber,
    /// By descriptor, counted from [`FIRST_DESCRIPTOR`]: the open file that each is of.
    descriptors: Vec<Option<usize>>,
    files: Vec<Option<OpenFile>>,
    log: Vec<Logged>,
    faults: FaultPlan,
    stopped: bool,
    traced: bool,
    site: Option<Arc<Backtrace>>,
    /// How many bytes all files may take.
    capacity: u64,
    /// The first call that met a fault.
    met: Option<Met>,
    /// Whether calls are of somebody whom faults are not to meet.
    spared: bool,
    /// Bytes of files that cannot be read.
    unreadable: Option<(InodeNumber, std::ops::Range<u64>)>,
    /// Lists directories in an order that this decides, rather than in that of their names.
    pub(crate) shuffle: Option<Random>,
    pub(crate) late_parents: LateParents,
}

/// One entry of a recording.
#[derive(Debug, Clone)]
pub enum Logged {
    /// A change of the disk, or a sync.
    Operation {
        /// What.
        operation: Operation,
        /// The path that it was about, for people.
        path: Arc<str>,
        /// Who called, if that was asked for.
        site: Option<Arc<Backtrace>>,
    },
    /// Something that is known from here on.
    Mark(Mark),
}

/// Something that is known from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A step of the scenario began.
    Began(usize),
    /// A record of the journal was acknowledged.
    Record,
    /// A step of the scenario was acknowledged, or refused.
    Done(usize),
    /// A step of the scenario came to another end than undisturbed, and whoever called it was told.
    Failed(usize),
    /// What a program without steps has to say.
    Note(String),
}

impl Logged {
    /// The operation, if it is one.
    pub fn operation(&self) -> Option<&Operation> {
        match self {
            Self::Operation { operation, .. } => Some(operation),
            Self::Mark(_) => None,
        }
    }

    /// The path that an operation was about.
    pub fn path(&self) -> &str {
        match self {
            Self::Operation { path, .. } => path,
            Self::Mark(_) => "",
        }
    }
}

/// The digest of a recording: the same seed gives the same one.
pub fn log_hash(log: &[Logged]) -> String {
    let mut hasher = blake3::Hasher::new();
    for logged in log {
        match logged {
            Logged::Operation { operation, path, .. } => {
                hasher.update(path.as_bytes());
                operation.digest(&mut hasher);
            }
            Logged::Mark(mark) => {
                hasher.update(format!("{mark:?}").as_bytes());
            }
        }
    }
    hasher.finalize().to_hex().to_string()
}

#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) inode: InodeNumber,
    path: Arc<str>,
    offset: u64,
    append: bool,
    readable: bool,
    writable: bool,
    lock: Option<Lock>,
    references: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lock {
    Shared,
    Exclusive,
}

impl World {
    /// A world with this disk, no open files and no log.
    pub fn new(disk: Disk, faults: FaultPlan) -> Self {
        Self {
            next_inode: disk.next_inode(),
            disk,
            descriptors: Vec::new(),
            files: Vec::new(),
            log: Vec::new(),
            faults,
            stopped: false,
            traced: false,
            site: None,
            capacity: u64::MAX,
            met: None,
            spared: false,
            unreadable: None,
            shuffle: None,
            late_parents: LateParents::default(),
        }
    }

    /// The same, on a disk with so many bytes.
    pub fn with_capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// The same, with directories that list their entries in an order that a seed decides.
    pub fn with_shuffled_directories(mut self, seed: u64) -> Self {
        self.shuffle = Some(Random::new(seed));
        self
    }

    /// The same, but that it is noted with each operation who called.
    pub fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Whether it is noted who calls.
    pub fn is_traced(&self) -> bool {
        self.traced
    }

    /// Who is calling now.
    pub fn called_from(&mut self, site: Arc<Backtrace>) {
        self.site = Some(site);
    }

    /// The disk as it is now, for everybody who runs.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The log so far.
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// From here on, or until further notice, faults meet no call, and calls are not counted among those that they can meet.
    pub fn spare(&mut self, spared: bool) {
        self.spared = spared;
    }

    /// Which faults were hit, and which calls there were.
    pub fn faults(&self) -> &FaultPlan {
        &self.faults
    }

    /// The first call that met a fault, if one did.
    pub fn met(&self) -> Option<&Met> {
        self.met.as_ref()
    }

    /// Whether every byte that is there can be read.
    pub const fn is_readable(&self) -> bool {
        self.unreadable.is_none()
    }

    /// From here on these bytes of a file cannot be read.
    pub fn set_unreadable(&mut self, bytes: Option<(InodeNumber, std::ops::Range<u64>)>) {
        self.unreadable = bytes;
    }

    /// Descriptors that are open.
    pub fn open_descriptors(&self) -> usize {
        self.descriptors.iter().flatten().count()
    }

    /// The log, which is taken away.
    pub fn take_log(&mut self) -> Vec<Logged> {
        std::mem::take(&mut self.log)
    }

    /// Notes something in the log.
    pub fn mark(&mut self, mark: Mark) {
        self.log.push(Logged::Mark(mark));
    }

    /// From here on, or until further notice, no call changes anything: what runs on is a process that is dead already.
    pub fn stop(&mut self, stopped: bool) {
        self.stopped = stopped;
    }

    pub(crate) fn record(&mut self, operation: Operation, path: &Arc<str>) -> Result<()> {
        if self.stopped {
            return Err(libc::EIO);
        }
        if self.capacity < u64::MAX && !self.spared && matches!(operation, Operation::Write { .. })
        {
            let mut next = self.disk.clone();
            next.apply(&operation);
            if next.allocated() > self.capacity.max(self.disk.allocated()) {
                self.meet(Call::Write, path, Outcome::Fail(libc::ENOSPC));
                return Err(libc::ENOSPC);
            }
        }
        self.late_parents.learn(&operation, &self.disk);
        self.disk.apply(&operation);
        let (path, site) = (Arc::clone(path), self.site.clone());
        self.log.push(Logged::Operation { operation, path, site });
        Ok(())
    }

    /// Gives back the space of a file that has lost its last name and is open nowhere.
    pub(crate) fn give_back(&mut self, inode: InodeNumber) {
        if !self.files.iter().flatten().any(|file| file.inode == inode) {
            self.disk.forget_unnamed(inode);
        }
    }

    /// Notes the first call that meets a fault.
    fn meet(&mut self, call: Call, path: &str, outcome: Outcome) {
        if self.met.is_none() {
            let (at, path, site) = (self.log.len(), path.to_owned(), self.site.clone());
            self.met = Some(Met { at, call, path, outcome, site });
        }
    }

    pub(crate) fn fault(&mut self, call: Call, path: &str) -> Result<Outcome> {
        if self.spared {
            return Ok(Outcome::Pass);
        }
        let outcome = self.faults.next(call, path);
        if outcome != Outcome::Pass {
            self.meet(call, path, outcome);
        }
        match outcome {
            Outcome::Fail(errno) => Err(errno),
            other => Ok(other),
        }
    }

    fn number(&self, descriptor: i32) -> Result<usize> {
        let slot = usize::try_from(descriptor - FIRST_DESCRIPTOR).map_err(|_| libc::EBADF)?;
        self.descriptors.get(slot).copied().flatten().ok_or(libc::EBADF)
    }

    pub(crate) fn file(&self, descriptor: i32) -> Result<&OpenFile> {
        self.files.get(self.number(descriptor)?).and_then(Option::as_ref).ok_or(libc::EBADF)
    }

    fn file_mut(&mut self, descriptor: i32) -> Result<&mut OpenFile> {
        let number = self.number(descriptor)?;
        self.files.get_mut(number).and_then(Option::as_mut).ok_or(libc::EBADF)
    }

    /// The path that a descriptor was opened by.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn path_of(&self, descriptor: i32) -> Result<Arc<str>> {
        self.file(descriptor).map(|file| Arc::clone(&file.path))
    }

    /// `open(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn open(&mut self, path: &str, flags: i32, mode: u32) -> Result<i32> {
        self.fault(Call::Open, path)?;
        let found = self.find(path, flags & libc::O_NOFOLLOW == 0)?;
        let writable = flags & libc::O_ACCMODE != libc::O_RDONLY;
        let shared_path: Arc<str> = Arc::from(path);
        let inode = match found.inode {
            Some(_) if flags & libc::O_CREAT != 0 && flags & libc::O_EXCL != 0 => {
                return Err(libc::EEXIST);
            }
            Some(inode) => inode,
            None if flags & libc::O_CREAT == 0 => return Err(libc::ENOENT),
            None => {
                self.fault(Call::Create, path)?;
                let node = Node::File(Content::default());
                self.create(&found, node, mode, &shared_path)?
            }
        };
        match self.disk.inode(inode).map(|inode| &inode.node) {
            Some(Node::Directory(_)) if writable => return Err(libc::EISDIR),
            Some(Node::File(_)) if flags & libc::O_DIRECTORY != 0 => return Err(libc::ENOTDIR),
            Some(Node::Link(_)) | None => return Err(libc::ELOOP),
            Some(Node::File(content)) if flags & libc::O_TRUNC != 0 && content.size() > 0 => {
                self.record(Operation::Resize { inode, size: 0 }, &shared_path)?;
            }
            Some(_) => {}
        }
        Ok(self.add_descriptor(OpenFile {
            inode,
            path: shared_path,
            offset: 0,
            append: flags & libc::O_APPEND != 0,
            readable: flags & libc::O_ACCMODE != libc::O_WRONLY,
            writable,
            lock: None,
            references: 1,
        }))
    }

    fn add_descriptor(&mut self, file: OpenFile) -> i32 {
        self.files.push(Some(file));
        self.add_reference(self.files.len() - 1)
    }

    fn add_reference(&mut self, number: usize) -> i32 {
        let slot = i32::try_from(self.descriptors.len()).unwrap_or(i32::MAX);
        self.descriptors.push(Some(number));
        FIRST_DESCRIPTOR.saturating_add(slot)
    }

    /// `dup(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn duplicate(&mut self, descriptor: i32) -> Result<i32> {
        let number = self.number(descriptor)?;
        self.file_mut(descriptor)?.references += 1;
        Ok(self.add_reference(number))
    }

    /// `close(2)`: never fails for a descriptor that is open, and lets go of its lock.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn close(&mut self, descriptor: i32) -> Result<()> {
        let number = self.number(descriptor)?;
        let file = self.file_mut(descriptor)?;
        file.references -= 1;
        let (references, inode) = (file.references, file.inode);
        if let Ok(slot) = usize::try_from(descriptor - FIRST_DESCRIPTOR) {
            self.descriptors[slot] = None;
        }
        if references == 0 {
            self.files[number] = None;
            // Open files are few at any time: what is closed at the end is forgotten.
            while let Some(None) = self.files.last() {
                self.files.pop();
            }
            self.give_back(inode);
        }
        Ok(())
    }

    /// `pread(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn read_at(&mut self, descriptor: i32, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let path = self.path_of(descriptor)?;
        let outcome = self.fault(Call::Read, &path)?;
        let file = self.file(descriptor)?;
        if !file.readable {
            return Err(libc::EBADF);
        }
        let Some(Node::File(content)) = self.disk.inode(file.inode).map(|inode| &inode.node) else {
            return Err(libc::EISDIR);
        };
        let wanted = outcome.shorten(buffer.len());
        if let Some((inode, bytes)) = &self.unreadable
            && *inode == file.inode
            && offset < bytes.end
            && offset + wanted as u64 > bytes.start
        {
            return Err(libc::EIO);
        }
        Ok(content.read(offset, buffer.get_mut(..wanted).unwrap_or_default()))
    }

    /// `read(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn read(&mut self, descriptor: i32, buffer: &mut [u8]) -> Result<usize> {
        let offset = self.file(descriptor)?.offset;
        let count = self.read_at(descriptor, buffer, offset)?;
        self.file_mut(descriptor)?.offset += count as u64;
        Ok(count)
    }

    /// `pwrite(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn write_at(&mut self, descriptor: i32, data: &[u8], offset: u64) -> Result<usize> {
        let path = self.path_of(descriptor)?;
        let outcome = self.fault(Call::Write, &path)?;
        let file = self.file(descriptor)?;
        if !file.writable {
            return Err(libc::EBADF);
        }
        let inode = file.inode;
        let data = data.get(..outcome.shorten(data.len())).unwrap_or_default();
        if data.is_empty() {
            return Ok(0);
        }
        let written = match outcome {
            Outcome::Lie => self.bytes_of(inode, offset, data.len()),
            Outcome::Rot => flipped(data),
            _ => Arc::from(data),
        };
        self.record(Operation::Write { inode, offset, data: written }, &path)?;
        Ok(data.len())
    }

    /// What is there of a file, and zeros where nothing is.
    fn bytes_of(&self, inode: InodeNumber, offset: u64, length: usize) -> Arc<[u8]> {
        let mut there = vec![0; length];
        if let Some(Node::File(content)) = self.disk.inode(inode).map(|inode| &inode.node) {
            content.read(offset, &mut there);
        }
        there.into()
    }

    /// `write(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn write(&mut self, descriptor: i32, data: &[u8]) -> Result<usize> {
        let file = self.file(descriptor)?;
        let offset = if file.append { self.size_of(file.inode) } else { file.offset };
        let count = self.write_at(descriptor, data, offset)?;
        self.file_mut(descriptor)?.offset = offset + count as u64;
        Ok(count)
    }

    fn size_of(&self, inode: InodeNumber) -> u64 {
        match self.disk.inode(inode).map(|inode| &inode.node) {
            Some(Node::File(content)) => content.size(),
            _ => 0,
        }
    }

    /// `lseek(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn seek(&mut self, descriptor: i32, offset: i64, whence: i32) -> Result<u64> {
        let file = self.file(descriptor)?;
        let base = match whence {
            libc::SEEK_SET => 0,
            libc::SEEK_CUR => file.offset,
            libc::SEEK_END => self.size_of(file.inode),
            _ => return Err(libc::EINVAL),
        };
        let target = base.checked_add_signed(offset).ok_or(libc::EINVAL)?;
        self.file_mut(descriptor)?.offset = target;
        Ok(target)
    }

    /// `ftruncate(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn resize(&mut self, descriptor: i32, size: u64) -> Result<()> {
        let path = self.path_of(descriptor)?;
        self.fault(Call::Resize, &path)?;
        let file = self.file(descriptor)?;
        if !file.writable {
            return Err(libc::EINVAL);
        }
        let inode = file.inode;
        self.record(Operation::Resize { inode, size }, &path)
    }

    /// `fsync(2)` and `fdatasync(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn sync(&mut self, descriptor: i32) -> Result<()> {
        let path = self.path_of(descriptor)?;
        let outcome = self.fault(Call::Sync, &path);
        let inode = self.file(descriptor)?.inode;
        match outcome {
            Err(errno) => {
                self.record(Operation::SyncFailed { inode }, &path)?;
                return Err(errno);
            }
            Ok(Outcome::Lie) => return Ok(()),
            Ok(_) => {}
        }
        self.record(Operation::Sync { inode }, &path)
    }

    /// `chmod(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn change_mode(&mut self, path: &str, mode: u32) -> Result<()> {
        self.fault(Call::Mode, path)?;
        let inode = self.find(path, true)?.inode.ok_or(libc::ENOENT)?;
        self.record(Operation::Mode { inode, mode: mode & 0o777 }, &Arc::from(path))
    }

    /// `fchmod(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn change_mode_of(&mut self, descriptor: i32, mode: u32) -> Result<()> {
        let path = self.path_of(descriptor)?;
        self.fault(Call::Mode, &path)?;
        let inode = self.file(descriptor)?.inode;
        self.record(Operation::Mode { inode, mode: mode & 0o777 }, &path)
    }

    /// `flock(2)`: advisory, by open file, never waits.
    ///
    /// # Errors
    /// `EWOULDBLOCK` if another open file holds it.
    pub fn lock(&mut self, descriptor: i32, operation: i32) -> Result<()> {
        let path = self.path_of(descriptor)?;
        self.fault(Call::Lock, &path)?;
        let wanted = match operation & !libc::LOCK_NB {
            libc::LOCK_UN => None,
            libc::LOCK_SH => Some(Lock::Shared),
            libc::LOCK_EX => Some(Lock::Exclusive),
            _ => return Err(libc::EINVAL),
        };
        let number = self.number(descriptor)?;
        let inode = self.file(descriptor)?.inode;
        let taken = self.files.iter().enumerate().any(|(other, file)| {
            let Some(file) = file else { return false };
            let held = file
                .lock
                .is_some_and(|held| held == Lock::Exclusive || wanted == Some(Lock::Exclusive));
            other != number && file.inode == inode && held
        });
        if taken && wanted.is_some() {
            return Err(libc::EWOULDBLOCK);
        }
        self.file_mut(descriptor)?.lock = wanted;
        Ok(())
    }
}

/// The same bytes, but for a bit in their middle.
fn flipped(data: &[u8]) -> Arc<[u8]> {
    let middle = data.len() / 2;
    data.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == middle)).collect()
}
