//! The operating system's calls on names: what a path leads to, and making, moving and removing it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::disk::{Disk, InodeNumber, Node, Operation, ROOT};
use crate::fault::Call;
use crate::world::{Result, World};

/// How many symbolic links one path may lead through.
const MAXIMUM_LINKS: u32 = 8;

/// What `stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The inode.
    pub inode: InodeNumber,
    /// Type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// Size in bytes.
    pub size: u64,
    /// Names.
    pub links: u64,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Its name.
    pub name: String,
    /// What it leads to.
    pub inode: InodeNumber,
    /// `DT_DIR`, `DT_REG` or `DT_LNK`.
    pub kind: u8,
}

/// Where a path leads.
pub(crate) struct Found<'p> {
    pub(crate) directory: InodeNumber,
    name: Cow<'p, str>,
    pub(crate) inode: Option<InodeNumber>,
}

impl Found<'_> {
    /// The name, to be kept: most of what is looked up is only looked at.
    fn name(&self) -> Arc<str> {
        Arc::from(&*self.name)
    }
}

/// So many directories are remembered.
const MOST_PARENTS: usize = 16;

/// The directories in which something was looked up lately, by the paths to them. To be forgotten as soon as a directory or
/// a link goes or moves: a path to a directory leads through nothing else, and a new name hides nothing.
#[derive(Debug, Default)]
pub(crate) struct LateParents(RefCell<VecDeque<(String, InodeNumber)>>);

impl LateParents {
    fn directory(&self, path: &str) -> Option<InodeNumber> {
        self.0.borrow().iter().find(|(late, _)| late == path).map(|(_, directory)| *directory)
    }

    fn remember(&self, path: &str, directory: InodeNumber) {
        let mut late = self.0.borrow_mut();
        late.truncate(MOST_PARENTS - 1);
        late.push_front((path.to_owned(), directory));
    }

    /// Forgets them, if this operation on this disk may lead the same path elsewhere.
    pub(crate) fn learn(&mut self, operation: &Operation, disk: &Disk) {
        let is_on_the_way = |directory: InodeNumber, name: &str| {
            let Some(Node::Directory(entries)) = disk.inode(directory).map(|inode| &inode.node)
            else {
                return false;
            };
            let inode = entries.get(name).and_then(|inode| disk.inode(*inode));
            inode.is_some_and(|inode| !matches!(inode.node, Node::File(_)))
        };
        let leads_elsewhere = match operation {
            Operation::Leave { directory, name } => is_on_the_way(*directory, name),
            Operation::Move { from, to } => {
                is_on_the_way(from.0, &from.1) || is_on_the_way(to.0, &to.1)
            }
            _ => false,
        };
        if leads_elsewhere {
            self.0.get_mut().clear();
        }
    }
}

