//! Finds the value of each setting. The sources, in order of precedence: command line, environment, settings file, credentials of
//! systemd, default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use crate::config::environment::{credential, ignoring_empty_variables};

use super::definition::{CONFIG, Setting, settings, with_source_flags};
use super::file::{self, Entry};
use super::origin::{Origin, Sources, Used};
use super::secret_argument::without_secrets;
use super::secret_file;

/// Parses the arguments of the process, and takes what they leave open from the other sources.
///
/// # Errors
/// What the command line itself says: a malformed argument, or a call for help. Problems of the other sources are in [`Sources`], so that
/// they are reported together with those of the values.
pub fn read(command: Command, arguments: &[OsString]) -> Result<(ArgMatches, Sources), clap::Error> {
    let settings = settings(&with_source_flags(command.clone()));
    let command = ignoring_empty_variables(with_source_flags(command));
    let matches = command.clone().try_get_matches_from(arguments).map_err(without_secrets)?;
    let given = Given::of(&command, &matches);
    let mut found = Found::default();
    let file = given.path(CONFIG);
    let entries = file.as_deref().map(|file| found.read_file(file, &settings)).unwrap_or_default();
    let secrets = settings.iter().filter(|setting| setting.is_secret());
    let file_flags: Vec<String> = secrets.filter_map(Setting::file_flag).collect();
    for setting in settings.iter().filter(|setting| given.has(setting)) {
        let is_file_flag = file_flags.contains(&setting.name);
        match setting.file_flag() {
            Some(file_flag) => found.find_secret(setting, &file_flag, &given, &entries),
            None if !is_file_flag => found.find(setting, &given, &entries),
            None => {}
        }
    }
    let matches =
        with_values(command.clone(), &found.values).try_get_matches_from(arguments).map_err(without_secrets)?;
    let used = used(&settings, &file_flags, &Given::of(&command, &matches), &mut found.origins);
    Ok((matches, Sources { file, used, problems: found.problems }))
}

/// What the command line and the environment say, to the command that they name.
struct Given<'a> {
    command: &'a Command,
    matches: &'a ArgMatches,
}

impl<'a> Given<'a> {
    fn of(mut command: &'a Command, mut matches: &'a ArgMatches) -> Self {
        while let Some((name, inner)) = matches.subcommand() {
            matches = inner;
            command = command.find_subcommand(name).unwrap_or(command);
        }
        Self { command, matches }
    }

    /// Whether the command has this setting.
    fn has(&self, setting: &Setting) -> bool {
        self.has_id(setting.flag.get_id().as_str())
    }

    // The matches panic when they are asked for a flag that the command does not have.
    fn has_id(&self, id: &str) -> bool {
        self.command.get_arguments().any(|flag| flag.get_id() == id)
    }

    fn source(&self, id: &str) -> Option<ValueSource> {
        self.has_id(id).then(|| self.matches.value_source(id)).flatten()
    }

    /// The environment variable of a flag.
    fn variable(&self, id: &str) -> Option<Origin> {
        let flag = self.command.get_arguments().find(|flag| flag.get_id() == id)?;
        Some(Origin::Variable(flag.get_env()?.to_string_lossy().into_owned()))
    }

    fn path(&self, id: &str) -> Option<PathBuf> {
        self.has_id(id).then(|| self.matches.get_one::<PathBuf>(id)).flatten().cloned()
    }

    fn texts(&self, id: &str) -> Vec<String> {
        let raw = self.has_id(id).then(|| self.matches.get_raw(id)).flatten();
        raw.map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect()).unwrap_or_default()
    }
}

/// What the sources behind the command line and the environment add to it.
#[derive(Default)]
struct Found {
    /// By name of the setting.
    values: BTreeMap<String, Vec<String>>,
    origins: BTreeMap<String, Origin>,
    problems: Vec<String>,
}

impl Found {
    fn read_file(&mut self, path: &Path, settings: &[Setting]) -> Vec<(Entry, Origin)> {
        let text = match file::text_of(path) {
            Ok(text) => text,
            Err(problem) => {
                self.problems.push(problem);
                return Vec::new();
            }
        };
        let file::Contents { entries, problems } = file::parse(&text, settings);
        let origin = |line| Origin::Line(path.to_owned(), line);
        self.problems.extend(problems.into_iter().map(|(line, problem)| format!("{}: {problem}", origin(line))));
        entries.into_iter().map(|entry| (origin(entry.line), entry)).map(|(origin, entry)| (entry, origin)).collect()
    }

