//! Every rule of the settings at its boundary.

use super::*;
use crate::domain::token::{LeakPolicy, Permission, ReusePolicy};

const NOW: i64 = 1_767_225_600_000;

fn field_of(change: impl FnOnce(&mut SettingsDraft)) -> Option<&'static str> {
    let mut draft = SettingsDraft::new("ci");
    change(&mut draft);
    draft.validate(None, &Limits::default(), Timestamp::from_unix_millis(NOW)).err().map(|invalid| invalid.field)
}

#[test]
fn texts_are_held_to_the_rules_of_texts_and_only_a_whole_value_is_refused_in_any_setting() {
    let value = "rk_00000000000000000000000000000000000000000002gL6Az";
    let typo = value.replace("gL6Az", "gL6Ay");
    let set = |setting: &'static str, text: &str| {
        field_of(|draft| match setting {
            "name" => draft.change.name = Some(text.to_owned()),
            "owner" => draft.change.owner = Some(Some(text.to_owned())),
            "description" => draft.change.description = Some(Some(text.to_owned())),
            "scopes" => draft.change.scopes = Some(vec!["read".into(), text.to_owned()]),
            _ => draft.change.allowed_origins = Some(vec![format!("app://{text}")]),
        })
    };
    for setting in ["name", "owner", "description", "scopes", "allowedOrigins"] {
        for text in [value.to_owned(), format!("a.{value}"), format!("{value}.b"), format!("work{value}work")] {
            assert_eq!(set(setting, &text), Some(setting), "{text}");
        }
        for text in ["network_administration", "fork_configuration", "rk_", "rkpub_authentication", &typo] {
            assert_eq!(set(setting, text), None, "{setting}: {text}");
        }
    }
    for setting in ["name", "owner"] {
        for text in ["", "\u{200B}", "two\u{2028}lines", "\u{202E}a"] {
            assert_eq!(set(setting, text), Some(setting), "{text:?}");
        }
    }
    assert_eq!(set("description", "a\u{2028}b"), None);
    assert_eq!(set("description", "\u{202E}a"), Some("description"));
}

#[test]
fn an_expiry_lies_in_the_future() {
    for (offset, good) in [(-1, false), (0, false), (1, true)] {
        let expires_at = Some(Timestamp::from_unix_millis(NOW + offset));
        assert_eq!(field_of(|draft| draft.expires_at = expires_at), (!good).then_some("expiresAt"), "{offset}");
    }
}

#[test]
fn a_token_works_before_it_ends() {
    let at = |offset| Some(Timestamp::from_unix_millis(NOW + offset));
    for (offset, good) in [(-1, true), (0, true), (59_999, true), (60_000, false), (60_001, false)] {
        let not_before = (!good).then_some("notBefore");
        let expiring = field_of(|draft| (draft.not_before, draft.expires_at) = (at(offset), at(60_000)));
        assert_eq!(expiring, not_before, "{offset}");
        let due = field_of(|draft| (draft.not_before, draft.rotation_period_minutes) = (at(offset), Some(Some(1))));
        assert_eq!(due, not_before, "{offset}");
        assert_eq!(field_of(|draft| draft.not_before = at(offset)), None, "{offset}");
    }
}

#[test]
fn a_rotation_period_is_at_least_one_minute() {
    for (minutes, good) in [(i32::MIN, false), (-1, false), (0, false), (1, true), (i32::MAX, true)] {
        let field = field_of(|draft| draft.rotation_period_minutes = Some(Some(minutes)));
        assert_eq!(field, (!good).then_some("rotationPeriodMinutes"), "{minutes}");
    }
}

#[test]
fn an_overlap_is_at_most_the_period_and_ten_minutes_unless_asked() {
    for (minutes, good) in [(-1, false), (0, true), (29, true), (30, true), (31, false)] {
        let field = field_of(|draft| {
            draft.rotation_period_minutes = Some(Some(30));
            draft.overlap_minutes = Some(minutes);
        });
        assert_eq!(field, (!good).then_some("overlapMinutes"), "{minutes}");
    }
    for (period, overlap) in [(None, 10), (Some(9), 9), (Some(10), 10), (Some(11), 10)] {
        let draft = SettingsDraft { rotation_period_minutes: Some(period), ..SettingsDraft::new("ci") };
        let settings = draft.validate(None, &Limits::default(), Timestamp::from_unix_millis(NOW)).unwrap();
        assert_eq!(settings.overlap_minutes, overlap, "{period:?}");
    }
}