impl World {
    /// Follows a path below the simulated root, which the caller has cut off.
    pub(crate) fn find<'p>(&self, path: &'p str, follow: bool) -> Result<Found<'p>> {
        // Most of what is looked up lies where something else did.
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() || name == "." || parent.is_empty() {
            return self.find_from(ROOT, path, follow, MAXIMUM_LINKS);
        }
        let directory = match self.late_parents.directory(parent) {
            Some(directory) => directory,
            None => {
                let found = self.find_from(ROOT, parent, true, MAXIMUM_LINKS)?;
                let directory = found.inode.ok_or(libc::ENOENT)?;
                self.late_parents.remember(parent, directory);
                directory
            }
        };
        let Some(Node::Directory(entries)) = self.disk.inode(directory).map(|inode| &inode.node)
        else {
            return Err(libc::ENOTDIR);
        };
        let inode = entries.get(name).copied();
        let found = || self.disk.inode(inode?);
        if follow && found().is_some_and(|inode| matches!(inode.node, Node::Link(_))) {
            return self.find_from(directory, name, follow, MAXIMUM_LINKS);
        }
        Ok(Found { directory, name: Cow::Borrowed(name), inode })
    }

    fn find_from<'p>(
        &self,
        start: InodeNumber,
        path: &'p str,
        follow: bool,
        links_left: u32,
    ) -> Result<Found<'p>> {
        let mut directory = start;
        let mut components =
            path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
        if components.peek().is_none() {
            return Ok(Found { directory, name: Cow::Borrowed(""), inode: Some(directory) });
        }
        while let Some(name) = components.next() {
            let Some(Node::Directory(entries)) = self.disk.inode(directory).map(|i| &i.node) else {
                return Err(libc::ENOTDIR);
            };
            let last = components.peek().is_none();
            let inode = entries.get(name).copied();
            let node = inode.and_then(|inode| self.disk.inode(inode)).map(|inode| &inode.node);
            if let (Some(Node::Link(target)), true) = (node, follow || !last) {
                if links_left == 0 {
                    return Err(libc::ELOOP);
                }
                let rest = components.collect::<Vec<_>>().join("/");
                let path = format!("{target}/{rest}");
                let found = self.find_from(directory, &path, follow, links_left - 1)?;
                return Ok(Found { name: Cow::Owned(found.name.into_owned()), ..found });
            }
            if last {
                return Ok(Found { directory, name: Cow::Borrowed(name), inode });
            }
            directory = inode.ok_or(libc::ENOENT)?;
        }
        Err(libc::ENOENT)
    }

    pub(crate) fn create(
        &mut self,
        found: &Found<'_>,
        node: Node,
        mode: u32,
        path: &Arc<str>,
    ) -> Result<InodeNumber> {
        let inode = self.next_inode;
        self.next_inode += 1;
        self.record(Operation::Create { inode, node, mode: mode & 0o777 }, path)?;
        let (directory, name) = (found.directory, found.name());
        self.record(Operation::Enter { directory, name, inode }, path)?;
        Ok(inode)
    }

    /// `stat(2)` or `lstat(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn stat(&mut self, path: &str, follow: bool) -> Result<Stat> {
        self.fault(Call::Stat, path)?;
        let found = self.find(path, follow)?;
        self.stat_inode(found.inode.ok_or(libc::ENOENT)?)
    }

    /// `fstat(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn stat_descriptor(&self, descriptor: i32) -> Result<Stat> {
        self.stat_inode(self.file(descriptor)?.inode)
    }

    fn stat_inode(&self, number: InodeNumber) -> Result<Stat> {
        let inode = self.disk.inode(number).ok_or(libc::ENOENT)?;
        let (kind, size) = match &inode.node {
            Node::File(content) => (libc::S_IFREG, content.size()),
            Node::Directory(_) => (libc::S_IFDIR, 4096),
            Node::Link(target) => (libc::S_IFLNK, target.len() as u64),
        };
        Ok(Stat { inode: number, mode: kind | inode.mode, size, links: inode.names })
    }

    /// `mkdir(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn make_directory(&mut self, path: &str, mode: u32) -> Result<()> {
        self.fault(Call::Create, path)?;
        let found = self.find(path, false)?;
        if found.inode.is_some() {
            return Err(libc::EEXIST);
        }
        self.create(&found, Node::Directory(BTreeMap::new()), mode, &Arc::from(path)).map(|_| ())
    }

    /// `symlink(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn make_link(&mut self, target: &str, path: &str) -> Result<()> {
        self.fault(Call::Create, path)?;
        let found = self.find(path, false)?;
        if found.inode.is_some() {
            return Err(libc::EEXIST);
        }
        self.create(&found, Node::Link(target.to_owned()), 0o777, &Arc::from(path)).map(|_| ())
    }

    /// `readlink(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn read_link(&mut self, path: &str) -> Result<String> {
        self.fault(Call::Resolve, path)?;
        let found = self.find(path, false)?;
        match self.disk.inode(found.inode.ok_or(libc::ENOENT)?).map(|inode| &inode.node) {
            Some(Node::Link(target)) => Ok(target.clone()),
            _ => Err(libc::EINVAL),
        }
    }

    /// `realpath(3)`: the path to the same below the simulated root, that leads through no link.
    ///
    /// # Errors
    /// As the call.
    pub fn real_path(&mut self, path: &str) -> Result<String> {
        self.fault(Call::Resolve, path)?;
        let names = |path: &str| -> Vec<String> {
            let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
            parts.rev().map(str::to_owned).collect()
        };
        let (mut real, mut left, mut links_left) = (String::new(), names(path), MAXIMUM_LINKS);
        while let Some(name) = left.pop() {
            let next = format!("{real}/{name}");
            let inode = self.find(&next, false)?.inode.ok_or(libc::ENOENT)?;
            if let Some(Node::Link(target)) = self.disk.inode(inode).map(|inode| &inode.node) {
                links_left = links_left.checked_sub(1).ok_or(libc::ELOOP)?;
                left.extend(names(target));
            } else {
                real = next;
            }
        }
        Ok(real)
    }

    /// `link(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn hard_link(&mut self, from: &str, to: &str) -> Result<()> {
        self.fault(Call::Link, to)?;
        let inode = self.find(from, false)?.inode.ok_or(libc::ENOENT)?;
        let found = self.find(to, false)?;
        if found.inode.is_some() {
            return Err(libc::EEXIST);
        }
        let (directory, name) = (found.directory, found.name());
        self.record(Operation::Enter { directory, name, inode }, &Arc::from(to))
    }

    /// `unlink(2)`, or `rmdir(2)` if a directory is wanted.
    ///
    /// # Errors
    /// As the call.
    pub fn remove(&mut self, path: &str, directory_wanted: bool) -> Result<()> {
        self.fault(Call::Remove, path)?;
        let found = self.find(path, false)?;
        let inode = found.inode.ok_or(libc::ENOENT)?;
        match (self.disk.inode(inode).map(|inode| &inode.node), directory_wanted) {
            (Some(Node::Directory(entries)), true) if !entries.is_empty() => {
                return Err(libc::ENOTEMPTY);
            }
            (Some(Node::Directory(_)), false) => return Err(libc::EISDIR),
            (Some(Node::File(_) | Node::Link(_)), true) => return Err(libc::ENOTDIR),
            _ => {}
        }
        let (directory, name) = (found.directory, found.name());
        self.record(Operation::Leave { directory, name }, &Arc::from(path))?;
        self.give_back(inode);
        Ok(())
    }

    /// `rename(2)`.
    ///
    /// # Errors
    /// As the call.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        self.fault(Call::Rename, to)?;
        let source = self.find(from, false)?;
        let inode = source.inode.ok_or(libc::ENOENT)?;
        let target = self.find(to, false)?;
        if let Some(replaced) = target.inode {
            let is_directory = |number| {
                self.disk.inode(number).map(|inode| matches!(inode.node, Node::Directory(_)))
            };
            match (is_directory(inode), is_directory(replaced)) {
                (Some(true), Some(false)) => return Err(libc::ENOTDIR),
                (Some(false), Some(true)) => return Err(libc::EISDIR),
                _ => {}
            }
            if matches!(self.disk.inode(replaced).map(|inode| &inode.node),
                Some(Node::Directory(entries)) if !entries.is_empty())
            {
                return Err(libc::ENOTEMPTY);
            }
        }
        let from = (source.directory, source.name());
        let operation = Operation::Move { from, to: (target.directory, target.name()) };
        self.record(operation, &Arc::from(to))?;
        if let Some(replaced) = target.inode {
            self.give_back(replaced);
        }
        Ok(())
    }

    /// The entries of a directory, in byte order.
    ///
    /// # Errors
    /// As `opendir(3)`.
    pub fn list(&mut self, path: &str) -> Result<Vec<DirectoryEntry>> {
        self.fault(Call::List, path)?;
        let inode = self.find(path, true)?.inode.ok_or(libc::ENOENT)?;
        self.list_inode(inode)
    }

    /// The entries of a directory that is open.
    ///
    /// # Errors
    /// As `fdopendir(3)`.
    pub fn list_descriptor(&mut self, descriptor: i32) -> Result<Vec<DirectoryEntry>> {
        let path = self.path_of(descriptor)?;
        self.fault(Call::List, &path)?;
        let inode = self.file(descriptor)?.inode;
        self.list_inode(inode)
    }

    fn list_inode(&mut self, inode: InodeNumber) -> Result<Vec<DirectoryEntry>> {
        let Some(Node::Directory(entries)) = self.disk.inode(inode).map(|inode| &inode.node) else {
            return Err(libc::ENOTDIR);
        };
        let kind = |inode| match self.disk.inode(inode).map(|inode| &inode.node) {
            Some(Node::Directory(_)) => libc::DT_DIR,
            Some(Node::Link(_)) => libc::DT_LNK,
            _ => libc::DT_REG,
        };
        let list = entries.iter().map(|(name, inode)| DirectoryEntry {
            name: name.to_string(),
            inode: *inode,
            kind: kind(*inode),
        });
        let mut list: Vec<_> = list.collect();
        if let Some(random) = &mut self.shuffle {
            random.shuffle(&mut list);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultPlan;

    #[test]
    fn a_path_leads_where_it_leads_now_whatever_was_looked_up_before() {
        let mut world = World::new(Disk::default(), FaultPlan::none());
        for path in ["/one", "/one/in", "/other"] {
            world.make_directory(path, 0o700).unwrap();
        }
        world.make_link("one", "/link").unwrap();
        let there = |world: &mut World, path| world.stat(path, true).map(|stat| stat.inode);
        let inode = there(&mut world, "/one/in").unwrap();
        assert_eq!(there(&mut world, "/link/in"), Ok(inode));
        // Each of these was the directory of the last look-up.
        world.remove("/link", false).unwrap();
        assert_eq!(there(&mut world, "/link/in"), Err(libc::ENOENT));
        world.make_link("other", "/link").unwrap();
        assert_eq!(there(&mut world, "/link/in"), Err(libc::ENOENT));
        assert_eq!(there(&mut world, "/one/in"), Ok(inode));
        world.rename("/one", "/moved").unwrap();
        assert_eq!(there(&mut world, "/one/in"), Err(libc::ENOENT));
        assert_eq!(there(&mut world, "/moved/in"), Ok(inode));
        assert_eq!(there(&mut world, "/moved/in/further"), Err(libc::ENOENT));
        // A link takes the place of a link, and a directory that of one that is empty.
        world.make_link("moved", "/to").unwrap();
        world.make_link("other", "/instead").unwrap();
        assert_eq!(there(&mut world, "/to/in"), Ok(inode));
        world.rename("/instead", "/to").unwrap();
        assert_eq!(there(&mut world, "/to/in"), Err(libc::ENOENT));
        assert_eq!(there(&mut world, "/other/in"), Err(libc::ENOENT));
        world.rename("/moved", "/other").unwrap();
        assert_eq!(there(&mut world, "/other/in"), Ok(inode));
        assert_eq!(there(&mut world, "/to/in"), Ok(inode));
    }

    #[test]
    fn a_real_path_leads_through_no_link_to_something_that_is_there() {
        let mut world = World::new(Disk::default(), FaultPlan::none());
        for path in ["/one", "/one/in"] {
            world.make_directory(path, 0o700).unwrap();
        }
        let descriptor = world.open("/one/file", libc::O_CREAT | libc::O_RDWR, 0o600).unwrap();
        world.close(descriptor).unwrap();
        world.make_link("one", "/link").unwrap();
        world.make_link("round", "/round").unwrap();
        let mut real = |path| world.real_path(path);
        assert_eq!(real(""), Ok(String::new()));
        assert_eq!(real("/one/./in/"), Ok("/one/in".to_owned()));
        assert_eq!(real("/link"), Ok("/one".to_owned()));
        assert_eq!(real("/link/in"), Ok("/one/in".to_owned()));
        assert_eq!(real("/link/out"), Err(libc::ENOENT));
        assert_eq!(real("/nowhere"), Err(libc::ENOENT));
        assert_eq!(real("/one/file/in"), Err(libc::ENOTDIR));
        assert_eq!(real("/round"), Err(libc::ELOOP));
    }
}
