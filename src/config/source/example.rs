//! The annotated example of a settings file, made from the help of the flags.

use clap::Command;

use super::definition::{Setting, settings, with_source_flags};

const WIDTH: usize = 100;
const HEAD: &str = "\
# The settings of Rotakey, each with its default or, if it has none, with an example. Start the server with
# `rotakey serve --config FILE`. `rotakey config check --config FILE` checks the file.
#
# A flag or an environment variable takes precedence over this file. This file is made from the help of the flags:
# `rotakey config example` prints it.
";

/// An example of a settings file, with every setting in a comment.
pub fn example(command: &Command) -> String {
    let settings = settings(&with_source_flags(command.clone()));
    let is_file_of = |file: &Setting, secret: &Setting| secret.file_flag().as_ref() == Some(&file.name);
    let own = settings.iter().filter(|file| !settings.iter().any(|secret| is_file_of(file, secret)));
    let ordered = own.flat_map(|setting| {
        std::iter::once(setting).chain(settings.iter().filter(move |file| is_file_of(file, setting)))
    });
    ordered.fold(HEAD.to_owned(), |mut text, setting| {
        text.push('\n');
        for line in wrapped(&setting.help()) {
            text.push_str(&format!("# {line}\n"));
        }
        text.push_str(&format!("#{} = {}\n", setting.name, as_toml(&example_value(setting))));
        text
    })
}

/// The default, or else the example of the help.
fn example_value(setting: &Setting) -> String {
    let default = setting.flag.get_default_values().iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>();
    if !default.is_empty() {
        return default.join(",");
    }
    let help = setting.help();
    let example = help.split("such as ").nth(1).and_then(|rest| rest.split([' ', ',', ';', ')']).next());
    example.unwrap_or_default().trim_end_matches('.').to_owned()
}

/// A number or a boolean as it is, everything else in quotes.
pub(super) fn as_toml(text: &str) -> String {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    if is_number || matches!(text, "true" | "false") {
        return text.to_owned();
    }
    toml::Value::String(text.to_owned()).to_string()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