#[test]
fn r15_a_value_is_silent_for_no_longer_than_its_overlap_and_five_minutes_unless_asked() {
    use OverlapEnd::{OnTime, WhenSilent};
    use OverlapStart::{FirstUse, Rotation};
    let silence = |overlap: i32, starts, ends, silent_minutes| {
        let draft = SettingsDraft {
            overlap_minutes: Some(overlap),
            overlap_starts: Some(starts),
            overlap_ends: Some(ends),
            silent_minutes,
            ..SettingsDraft::new("ci")
        };
        let settings = draft.validate(None, &Limits::default(), Timestamp::from_unix_millis(NOW));
        settings.map(|settings| settings.silent_minutes).map_err(|invalid| invalid.field)
    };
    let invalid = Err("silentMinutes");
    for (overlap, starts, ends, asked, expected) in [
        (10, Rotation, OnTime, None, Ok(5)),
        (4, Rotation, OnTime, None, Ok(4)),
        (0, Rotation, OnTime, None, Ok(0)),
        (0, Rotation, OnTime, Some(0), Ok(0)),
        (0, Rotation, OnTime, Some(1), invalid),
        (30, Rotation, OnTime, Some(-1), invalid),
        (30, Rotation, OnTime, Some(30), Ok(30)),
        (30, Rotation, OnTime, Some(31), invalid),
        (0, FirstUse, OnTime, None, Ok(5)),
        (1, FirstUse, OnTime, Some(-1), invalid),
        (1, FirstUse, OnTime, Some(i32::MAX), Ok(2_147_483_647)),
        (10, Rotation, WhenSilent, None, Ok(5)),
        (1, Rotation, WhenSilent, None, Ok(1)),
        (0, Rotation, WhenSilent, None, Err("overlapEnds")),
        (30, FirstUse, WhenSilent, Some(0), invalid),
        (30, FirstUse, WhenSilent, Some(1), Ok(1)),
        (30, FirstUse, WhenSilent, Some(30), Ok(30)),
        (30, FirstUse, WhenSilent, Some(31), invalid),
    ] {
        assert_eq!(silence(overlap, starts, ends, asked), expected, "{overlap} {starts:?} {ends:?} {asked:?}");
    }
    // A token from before the setting is cut off at any time, and its clone as well, unless it is to wait for silence.
    let ungated = Settings { silent_minutes: 0, ..Settings::named("old") };
    for (overlap_ends, expected) in [(None, 0), (Some(WhenSilent), 5)] {
        let draft = SettingsDraft { overlap_ends, ..SettingsDraft::new("copy") };
        let copy = draft.validate(Some(&ungated), &Limits::default(), Timestamp::from_unix_millis(NOW)).unwrap();
        assert_eq!(copy.silent_minutes, expected, "{overlap_ends:?}");
    }
}

#[test]
fn a_public_token_holds_no_permission() {
    let permissions = vec![Permission::ApiTokenVerify];
    assert_eq!(field_of(|draft| draft.change.permissions = Some(permissions.clone())), None);
    assert_eq!(
        field_of(|draft| {
            draft.change.permissions = Some(permissions.clone());
            draft.kind = Some(TokenKind::Public);
        }),
        Some("permissions")
    );
}

#[test]
fn scopes_are_well_formed_and_at_most_100() {
    let many = |count| (0..count).map(|number| format!("s{number}")).collect::<Vec<_>>();
    assert_eq!(field_of(|draft| draft.change.scopes = Some(many(100))), None);
    assert_eq!(field_of(|draft| draft.change.scopes = Some(many(101))), Some("scopes"));
    assert_eq!(field_of(|draft| draft.change.scopes = Some(vec!["two words".into()])), Some("scopes"));
}

