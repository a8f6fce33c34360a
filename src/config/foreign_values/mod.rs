//! The formats of values that were issued elsewhere: a TOML file with a table for each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use crate::domain::value::foreign::{
    Algorithm, Decoding, ForeignFormat, ForeignFormats, FormatName, MAX_FORMATS, MalformedFormat, Secret,
};

use super::problems::Problems;
use super::source::read_secret;

const FLAG: &str = "--foreign-values";

/// The flag of the formats.
#[derive(Args, Clone, Debug)]
pub struct ForeignValuesFlags {
    /// A TOML file, such as /etc/rotakey/foreign-values.toml, that describes the formats of values which were issued elsewhere and
    /// imported. Without it, only values of Rotakey are accepted
    #[arg(long, env = "ROTAKEY_FOREIGN_VALUES", value_name = "FILE")]
    pub foreign_values: Option<PathBuf>,
}

/// A format, as the file describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Described {
    pattern: String,
    hash: String,
    decode: Option<String>,
    pepper_file: Option<PathBuf>,
}

impl ForeignValuesFlags {
    /// The formats, and none without a file.
    ///
    /// # Errors
    /// All that is wrong with the file. No message contains anything of a pepper.
    pub(super) fn validate(&self) -> Result<ForeignFormats, Problems> {
        let Some(path) = &self.foreign_values else { return Ok(ForeignFormats::default()) };
        let problem = |words: String| Problems(vec![format!("{FLAG}: {words}.")]);
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|cause| problem(format!("cannot read {}: {cause}", path.display())))?;
        let described: BTreeMap<String, Described> = toml::from_str(&text).map_err(|err| {
            let line =
                err.span().map_or(1, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
            problem(format!("{} line {line}: {}", path.display(), err.message()))
        })?;
        if described.len() > MAX_FORMATS {
            return Err(problem(format!("there may be at most {MAX_FORMATS} formats")));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut formats, mut problems) = (Vec::new(), Vec::new());
        for (name, described) in described {
            match format(&name, described, folder) {
                Ok(format) => formats.push(format),
                Err(cause) => problems.push(format!("{FLAG}: the format [{name}]: {cause}.")),
            }
        }
        if problems.is_empty() { Ok(ForeignFormats::new(formats)) } else { Err(Problems(problems)) }
    }
}

fn format(name: &str, described: Described, folder: &Path) -> Result<ForeignFormat, String> {
    let Described { pattern, hash, decode, pepper_file } = described;
    let name = FormatName::parse(name).ok_or("its name must have 1 to 32 lower-case letters, digits and hyphens")?;
    let algorithm = Algorithm::parse(&hash).ok_or_else(|| {
        let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        format!("hash must be one of {}", names.join(", "))
    })?;
    let decoding = decode.as_deref().map(|name| Decoding::parse(name).ok_or("decode must be hex or base64url"));
    let pepper =
        pepper_file.map(|file| read_secret(&folder.join(file)).map(Secret::new).map_err(|err| err.to_string()));
    ForeignFormat::new(name, &pattern, algorithm, decoding.transpose()?, pepper.transpose()?).map_err(|malformed| {
        match malformed {
            MalformedFormat::NoPepper => "hmac-sha256 needs pepper-file, the file of its key".to_owned(),
            other => other.to_string(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(folder: &Path, text: &str) -> Result<Vec<String>, Vec<String>> {
        let path = folder.join("formats.toml");
        std::fs::write(&path, text).unwrap();
        let formats = ForeignValuesFlags { foreign_values: Some(path) }.validate();
        formats
            .map(|formats| formats.iter().map(|format| format.name().as_str().to_owned()).collect())
            .map_err(|Problems(problems)| problems)
    }

    #[test]
    fn each_table_is_a_format_and_peppers_are_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pepper"), "hunter2\n").unwrap();
        let text = "[one]\npattern = 'x_[a-z]+'\nhash = \"sha256\"\n
            [two]\npattern = '[0-9a-f]{64}'\nhash = \"sha512\"\ndecode = \"hex\"\n
            [three]\npattern = 'y'\nhash = \"hmac-sha256\"\npepper-file = \"pepper\"\n";
        assert_eq!(formats(folder.path(), text).unwrap(), ["one", "three", "two"]);
        assert!(ForeignValuesFlags { foreign_values: None }.validate().unwrap().is_empty());
    }

    #[test]
    fn every_problem_is_reported_and_says_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pepper"), "hunter2\nhunter3").unwrap();
        let text = "[A]\npattern = 'x'\nhash = \"sha256\"\n
            [b]\npattern = '('\nhash = \"sha256\"\n
            [c]\npattern = 'x'\nhash = \"md5\"\n
            [d]\npattern = 'x'\nhash = \"sha256\"\ndecode = \"rot13\"\n
            [e]\npattern = 'x'\nhash = \"hmac-sha256\"\n
            [f]\npattern = 'x'\nhash = \"sha256\"\npepper-file = \"missing\"\n
            [g]\npattern = 'x'\nhash = \"sha256\"\npepper-file = \"pepper\"\n";
        let problems = formats(folder.path(), text).unwrap_err();
        let expected =
            ["name", "regular expression", "hash must be", "decode must be", "pepper-file", "cannot read", "line"];
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.contains(expected) && !problem.contains("hunter"), "{problem}");
        }
        let many: String = (0..17).map(|number| format!("[f{number}]\npattern = 'x'\nhash = \"sha256\"\n")).collect();
        for (text, expected) in [
            ("[a]\npattern = 'x'\nhash = \"sha256\"\nsalt = \"x\"\n", "line 4"),
            ("[a]\npattern = 'x'\n", "hash"),
            ("pattern = 'x'", "line 1"),
            (&many, "at most 16"),
        ] {
            let problems = formats(folder.path(), text).unwrap_err();
            assert!(problems[0].contains(expected), "{problems:?}");
        }
    }
}
