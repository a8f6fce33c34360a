use super::*;

const HASH: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_800_000_000_000 + minutes * 60_000)
}

fn formats(names: &[&str]) -> ForeignFormats {
    let format = |name: &&str| {
        let algorithm = if *name == "long" { Algorithm::Sha512 } else { Algorithm::Sha256 };
        ForeignFormat::new(FormatName::parse(name).unwrap(), "x+", algorithm, None, None).unwrap()
    };
    ForeignFormats::new(names.iter().map(format).collect())
}

fn draft() -> ImportDraft {
    ImportDraft { sha256: Some(HASH.to_owned()), settings: SettingsDraft::new("a"), ..ImportDraft::default() }
}

fn import(draft: ImportDraft, names: &[&str]) -> Result<Import, (&'static str, String)> {
    let validated = draft.identify(&formats(names)).and_then(|candidate| candidate.validate(&Limits::default(), at(0)));
    validated.map_err(|InvalidInput { field, message }| (field, message))
}

fn field_of(draft: ImportDraft, names: &[&str]) -> &'static str {
    import(draft, names).unwrap_err().0
}

#[test]
fn the_format_may_be_left_out_if_there_is_one() {
    assert_eq!(import(draft(), &["a"]).unwrap().format.as_str(), "a");
    let of = |name: &str| ImportDraft { format: Some(name.to_owned()), ..draft() };
    assert_eq!(import(of("b"), &["a", "b"]).unwrap().format.as_str(), "b");
    for (draft, names) in [(draft(), &["a", "b"][..]), (draft(), &[]), (of("c"), &["a", "b"]), (of("C!"), &["a"])] {
        assert_eq!(field_of(draft, names), "format");
    }
}

#[test]
fn the_hash_is_that_of_the_format() {
    let long = ImportDraft { format: Some("long".to_owned()), ..draft() };
    assert_eq!(field_of(long, &["a", "long"]), "sha256");
    let none = ImportDraft { sha256: None, ..draft() };
    assert_eq!(field_of(none, &["a"]), "sha256");
    let two = ImportDraft { hmac_sha256: Some(HASH.to_owned()), ..draft() };
    assert_eq!(field_of(two, &["a"]), "hmacSHA256");
}

#[test]
fn the_rotation_period_runs_from_the_creation_elsewhere() {
    let created = |minutes: i64, period: i32| {
        let settings = SettingsDraft { rotation_period_minutes: Some(Some(period)), ..SettingsDraft::new("a") };
        import(ImportDraft { created_at: Some(at(minutes)), settings, ..draft() }, &["a"])
    };
    assert_eq!(created(-9, 10).unwrap().created_at, at(-9));
    assert_eq!(created(0, 10).unwrap().created_at, at(0));
    for (minutes, period) in [(-10, 10), (-11, 10), (1, 10)] {
        assert_eq!(created(minutes, period).unwrap_err().0, "createdAt", "{minutes}");
    }
    assert_eq!(import(draft(), &["a"]).unwrap().created_at, at(0));
}

#[test]
fn a_hint_has_four_characters() {
    let hint = |text: &str| import(ImportDraft { hint: Some(text.to_owned()), ..draft() }, &["a"]);
    assert_eq!(hint("ab-1").unwrap().hint.as_str(), "ab-1");
    assert_eq!(import(draft(), &["a"]).unwrap().hint.as_str(), "");
    for bad in ["", "abc", "abcde", "    ", "ab\ncd", "abé"] {
        assert_eq!(hint(bad).unwrap_err().0, "hint", "{bad}");
    }
}

#[test]
fn a_changed_field_changes_the_fingerprint_and_the_encoding_of_the_hash_does_not() {
    let fingerprint = |draft| import(draft, &["a"]).unwrap().fingerprint;
    let same = ImportDraft { sha256: Some(HASH.to_uppercase()), format: Some("a".to_owned()), ..draft() };
    assert_eq!(fingerprint(draft()), fingerprint(same));
    let with = |change: SettingsChange| {
        let change = SettingsChange { name: Some("a".to_owned()), ..change };
        ImportDraft { settings: SettingsDraft { change, ..SettingsDraft::default() }, ..draft() }
    };
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let changed = [
        draft(),
        ImportDraft { hint: Some("abcd".to_owned()), ..draft() },
        ImportDraft { created_at: Some(at(-1)), ..draft() },
        ImportDraft { settings: SettingsDraft::new("b"), ..draft() },
        with(SettingsChange { owner: Some(Some("x".to_owned())), ..SettingsChange::default() }),
        with(SettingsChange { description: Some(Some("x".to_owned())), ..SettingsChange::default() }),
        with(SettingsChange { scopes: texts(&["ab"]), ..SettingsChange::default() }),
        with(SettingsChange { scopes: texts(&["a", "b"]), ..SettingsChange::default() }),
        with(SettingsChange { protected: Some(true), ..SettingsChange::default() }),
    ];
    let prints: Vec<_> = changed.into_iter().map(fingerprint).collect();
    for (number, one) in prints.iter().enumerate() {
        assert_eq!(prints.iter().position(|other| other == one), Some(number));
    }
}

#[test]
fn a_token_that_would_never_work_is_refused() {
    let waiting = |minutes| {
        let settings = SettingsDraft {
            rotation_period_minutes: Some(Some(60)),
            not_before: Some(at(minutes)),
            ..SettingsDraft::new("a")
        };
        import(ImportDraft { created_at: Some(at(-50)), settings, ..draft() }, &["a"])
    };
    assert!(waiting(9).is_ok());
    for minutes in [10, 11] {
        assert_eq!(waiting(minutes).unwrap_err().0, "notBefore", "{minutes}");
    }
}

#[test]
fn what_is_over_is_so_by_its_expiry_or_its_rotation_period() {
    let is_over = |created: Option<i64>, expires: Option<i64>| {
        let settings = SettingsDraft {
            rotation_period_minutes: Some(Some(10)),
            expires_at: expires.map(at),
            ..SettingsDraft::new("a")
        };
        let draft = ImportDraft { created_at: created.map(at), settings, ..draft() };
        let candidate = draft.identify(&formats(&["a"])).unwrap();
        assert!(candidate.settings_before(at(0)).is_ok());
        candidate.check_not_over(at(0)).is_err()
    };
    for (created, expires, expected) in [
        (None, None, false),
        (Some(-9), Some(1), false),
        (Some(-10), None, true),
        (None, Some(0), true),
        (Some(-5), Some(-1), true),
    ] {
        assert_eq!(is_over(created, expires), expected, "{created:?} {expires:?}");
    }
}

#[test]
fn the_same_value_is_recognised_in_other_formats_of_the_same_kind() {
    let of = |format: &str| {
        let draft = ImportDraft { format: Some(format.to_owned()), ..draft() };
        draft.identify(&formats(&["a", "b", "long"])).unwrap()
    };
    assert_eq!((of("a").others, of("b").others), (vec![of("b").hash], vec![of("a").hash]));
}