#[test]
fn the_limits_of_the_operator_bind_life_and_overlap() {
    let at = |minutes: i64| Some(Timestamp::from_unix_millis(NOW + minutes * 60_000));
    let limited = |limits: Limits, change: &dyn Fn(&mut SettingsDraft)| {
        let mut draft = SettingsDraft::new("ci");
        change(&mut draft);
        let validated = draft.validate(None, &limits, Timestamp::from_unix_millis(NOW));
        validated.map(|settings| settings.overlap_minutes).map_err(|invalid| invalid.field)
    };
    let lifetime = Limits { max_lifetime_minutes: Some(60), ..Limits::default() };
    for (expires_at, expected) in
        [(at(59), Ok(10)), (at(60), Ok(10)), (at(61), Err("expiresAt")), (None, Err("expiresAt"))]
    {
        assert_eq!(limited(lifetime, &|draft| draft.expires_at = expires_at), expected, "{expires_at:?}");
    }
    let required = Limits { require_expiry: true, ..Limits::default() };
    assert_eq!(limited(required, &|_| {}), Err("expiresAt"));
    assert_eq!(limited(required, &|draft| draft.expires_at = at(1)), Ok(10));
    let overlap = Limits { max_overlap_minutes: Some(5), ..Limits::default() };
    for (asked, expected) in [(None, Ok(5)), (Some(4), Ok(4)), (Some(5), Ok(5)), (Some(6), Err("overlapMinutes"))] {
        assert_eq!(limited(overlap, &|draft| draft.overlap_minutes = asked), expected, "{asked:?}");
    }
}

#[test]
fn a_protected_token_is_not_revoked_on_reuse() {
    let revoke = |draft: &mut SettingsDraft| draft.change.on_reuse = Some(ReusePolicy::Revoke);
    assert_eq!(field_of(revoke), None);
    assert_eq!(
        field_of(|draft| {
            revoke(draft);
            draft.change.protected = Some(true);
        }),
        Some("onReuse")
    );
}

#[test]
fn a_protected_token_is_not_cut_off_by_a_report_of_a_leak() {
    for (on_leak, invalid) in [(LeakPolicy::Alert, false), (LeakPolicy::Retire, true), (LeakPolicy::Revoke, true)] {
        for protected in [false, true] {
            let field = field_of(|draft| {
                draft.change.on_leak = Some(on_leak);
                draft.change.protected = Some(protected);
            });
            assert_eq!(field, (invalid && protected).then_some("onLeak"));
        }
    }
}

#[test]
fn a_clone_takes_what_the_draft_leaves_out_but_for_name_start_and_expiry() {
    let now = Timestamp::from_unix_millis(NOW);
    let original = SettingsDraft {
        change: SettingsChange {
            name: Some("original".into()),
            description: Some(Some("what".into())),
            owner: Some(Some("whose".into())),
            permissions: Some(vec![Permission::ApiTokenRead]),
            scopes: Some(vec!["read".into()]),
            allowed_cidr_blocks: Some(vec!["10.0.0.0/8".into()]),
            allowed_origins: Some(vec!["https://example.com".into()]),
            on_reuse: Some(ReusePolicy::Revoke),
            on_leak: Some(LeakPolicy::Retire),
            metadata: Some(vec![("team".into(), "payments".into())]),
            protected: Some(false),
        },
        kind: None,
        not_before: Some(now),
        expires_at: Some(now.plus_minutes(1)),
        rotation_period_minutes: Some(Some(60)),
        overlap_minutes: Some(30),
        overlap_starts: Some(OverlapStart::FirstUse),
        overlap_ends: Some(OverlapEnd::WhenSilent),
        silent_minutes: Some(25),
    };
    let original = original.validate(None, &Limits::default(), now).unwrap();
    let copy = SettingsDraft::new("copy").validate(Some(&original), &Limits::default(), now).unwrap();
    assert_eq!(copy, Settings { name: "copy".into(), not_before: None, expires_at: None, ..original.clone() });

    let change = SettingsChange {
        name: Some("other".into()),
        owner: Some(None),
        scopes: Some(vec![]),
        on_reuse: Some(ReusePolicy::Alert),
        ..SettingsChange::default()
    };
    let draft = SettingsDraft { change, rotation_period_minutes: Some(Some(20)), ..SettingsDraft::default() };
    let other = draft.validate(Some(&original), &Limits::default(), now).unwrap();
    assert_eq!((other.owner, other.scopes.is_empty()), (None, true));
    assert_eq!((other.rotation_period_minutes, other.overlap_minutes), (Some(20), 20), "never longer than the period");
    assert_eq!(other.silent_minutes, 20, "nor the silence than the overlap");
    assert_eq!((other.on_reuse, other.description), (ReusePolicy::Alert, original.description));
}

#[test]
fn a_token_without_a_name_is_refused_even_as_a_clone() {
    let base = Settings::named("original");
    let refused = SettingsDraft::default().validate(Some(&base), &Limits::default(), Timestamp::from_unix_millis(NOW));
    assert_eq!(refused.map_err(|invalid| invalid.field), Err("name"));
}
