//! What can be wrong with the folder that a server keeps its data in.

use std::io;
use std::path::{Path, PathBuf};

/// Why a server cannot keep its data in a folder. Where it happens at the start, nothing there was changed; where it
/// happens later, the server has ended, and what it had answered until then is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Another server keeps its data there.
    #[error("{} is in use by another server", .folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// It is not a folder.
    #[error("{} is not a folder", .path.display())]
    NoFolder {
        /// What it is instead.
        path: PathBuf,
    },
    /// There is something else in the folder. It might be of use to somebody: it is left alone, and so is the folder.
    #[error("{} is none of this server's files: it needs a folder of its own", .file.display())]
    Foreign {
        /// What else there is.
        file: PathBuf,
    },
    /// A file is damaged, and not only at the end of the log, where the crash of a machine may leave a change half
    /// written.
    #[error("{} is damaged at offset {offset}: {what}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where, in bytes from its start.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A file is missing without which there would be a gap.
    #[error("{} is missing", .file.display())]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// Files were written by another version of this library, which this one does not understand.
    #[error("{} has format {found}, and this version reads format {expected} only", .file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// The format that it has.
        found: u32,
        /// The format that this version writes.
        expected: u32,
    },
    /// The system refused something. If it was a write, nothing after it was answered.
    #[error("cannot {what} {}: {source}", .path.display())]
    Refused {
        /// What: `write`, say.
        what: &'static str,
        /// The file or the folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DataError {
    /// For `map_err`, when the system refuses to do this with that.
    pub(super) fn refused(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Refused { what, path, source }
    }

    pub(super) fn damaged(file: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), offset, what: what.into() }
    }
}

impl From<DataError> for io::Error {
    fn from(error: DataError) -> Self {
        let kind = match &error {
            DataError::InUse { .. } => io::ErrorKind::ResourceBusy,
            DataError::NoFolder { .. } => io::ErrorKind::NotADirectory,
            DataError::Foreign { .. } => io::ErrorKind::DirectoryNotEmpty,
            DataError::Missing { .. } => io::ErrorKind::NotFound,
            DataError::Damaged { .. } | DataError::Format { .. } => io::ErrorKind::InvalidData,
            DataError::Refused { source, .. } => source.kind(),
        };
        Self::new(kind, error)
    }
}
