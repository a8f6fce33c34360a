//! Where the value of each setting was found, so that a problem says where to mend it.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use crate::config::problems::Problems;

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    CommandLine,
    /// In an environment variable.
    Variable(String),
    /// In this line of the settings file.
    Line(PathBuf, usize),
    /// In a file of its own.
    SecretFile(PathBuf),
    /// Nowhere: it is the default.
    Default,
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Variable(name) => f.write_str(name),
            Self::Line(path, line) => write!(f, "{}, line {line}", path.display()),
            Self::SecretFile(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting as it is used, without the value of a secret.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) name: String,
    /// As TOML. None if the setting has no value.
    pub(super) value: Option<String>,
    pub(super) origin: Origin,
}

/// Where all settings of a command were found, and what was wrong with the sources.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub(super) file: Option<PathBuf>,
    pub(super) used: Vec<Used>,
    pub(super) problems: Vec<String>,
}

impl Sources {
    /// The settings file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Adds the problems of the sources to those of the values, and says of each value with a problem where it was found.
    ///
    /// # Errors
    /// All problems.
    pub fn check<T>(&self, validated: Result<T, Problems>) -> Result<T, Problems> {
        let mut problems = self.problems.clone();
        match validated {
            Ok(settings) if problems.is_empty() => return Ok(settings),
            Ok(_) => {}
            Err(Problems(more)) => problems.extend(more.into_iter().map(|problem| self.located(problem))),
        }
        Err(Problems(problems))
    }

    /// The settings as they are used, as TOML with the origin of each. Secrets are left out.
    pub fn to_toml(&self) -> String {
        let origins = self.origins_by_name();
        let line = |used: &Used| match &used.value {
            Some(value) => {
                format!("{} = {value} # {}\n", used.name, origins.get(&used.name).unwrap_or(&Origin::Default))
            }
            None => format!("# {} is not set\n", used.name),
        };
        self.used.iter().map(line).collect()
    }

    fn origins_by_name(&self) -> BTreeMap<String, Origin> {
        self.used.iter().map(|used| (used.name.clone(), used.origin.clone())).collect()
    }

    /// The problem after the places where the flags that it names were set.
    fn located(&self, problem: String) -> String {
        let origins = self.origins_by_name();
        let is_in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let mut places: Vec<String> = Vec::new();
        for word in problem.split(|letter: char| !is_in_name(letter)) {
            let origin = word.strip_prefix("--").and_then(|name| origins.get(name));
            if let Some(origin) = origin.filter(|origin| !matches!(origin, Origin::CommandLine | Origin::Default)) {
                let place = origin.to_string();
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        if places.is_empty() { problem } else { format!("{}: {problem}", places.join("; ")) }
    }
}