    fn find(&mut self, setting: &Setting, given: &Given<'_>, entries: &[(Entry, Origin)]) {
        let origin = match given.source(setting.flag.get_id().as_str()) {
            Some(ValueSource::CommandLine) => Origin::CommandLine,
            Some(ValueSource::EnvVariable) => given.variable(setting.flag.get_id().as_str()).unwrap_or(Origin::Default),
            _ => match entries.iter().find(|(entry, _)| entry.name == setting.name) {
                Some((entry, origin)) => {
                    self.values.insert(setting.name.clone(), entry.values.clone());
                    origin.clone()
                }
                None => return,
            },
        };
        self.origins.insert(setting.name.clone(), origin);
    }

    /// As [`Self::find`], for a setting that a file of its own may contain.
    fn find_secret(&mut self, setting: &Setting, file_flag: &str, given: &Given<'_>, entries: &[(Entry, Origin)]) {
        let line_of = |name: &str| entries.iter().find(|(entry, _)| entry.name == name);
        for source in [ValueSource::CommandLine, ValueSource::EnvVariable] {
            let is_given = given.source(setting.flag.get_id().as_str()) == Some(source);
            let file = given.path(file_flag).filter(|_| given.source(file_flag) == Some(source));
            let place = (source == ValueSource::EnvVariable).then(|| given.variable(file_flag)).flatten();
            match (is_given, file) {
                (false, None) => continue,
                (true, Some(_)) => self.both(setting, file_flag, place),
                (false, Some(file)) => self.read_secret(setting, file_flag, &file, place),
                (true, None) => self.find(setting, given, entries),
            }
            return;
        }
        match (line_of(&setting.name), line_of(file_flag)) {
            (Some((_, place)), Some(_)) => self.both(setting, file_flag, Some(place.clone())),
            (Some(_), None) => self.find(setting, given, entries),
            (None, Some((entry, place))) => {
                let file = entry.values.first().map(PathBuf::from).unwrap_or_default();
                self.read_secret(setting, file_flag, &file, Some(place.clone()));
            }
            (None, None) => {
                if let Some(file) = credential(&setting.name) {
                    self.read_secret(setting, file_flag, &file, None);
                }
            }
        }
    }

    fn both(&mut self, setting: &Setting, file_flag: &str, place: Option<Origin>) {
        let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
        self.problems.push(format!("{place}give either {} or --{file_flag}, not both.", setting.as_flag()));
    }

    fn read_secret(&mut self, setting: &Setting, file_flag: &str, file: &Path, place: Option<Origin>) {
        match secret_file::read(file) {
            Ok(secret) => {
                self.values.insert(setting.name.clone(), vec![secret]);
                self.origins.insert(setting.name.clone(), Origin::SecretFile(file.to_owned()));
            }
            Err(unreadable) => {
                let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
                self.problems.push(format!("{place}--{file_flag}: {unreadable}."));
            }
        }
    }
}

/// The command with the values as its defaults, which is below what the command line and the environment say.
fn with_values(command: Command, values: &BTreeMap<String, Vec<String>>) -> Command {
    let command = command.mut_args(|flag| match flag.get_long().and_then(|name| values.get(name)) {
        // What was found in a file of its own may be of higher precedence than the variable.
        Some(values) => flag.env(Resettable::Reset).default_values(values.clone()),
        None => flag,
    });
    command.mut_subcommands(|command| with_values(command, values))
}

fn used(
    settings: &[Setting],
    file_flags: &[String],
    given: &Given<'_>,
    origins: &mut BTreeMap<String, Origin>,
) -> Vec<Used> {
    let own = settings.iter().filter(|setting| given.has(setting) && !file_flags.contains(&setting.name));
    let used = own.map(|setting| {
        let texts = given.texts(setting.flag.get_id().as_str());
        let value = match texts.as_slice() {
            [] => None,
            _ if setting.is_secret() => Some("\"(secret)\"".to_owned()),
            texts => Some(super::example::as_toml(&texts.join(","))),
        };
        Used { name: setting.name.clone(), value, origin: origins.remove(&setting.name).unwrap_or(Origin::Default) }
    });
    used.collect()
}
