//! Secrets in the wrong place of a command line. The error of the parser would repeat them, and a supervisor would write it to its log.

use clap::Error;
use clap::error::{ContextKind, ContextValue};

use crate::domain::value::redact;

/// What the error repeats of the command line.
const REPEATED: [ContextKind; 3] = [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::InvalidSubcommand];

/// The error without values of tokens (R9), without URLs, which may contain the password of the database, and without an argument that looks
/// like nothing this command line knows: after `--otlp-headers=` and a blank, that is the credential.
pub(super) fn without_secrets(mut err: Error) -> Error {
    for kind in REPEATED {
        let hidden = match err.get(kind) {
            Some(ContextValue::String(text)) if text.contains("://") => "(a URL, not shown)".to_owned(),
            Some(ContextValue::String(text)) if kind != ContextKind::InvalidValue && !is_known(&err, text) => {
                "(an argument, not shown)".to_owned()
            }
            Some(ContextValue::String(text)) => redact(text).into_owned(),
            _ => continue,
        };
        let shown = err.insert(kind, ContextValue::String(hidden.clone()));
        if shown != Some(ContextValue::String(hidden)) {
            // The suggestion repeats it, too.
            err.remove(ContextKind::Suggested);
        }
    }
    err
}

/// Whether this is a flag, a name of the help such as `<FILE>`, or close to one of the commands.
fn is_known(err: &Error, argument: &str) -> bool {
    argument.starts_with(['-', '<', '['])
        || [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg].into_iter().any(|kind| err.get(kind).is_some())
}
