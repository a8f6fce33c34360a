use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::value_parser;
use proptest::prelude::*;

use crate::config::source::definition::settings;

use super::*;

const SECRET: &str = "postgres://rotakey:hunter2@db/rotakey";

fn made_up() -> Vec<Setting> {
    let number = Arg::new("depth").long("max-depth").value_parser(value_parser!(u32).range(1..));
    let shape = Arg::new("shape").long("shape").value_parser(PossibleValuesParser::new(["flat", "round"]));
    let path = Arg::new("path").long("path").value_parser(value_parser!(PathBuf)).requires("depth");
    let list = Arg::new("peer").long("peer").action(ArgAction::Append);
    let is_on = Arg::new("on").long("on").action(ArgAction::SetTrue);
    let secret = Arg::new("url").long("url").hide_env_values(true);
    settings(&Command::new("made-up").args([number, shape, path, list, is_on, secret]))
}

fn values(text: &str) -> Vec<Vec<String>> {
    let contents = parse(text, &made_up());
    assert_eq!(contents.problems, [], "{text}");
    contents.entries.into_iter().map(|entry| entry.values).collect()
}

fn problem(text: &str) -> String {
    let Contents { problems, .. } = parse(text, &made_up());
    assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    problems[0].1.clone()
}

#[test]
fn every_kind_of_flag_is_a_setting() {
    for (text, expected) in [
        ("max-depth = 5", &["5"][..]),
        ("max-depth = \"5\"", &["5"]),
        ("max-depth = 0x10", &["16"]),
        ("max-depth = 1_000", &["1000"]),
        ("shape = 'flat'", &["flat"]),
        ("path = '/a b'", &["/a b"]),
        ("on = true", &["true"]),
        ("on = false", &["false"]),
        ("peer = ['a', 'b']", &["a", "b"]),
        ("peer = 'a'", &["a"]),
        ("url = ['a', 1]", &["a,1"]),
    ] {
        assert_eq!(values(text), [expected], "{text}");
    }
    assert_eq!(values("\u{feff}# nothing\r\n\r\n"), Vec::<Vec<String>>::new());
}

#[test]
fn every_problem_says_what_is_wrong() {
    let fraction = r#""max-depth" must be a string, a whole number or a boolean, or a list of them, but there is a number with a fraction"#;
    let section = r#"unknown section "graphql"; the file has no sections, only the names of the flags"#;
    for (text, expected) in [
        ("max-dept = 5", r#"unknown setting "max-dept"; did you mean "max-depth"?"#),
        ("max_depth = 5", r#"unknown setting "max_depth"; did you mean "max-depth"?"#),
        ("--max-depth = 5", r#"unknown setting "--max-depth"; did you mean "max-depth"?"#),
        ("ROTAKEY_MAX_DEPTH = 5", r#"unknown setting "ROTAKEY_MAX_DEPTH"; did you mean "max-depth"?"#),
        ("weather = 5", r#"unknown setting "weather""#),
        ("'http://x' = 5", "unknown setting"),
        ("[graphql]\nmax-depth = 5", section),
        ("max-depth = 'deep'", "invalid value for '--max-depth': invalid digit found in string"),
        ("max-depth = 0", "invalid value for '--max-depth': 0 is not in 1..=4294967295"),
        ("max-depth = -1", "invalid value for '--max-depth': -1 is not in 1..=4294967295"),
        ("shape = 'oval'", "invalid value for '--shape'"),
        ("on = 'perhaps'", "invalid value for '--on'"),
        ("max-depth = 1.5", fraction),
        ("max-depth = 5\nmax-depth = 6", r#""max-depth" is set more than once"#),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
}

#[test]
fn all_problems_are_found_with_their_lines() {
    let text = "lisen = 1\n\nmax-depth = deep\n# fine\nshape = 'flat'\non = [[1]]\nshape = 'flat'\n";
    let Contents { problems, .. } = parse(text, &made_up());
    assert_eq!(problems.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 6, 7], "{problems:?}");
}

/// Pieces of a file, which make valid and invalid ones in any order. The secret is only ever a value.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "max-depth",
        "url",
        "weather",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        " = ",
        ".",
        ",",
        "\n",
        "\r\n",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "#",
        "\\",
        "\\u12",
        "1",
        "-",
        "1.5",
        "true",
        "1979-05-27",
        "\0",
        "\u{feff}",
        "ä",
    ];
    prop_oneof![
        3 => proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned),
        1 => Just(format!("\"{SECRET}\"")),
        1 => Just(SECRET.to_owned()),
        1 => Just(format!("url = '{SECRET}'\n")),
        1 => ".{0,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics_or_repeats_a_secret(pieces in proptest::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        let Contents { problems, .. } = parse(&text, &made_up());
        prop_assert!(!problems.iter().any(|(_, problem)| problem.contains("hunter2")), "{problems:?}");
        let lines = 1 + text.matches('\n').count();
        prop_assert!(problems.iter().all(|(line, _)| (1..=lines).contains(line)));
    }
}
