//! Conventions for all settings: empty environment variables, and booleans.

use std::path::{Path, PathBuf};

use clap::Command;
use clap::builder::Resettable;

/// Makes a command and its subcommands treat an empty environment variable as unset, because env files and orchestrators write unset
/// variables that way.
pub(super) fn ignoring_empty_variables(command: Command) -> Command {
    command
        .mut_args(|argument| {
            let empty = argument.get_env().is_some_and(is_empty);
            if empty { argument.env(Resettable::Reset) } else { argument }
        })
        .mut_subcommands(ignoring_empty_variables)
}

#[expect(clippy::disallowed_methods, reason = "settings are read here")]
fn is_empty(variable: &std::ffi::OsStr) -> bool {
    std::env::var_os(variable).is_some_and(|value| value.is_empty())
}

/// The credential that systemd provides to this service under this name (`LoadCredential`, `SetCredential`), if there is one.
#[expect(clippy::disallowed_methods, reason = "settings are read here")]
pub(super) fn credential(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty())?;
    let file = Path::new(&folder).join(name);
    // A file that cannot be looked at is reported when it is read.
    file.try_exists().unwrap_or(true).then_some(file)
}

/// Parses a boolean in the spellings that are commonly used, ignoring case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_parsed_in_the_common_spellings() {
        for (text, read) in [
            ("1", Some(true)),
            ("true", Some(true)),
            ("YES", Some(true)),
            ("0", Some(false)),
            ("False", Some(false)),
            ("no", Some(false)),
            ("", None),
            ("perhaps", None),
            ("2", None),
        ] {
            assert_eq!(boolean(text), read, "{text}");
        }
    }
}
