//! Files that are written beside their final place under a name for the time being, and get their own when they are complete.

use std::io::Result;
use std::path::Path;

use tempfile::NamedTempFile;

/// An empty file in a folder, whose name begins with `prefix`. It is made to be shown around, or collected by somebody else, so its
/// permissions follow the umask alone, as those of any file that a program writes for others.
///
/// # Errors
/// Those of making a file.
pub(crate) fn unfinished(folder: &Path, prefix: &str) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
