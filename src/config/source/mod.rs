//! Where settings come from: flags, environment variables, a TOML file, files with secrets, and credentials of systemd.
//!
//! The names, types and help are those of the command line: a new flag of `serve` is a setting of the file without another line of
//! code, and a flag with `hide_env_values` is a secret and gets a `-file` flag.

mod definition;
mod example;
mod file;
mod origin;
mod resolve;
mod secret_argument;
mod secret_file;

pub use definition::with_source_flags;
pub use example::example;
pub use origin::{Origin, Sources};
pub use resolve::read;
pub(super) use secret_file::read as read_secret;
