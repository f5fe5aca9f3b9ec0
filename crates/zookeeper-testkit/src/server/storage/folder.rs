//! The folder, which one server at a time has.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::DataError;
use super::format::Kind;

const LOCK: &str = "lock";
/// What the name of a file ends with until it is complete.
const INCOMPLETE: &str = ".incomplete";

/// A folder that is ours, until this value is dropped or the process ends in whatever way.
pub(super) struct Folder {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// The generations of the files that there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) snapshots: BTreeSet<u64>,
    pub(super) logs: BTreeSet<u64>,
}

impl Folder {
    /// Takes the folder, which is created where it is missing. Nothing is changed in one that another has, or where there
    /// is something else.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        create(path)?;
        if let Some(file) = list(path)?.foreign {
            return Err(DataError::Foreign { file });
        }
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(DataError::refused("write", &lock_path))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(Errno::WOULDBLOCK) => Err(DataError::InUse { folder: path.to_owned() }),
            Err(errno) => Err(DataError::refused("lock", &lock_path)(errno.into())),
        }
    }

    pub(super) fn files(&self) -> Result<Files, DataError> {
        Ok(list(&self.path)?.files)
    }

    pub(super) fn file(&self, kind: Kind, generation: u64) -> PathBuf {
        let name = match kind {
            Kind::Snapshot => "snapshot",
            Kind::Log => "log",
        };
        self.path.join(format!("{name}-{generation:016x}"))
    }

    /// Creates a file, which is there as a whole and on the disk, or not at all.
    pub(super) fn create(&self, kind: Kind, generation: u64, parts: &[&[u8]]) -> Result<File, DataError> {
        let path = self.file(kind, generation);
        let mut incomplete = path.clone().into_os_string();
        incomplete.push(INCOMPLETE);
        let incomplete = PathBuf::from(incomplete);
        let write = || {
            let mut file = File::create(&incomplete)?;
            parts.iter().try_for_each(|part| file.write_all(part))?;
            file.sync_all()?;
            fs::rename(&incomplete, &path)?;
            sync(&self.path)?;
            Ok(file)
        };
        write().map_err(DataError::refused("write", &path))
    }

    /// Removes what comes before this generation, and what was never completed.
    pub(super) fn remove_before(&self, generation: u64) -> Result<(), DataError> {
        let Listing { files, incomplete: mut old, .. } = list(&self.path)?;
        old.extend(files.snapshots.range(..generation).map(|old| self.file(Kind::Snapshot, *old)));
        old.extend(files.logs.range(..generation).map(|old| self.file(Kind::Log, *old)));
        old.iter().try_for_each(|file| fs::remove_file(file).map_err(DataError::refused("remove", file)))
    }
}

fn create(path: &Path) -> Result<(), DataError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(DataError::NoFolder { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path).map_err(DataError::refused("create", path))?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            sync(parent).map_err(DataError::refused("write", parent))
        }
        Err(error) => Err(DataError::refused("look at", path)(error)),
    }
}

/// What there is.
#[derive(Default)]
struct Listing {
    files: Files,
    /// Those that were never completed.
    incomplete: Vec<PathBuf>,
    /// Something else.
    foreign: Option<PathBuf>,
}

fn list(path: &Path) -> Result<Listing, DataError> {
    let Listing { mut files, mut incomplete, mut foreign } = Listing::default();
    for entry in fs::read_dir(path).map_err(DataError::refused("read", path))? {
        let file = entry.map_err(DataError::refused("read", path))?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let generation = |kind: &str| generation(name.strip_prefix(kind)?);
        if let Some(generation) = generation("snapshot-") {
            files.snapshots.insert(generation);
        } else if let Some(generation) = generation("log-") {
            files.logs.insert(generation);
        } else if is_incomplete(name) {
            incomplete.push(file);
        } else if name != LOCK {
            foreign = Some(file);
        }
    }
    Ok(Listing { files, incomplete, foreign })
}

fn is_incomplete(name: &str) -> bool {
    let complete = name.strip_suffix(INCOMPLETE);
    complete
        .and_then(|name| name.split_once('-'))
        .is_some_and(|(kind, number)| matches!(kind, "snapshot" | "log") && generation(number).is_some())
}

fn generation(digits: &str) -> Option<u64> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (digits.len() == 16 && digits.bytes().all(lower)).then(|| u64::from_str_radix(digits, 16).ok())?
}

/// Has the names in a folder be on the disk.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
