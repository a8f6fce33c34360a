//! Checks before a SQLite file is opened for writing.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::AccessFlags;
use sea_orm::{Database, DbErr};

use crate::store::connect::options::{IfMissing, pool_options};
use crate::store::connect::schema::Schema;
use crate::store::connect::unusable;
use crate::store::file::database_file::{RESTORING, beside};
use crate::store::file::write_ahead_log::BUSY_TIMEOUT;

/// Checks the folder and permissions of the file, because SQLite's own messages say little about them.
pub(super) fn may_be_used(path: &Path, if_missing: IfMissing) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let allow = "Let the user that runs Rotakey";
    let missing = |what: String| match if_missing {
        IfMissing::Make => format!("{what} Create the folder, or name another file with --database-url."),
        IfMissing::Refuse => format!("{what} Name the file of your server with --database-url."),
    };
    let may = |path: &Path, mode| nix::unistd::access(path, mode);
    match may(path, AccessFlags::F_OK) {
        Ok(()) if path.is_dir() => {
            return Err("it is a folder. Name a file, which may be in it, with --database-url.".to_owned());
        }
        Ok(()) => {}
        Err(Errno::ENOENT | Errno::ENOTDIR) if !folder.is_dir() => {
            return Err(missing(format!("its folder {} does not exist.", folder.display())));
        }
        Err(Errno::ENOENT) if if_missing == IfMissing::Refuse => {
            return Err(
                "there is no such file. Name the file of your server with --database-url, or start the server once, \
                        which creates it: rotakey serve"
                    .to_owned(),
            );
        }
        Err(Errno::ENOENT) if beside(path, RESTORING).exists() => {
            return Err(format!(
                "there is no such file, but {0}{RESTORING}: a restore is running or was interrupted. Run it again. The database that it \
                replaced is beside it, under a name that begins with {0}-replaced-.",
                path.display()
            ));
        }
        Err(Errno::ENOENT) => return Ok(()),
        Err(err) => return Err(format!("it cannot be accessed ({err}). {allow} enter its folder.")),
    }
    may(path, AccessFlags::R_OK | AccessFlags::W_OK)
        .map_err(|err| format!("it is not writable ({err}). {allow} read and write it."))?;
    may(folder, AccessFlags::W_OK | AccessFlags::X_OK).map_err(|err| {
        format!("its folder {} is not writable ({err}). {allow} create files beside it.", folder.display())
    })
}

/// Returns why the file must not be used, if it must not, before it is switched to the write-ahead log. So another program's file
/// is left as it is.
pub(super) async fn look_before_writing(
    url: &str,
    path: &Path,
    if_missing: IfMissing,
) -> Result<Option<String>, DbErr> {
    let missing = (if_missing == IfMissing::Refuse).then(|| unusable::MISSING.to_owned());
    if !std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(missing);
    }
    let mut options = pool_options(url, 1);
    options.map_sqlx_sqlite_opts(|options| options.busy_timeout(BUSY_TIMEOUT));
    let connection = Database::connect(options).await?;
    let schema = Schema::find(&connection).await;
    connection.close().await?;
    Ok(match schema? {
        Schema::Missing => missing,
        schema => unusable::of_schema(&schema),
    })
}

/// Creates the file if it is missing. SQLite gives the files beside it the same mode.
pub(super) fn create_private(path: &Path) -> Result<(), String> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(err) => Err(format!(
            "it cannot be created ({err}). Let the user that runs Rotakey write its folder, or name another file."
        )),
    }
}
