//! The settings file: TOML without sections, with the names of the flags.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use toml::de::{DeInteger, DeTable, DeValue};

use crate::domain::text::{nearest, quote};

use super::definition::Setting;

/// The annotated example has less than a hundredth of this.
const MAX_BYTES: u64 = 1024 * 1024;

/// One setting of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The flag, without `--`.
    pub(super) name: String,
    /// The line of the file, starting at 1.
    pub(super) line: usize,
    /// What would be written after the flag. More than one text only if the flag may be repeated.
    pub(super) values: Vec<String>,
}

/// What a file contains.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    /// Each with its line. No message contains a value.
    pub(super) problems: Vec<(usize, String)>,
}

/// The text of the file.
///
/// # Errors
/// Why it cannot be used.
pub(super) fn text_of(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    file.map_err(|cause| format!("cannot read the settings file {}: {cause}", path.display()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("the settings file {} is longer than 1 MiB", path.display()));
    }
    String::from_utf8(bytes).map_err(|err| {
        let (before, _) = err.as_bytes().split_at(err.utf8_error().valid_up_to());
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!("{}, line {line}: the settings file must be UTF-8", path.display())
    })
}

/// Reads all settings of a file, and all its problems.
pub(super) fn parse(text: &str, settings: &[Setting]) -> Contents {
    let line_of = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut contents = Contents::default();
    // The parser goes on after an error with what it makes of the rest of the line, which is not what was meant.
    let mut unread = BTreeSet::new();
    for err in errors {
        let span = err.span().unwrap_or(0..0);
        let line = line_of(span.start);
        unread.insert(line);
        // The error's own text would repeat the line, which may contain a secret.
        let known = text.get(span).and_then(|name| settings.iter().find(|setting| setting.name == name));
        let problem = match known {
            Some(setting) if err.message() == "duplicate key" => format!("{:?} is set more than once", setting.name),
            _ => format!("not valid TOML: {}", err.message()),
        };
        if !contents.problems.contains(&(line, problem.clone())) {
            contents.problems.push((line, problem));
        }
    }
    for (key, value) in table.into_inner() {
        let line = line_of(key.span().start);
        if unread.contains(&line) {
            continue;
        }
        let name = key.into_inner();
        let entry = match settings.iter().find(|setting| setting.name == name) {
            Some(setting) => entry(setting, line, value.get_ref()),
            None => Err(unknown(&name, value.get_ref(), settings)),
        };
        match entry {
            Ok(entry) => contents.entries.push(entry),
            Err(problem) => contents.problems.push((line, problem)),
        }
    }
    contents.problems.sort();
    contents.entries.sort_by_key(|entry| entry.line);
    contents
}

fn unknown(name: &str, value: &DeValue<'_>, settings: &[Setting]) -> String {
    // Anything else may be a value that stands where a name was expected.
    let is_name =
        name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let quoted = if is_name { format!(" {}", quote(name)) } else { String::new() };
    if value.is_table() {
        return format!("unknown section{quoted}; the file has no sections, only the names of the flags");
    }
    // People also write the name of the flag with its dashes, or that of the environment variable.
    let wanted = name.to_ascii_lowercase().replace('_', "-");
    let wanted = wanted.trim_start_matches("--");
    let wanted = wanted.strip_prefix("rotakey-").unwrap_or(wanted);
    let suggestion = nearest(wanted, settings.iter().map(|setting| setting.name.as_str()));
    let suggestion = suggestion.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
    format!("unknown setting{quoted}{suggestion}")
}

fn entry(setting: &Setting, line: usize, value: &DeValue<'_>) -> Result<Entry, String> {
    let texts = match value {
        DeValue::Array(items) => items.iter().map(|item| scalar(item.get_ref())).collect::<Result<Vec<_>, _>>(),
        _ => scalar(value).map(|text| vec![text]),
    };
    let texts = texts.map_err(|found| {
        format!(
            "{:?} must be a string, a whole number or a boolean, or a list of them, but there is {found}",
            setting.name
        )
    })?;
    let may_repeat = matches!(setting.flag.get_action(), ArgAction::Append);
    let values = if may_repeat { texts } else { vec![texts.join(",")] };
    match refusal(&setting.flag, &values) {
        None => Ok(Entry { name: setting.name.clone(), line, values }),
        Some(_) if setting.is_secret() => Err(format!("invalid value for '{}'", setting.as_flag())),
        Some(why) => Err(format!("invalid value for '{}'{why}", setting.as_flag())),
    }
}

/// The value as it would be written after a flag, or what it is instead.
fn scalar(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(integer) => Ok(decimal(integer)),
        DeValue::Boolean(is) => Ok(is.to_string()),
        DeValue::Float(_) => Err("a number with a fraction"),
        DeValue::Datetime(_) => Err("a date or time; put it in quotes"),
        DeValue::Array(_) => Err("a list in a list"),
        DeValue::Table(_) => Err("a table"),
    }
}

fn decimal(integer: &DeInteger<'_>) -> String {
    let number = i128::from_str_radix(integer.as_str(), integer.radix());
    number.map_or_else(|_| integer.to_string(), |number| number.to_string())
}

/// Why the flag itself refuses these values, in its own words.
fn refusal(flag: &Arg, values: &[String]) -> Option<String> {
    // Only what parses the value: the flag may refer to others, which this command does not have.
    let action = flag.get_action().clone();
    let mut probe = Arg::new(flag.get_id().clone()).long("probe").default_values(values.to_owned());
    // A flag without a value, such as `--force`, has the parser of its action.
    if action.takes_values() {
        probe = probe.value_parser(flag.get_value_parser().clone());
    }
    let probe = probe.action(action);
    let err = Command::new("probe").arg(probe).try_get_matches_from(["probe"]).err()?;
    // The error's own text would repeat the value. Its source is only what the parser says about it.
    let source = std::error::Error::source(&err).map(|source| format!(": {source}"));
    Some(source.unwrap_or_default())
}

#[cfg(test)]
mod tests;
