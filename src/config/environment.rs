//! What holds for every setting alike: what an empty variable is, and how a boolean is written.

use clap::Command;
use clap::builder::Resettable;

/// A command, and its subcommands, for which an empty environment variable counts as unset, as files of variables and
/// orchestrators write what is not set.
pub fn ignoring_empty_variables(command: Command) -> Command {
    command
        .mut_args(|argument| {
            let empty = argument.get_env().is_some_and(is_empty);
            if empty { argument.env(Resettable::Reset) } else { argument }
        })
        .mut_subcommands(ignoring_empty_variables)
}

#[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
fn is_empty(variable: &std::ffi::OsStr) -> bool {
    std::env::var_os(variable).is_some_and(|value| value.is_empty())
}

/// The ways in which people write booleans, in any case.
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
    fn booleans_are_read_as_people_write_them_and_nothing_else_is() {
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
