//! Files that are there whole, or as they were before: no reader ever sees half of one.

use std::io::{BufWriter, Result, Write};
use std::path::Path;

use anyhow::Context as _;

/// Who may read such a file, as far as the umask lets them: it is made to be shown around, or collected by somebody else.
#[cfg(unix)]
const MODE: u32 = 0o666;

/// Writes a file beside its place and then into it.
pub(super) fn write_whole(path: &Path, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = || -> Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".dmarcstat-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE));
        let mut file = builder.tempfile_in(folder)?;
        let mut out = BufWriter::new(file.as_file_mut());
        content(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}
