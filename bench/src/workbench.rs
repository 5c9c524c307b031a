//! Where the working data is.

use std::path::{Path, PathBuf};

use integrity::LogicalDigest;
use tempfile::TempDir;

use crate::arguments::Request;
use crate::contenders::{Content, Engine};
use crate::failure::{Failure, Result};
use crate::task::{self, Task};

/// A directory for working data, removed when this is dropped, whatever happened.
#[derive(Debug)]
pub(crate) struct Workbench {
    directory: TempDir,
}

/// A store to migrate. Never migrated itself: that is done to a copy.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) directory: PathBuf,
    /// Its digest, if it is one of ours: what a sealed generation has on record of itself.
    pub(crate) digest: Option<LogicalDigest>,
}

impl Workbench {
    /// In the directory that was asked for, or below the target directory, where this executable is.
    pub(crate) fn new(request: &Request) -> Result<Self> {
        let executable = std::env::current_exe()?;
        let target = executable.parent().and_then(Path::parent);
        let parent = request.directory.as_deref().or(target);
        let parent = parent.ok_or_else(|| Failure::new("--directory is needed"))?;
        std::fs::create_dir_all(parent)?;
        Ok(Self { directory: tempfile::Builder::new().prefix("bench-").tempdir_in(parent)? })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Fills a store.
    pub(crate) fn source(&self, engine: Engine, content: &Content) -> Result<Source> {
        let Content { records, untouched_bytes, .. } = content;
        let name = format!("{}-{records}-{untouched_bytes}", engine.name());
        let directory = self.path().join(name);
        let (to, content) = (directory.clone(), *content);
        task::run::<()>(&Task::Generate { engine, directory: to, content })?;
        let digest = match engine {
            Engine::Fjall => {
                let (source, scratch) = (directory.clone(), self.path().join("measured"));
                Some(task::run(&Task::Measure { source, scratch })?)
            }
            Engine::Sqlite | Engine::Redb => None,
        };
        Ok(Source { directory, digest })
    }

    /// A new and empty directory, whatever was there.
    pub(crate) fn empty(&self, name: &str) -> Result<PathBuf> {
        let directory = self.path().join(name);
        durable::remove_tree(&directory)?;
        std::fs::create_dir(&directory)?;
        Ok(directory)
    }
}

impl Source {
    /// Gives its space back.
    pub(crate) fn remove(self) -> Result<()> {
        Ok(durable::remove_tree(&self.directory)?)
    }
}
