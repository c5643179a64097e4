//! Folders that files are written into, and why one cannot be, in words that say what to do.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// Makes a folder, and those above it that are missing.
///
/// # Errors
/// Those of making a folder, [explained](explained).
pub(crate) fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| explained(error, folder))
}

/// The error of making or writing into a folder, with what is wrong with the folder where that is what is wrong.
pub(crate) fn explained(error: Error, folder: &Path) -> Error {
    let in_the_way = folder.ancestors().find(|path| path.exists()).filter(|path| path.is_file());
    let why = match in_the_way {
        Some(file) => format!("{} is a file, not a folder", file.display()),
        None if error.kind() == ErrorKind::NotFound => {
            format!("there is no folder {}; make it, or name another", folder.display())
        }
        None => return error,
    };
    Error::new(error.kind(), why)
}

/// The error of a folder where a file was meant.
pub(crate) fn not_a_file() -> Error {
    Error::new(ErrorKind::IsADirectory, "it is a folder; name a file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        for path in [file.clone(), file.join("below")] {
            let said = make(&path).unwrap_err().to_string();
            assert_eq!(said, format!("{} is a file, not a folder", file.display()));
        }
        let missing = folder.path().join("missing");
        let error = std::fs::write(missing.join("file"), "x").unwrap_err();
        assert!(explained(error, &missing).to_string().starts_with("there is no folder "));
        make(&missing.join("below")).unwrap();
        let other = explained(Error::other("a reason"), &missing);
        assert_eq!(other.to_string(), "a reason");
    }
}
