//! The settings, as the command line defines them.

use std::path::PathBuf;

use clap::{Arg, Command, value_parser};

/// The name of the flag for the settings file.
pub(super) const CONFIG: &str = "config";

/// One setting: a flag of `serve`.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The flag, without `--`.
    pub(super) name: String,
    /// Its definition.
    pub(super) flag: Arg,
}

impl Setting {
    /// Whether the value may be a secret, which no message and no output may contain.
    pub(super) fn is_secret(&self) -> bool {
        self.flag.is_hide_env_values_set()
    }

    /// The flag that names a file with the value, if this is a secret.
    pub(super) fn file_flag(&self) -> Option<String> {
        self.is_secret().then(|| format!("{}-file", self.name))
    }

    /// The flag as it is written on the command line.
    pub(super) fn as_flag(&self) -> String {
        format!("--{}", self.name)
    }

    /// The help as one line.
    pub(super) fn help(&self) -> String {
        let help = self.flag.get_help().map(ToString::to_string).unwrap_or_default();
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The settings of this command line: the flags of the command that needs no name, which is `serve`.
pub(super) fn settings(root: &Command) -> Vec<Setting> {
    let flags = root.get_arguments().filter(|flag| flag.get_id() != CONFIG);
    flags.filter_map(|flag| Some(Setting { name: flag.get_long()?.to_owned(), flag: flag.clone() })).collect()
}

/// Adds to each command that has a setting `--config`, and to each secret its `-file` flag.
pub fn with_source_flags(root: Command) -> Command {
    let settings = settings(&root);
    add_to(root, &settings)
}

fn add_to(command: Command, settings: &[Setting]) -> Command {
    let has = |setting: &&Setting| command.get_arguments().any(|flag| flag.get_id() == setting.flag.get_id());
    let own: Vec<&Setting> = settings.iter().filter(has).collect();
    let files = own.iter().filter_map(|setting| file_flag(setting)).collect::<Vec<_>>();
    let config = (!own.is_empty()).then(config_flag);
    command.args(files).args(config).mut_subcommands(|command| add_to(command, settings))
}

fn config_flag() -> Arg {
    Arg::new(CONFIG)
        .long(CONFIG)
        .env("ROTAKEY_CONFIG")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("A TOML file of settings, under the names of the flags. Flags and environment variables take precedence")
}

fn file_flag(setting: &Setting) -> Option<Arg> {
    let name = setting.file_flag()?;
    let help = format!(
        "A file that contains {} and nothing else, such as /run/secrets/{}. By default, the credential of systemd with the name {}, \
         if there is one",
        setting.as_flag(),
        setting.name,
        setting.name
    );
    let variable = setting.flag.get_env().map(|variable| format!("{}_FILE", variable.to_string_lossy()));
    let flag = Arg::new(name.clone()).long(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help);
    Some(match variable {
        Some(variable) => flag.env(variable),
        None => flag,
    })
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};

    use super::*;

    #[test]
    fn a_setting_that_is_a_url_is_a_secret_because_it_may_contain_a_password() {
        let settings = settings(&crate::config::ServeFlags::augment_args(Command::new("serve")));
        assert!(settings.len() > 25, "{settings:?}");
        let is_url = |setting: &&Setting| {
            let defaults = setting.flag.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
            setting.help().contains("://") || defaults.into_iter().any(|value| value.contains("://"))
        };
        let urls: Vec<&Setting> = settings.iter().filter(is_url).collect();
        let names: Vec<&str> = urls.iter().map(|setting| setting.name.as_str()).collect();
        assert!(names.contains(&"database-url") && names.contains(&"otlp-endpoint"), "{names:?}");
        let shown: Vec<&Setting> = urls.into_iter().filter(|setting| !setting.is_secret()).collect();
        assert!(shown.is_empty(), "these need hide_env_values: {shown:?}");
    }
}
