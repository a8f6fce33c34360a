//! Who may issue, change and cut off what, with every bound at its edge.

use super::*;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, LeakPolicy, Limits, SettingsDraft, ValueFacts};
use crate::domain::value::{Hint, ValueHash};

const NOW: i64 = 1_767_225_600_000;
const EXPIRY: i64 = NOW + 60_000;

fn settings(change: impl FnOnce(&mut SettingsDraft)) -> Settings {
    let mut draft = SettingsDraft::new("t");
    change(&mut draft);
    draft.validate(None, &Limits::default(), Timestamp::from_unix_millis(NOW)).unwrap()
}

fn token(id: u8, settings: Settings) -> Token {
    let now = Timestamp::from_unix_millis(NOW);
    let current = ValueFacts {
        generation: 1,
        hash: ValueHash([id; 32]),
        hint: Hint::parse("0000").unwrap(),
        format: None,
        created_at: now,
        created_by: Actor::System,
        first_used_at: None,
        last_used_at: None,
        replaced_at: None,
        retires_at: None,
        overlap_minutes: 0,
        brown_out: false,
        salt: None,
    };
    let id = TokenId::new(now, [id; 10]);
    Token {
        id,
        settings,
        created_at: now,
        created_by: Actor::System,
        updated: None,
        last_used_at: None,
        revoked_at: None,
        suspended_at: None,
        current,
        previous: None,
    }
}

/// One that may modify tokens, expires, and is bound to a network and to origins.
fn bounded() -> Token {
    token(
        1,
        settings(|draft| {
            draft.change.permissions = Some(vec![Permission::ApiTokenModify, Permission::ApiTokenRead]);
            draft.change.scopes = Some(vec!["read".into()]);
            draft.expires_at = Some(Timestamp::from_unix_millis(EXPIRY));
            draft.change.allowed_cidr_blocks =
                Some(vec!["10.0.0.0/9".into(), "10.128.0.0/9".into(), "2001:db8::/32".into()]);
            draft.change.allowed_origins = Some(vec!["https://*.example.com".into(), "https://one.example".into()]);
            draft.change.on_reuse = Some(ReusePolicy::Revoke);
            draft.change.on_leak = Some(LeakPolicy::Retire);
        }),
    )
}

/// A token with a permission that lies within all bounds of [`bounded`], or does once `change` is undone.
fn within(change: impl FnOnce(&mut SettingsDraft)) -> Settings {
    settings(|draft| {
        draft.change.permissions = Some(vec![Permission::ApiTokenRead]);
        draft.expires_at = Some(Timestamp::from_unix_millis(EXPIRY));
        draft.change.allowed_cidr_blocks = Some(vec!["10.0.0.0/8".into()]);
        draft.change.allowed_origins = Some(vec!["https://a.example.com".into()]);
        change(draft);
    })
}

#[test]
fn a_permission_is_handed_on_within_the_bounds_of_its_holder() {
    let caller = bounded();
    let authority = Authority::of(&caller);
    let expires = |millis: Option<i64>| within(|draft| draft.expires_at = millis.map(Timestamp::from_unix_millis));
    let networks = |blocks: &[&str]| {
        within(|draft| draft.change.allowed_cidr_blocks = Some(blocks.iter().map(ToString::to_string).collect()))
    };
    let origins = |origins: &[&str]| {
        within(|draft| draft.change.allowed_origins = Some(origins.iter().map(ToString::to_string).collect()))
    };
    for (wanted, good) in [
        (expires(Some(EXPIRY - 1)), true),
        (expires(Some(EXPIRY)), true),
        (expires(Some(EXPIRY + 1)), false),
        (expires(None), false),
        (networks(&["10.0.0.0/8"]), true),
        (networks(&["10.1.2.3", "2001:db8:1::/48"]), true),
        (networks(&["10.0.0.0/7"]), false),
        (networks(&["10.1.2.3", "11.0.0.0/32"]), false),
        (networks(&["::/0"]), false),
        (networks(&[]), false),
        (origins(&["https://*.example.com"]), true),
        (origins(&["https://*.a.example.com", "https://one.example"]), true),
        (origins(&["https://example.com"]), false),
        (origins(&["http://a.example.com"]), false),
        (origins(&["https://*.one.example"]), false),
        (origins(&["https://badexample.com"]), false),
        (origins(&[]), false),
    ] {
        assert_eq!(authority.require_to_issue(&wanted).is_ok(), good, "{wanted:?}");
        let mut unprivileged = wanted.clone();
        unprivileged.permissions = Permissions::default();
        assert_eq!(authority.require_to_issue(&unprivileged), Ok(()), "scopes alone may lie anywhere");
    }
}

#[test]
fn an_unrestricted_maker_restricts_no_token() {
    let caller = token(1, settings(|draft| draft.change.permissions = Some(Permission::ALL.to_vec())));
    for wanted in [within(|_| {}), settings(|draft| draft.change.permissions = Some(Permission::ALL.to_vec()))] {
        assert_eq!(Authority::of(&caller).require_to_issue(&wanted), Ok(()));
    }
}

#[test]
fn another_token_is_changed_as_long_as_nothing_is_handed_on_beyond_the_bounds() {
    let caller = bounded();
    let authority = Authority::of(&caller);
    let outside = |permissions: Vec<Permission>| settings(|draft| draft.change.permissions = Some(permissions));
    let read = || vec![Permission::ApiTokenRead];
    let named = |mut settings: Settings| {
        settings.name = "another".into();
        settings
    };
    for (before, after, good) in [
        // It lies outside already, and neither gets a permission nor a wider restriction.
        (outside(read()), named(outside(read())), true),
        (outside(read()), outside(vec![]), true),
        (outside(vec![]), outside(read()), false),
        (within(|_| {}), within(|draft| draft.change.allowed_cidr_blocks = Some(vec![])), false),
        (within(|_| {}), within(|draft| draft.change.allowed_origins = Some(vec![])), false),
        (within(|draft| draft.change.permissions = None), within(|_| {}), true),
        (within(|draft| draft.change.permissions = None), outside(vec![]), true),
        // To take the last permission away while widening hands on none.
        (within(|_| {}), outside(vec![]), true),
    ] {
        let target = token(2, before);
        assert_eq!(authority.require_to_update(&target, &after).is_ok(), good, "{:?} -> {after:?}", target.settings);
    }
}

#[test]
fn a_caller_cannot_remove_its_own_restrictions() {
    let caller = bounded();
    let authority = Authority::of(&caller);
    let changed = |change: fn(&mut Settings)| {
        let mut settings = caller.settings.clone();
        change(&mut settings);
        authority.require_to_update(&caller, &settings).is_ok()
    };
    assert!(changed(|settings| settings.name = "another".into()));
    assert!(changed(|settings| settings.allowed_cidr_blocks = within(|_| {}).allowed_cidr_blocks));
    assert!(changed(|settings| settings.allowed_origins = within(|_| {}).allowed_origins));
    assert!(changed(|settings| settings.permissions = Permissions::default()));
    assert!(!changed(|settings| settings.allowed_cidr_blocks =
        within(|draft| draft.change.allowed_cidr_blocks = None).allowed_cidr_blocks));
    assert!(!changed(
        |settings| settings.allowed_origins = within(|draft| draft.change.allowed_origins = None).allowed_origins
    ));
    assert!(!changed(|settings| settings.on_reuse = ReusePolicy::Alert));
    assert!(!changed(|settings| settings.on_leak = LeakPolicy::Alert));
    assert!(changed(|settings| settings.on_leak = LeakPolicy::Revoke));
    // Not by giving up the permissions in the same change, either.
    assert!(!changed(|settings| {
        settings.permissions = Permissions::default();
        settings.on_reuse = ReusePolicy::Alert;
    }));
}

#[test]
fn a_token_is_cut_off_by_itself_and_by_holders_of_all_its_permissions() {
    let caller = bounded();
    let authority = Authority::of(&caller);
    assert_eq!(authority.require_to_cut_off(&caller), Ok(()));
    for (permissions, good) in [
        (vec![], true),
        (vec![Permission::ApiTokenRead, Permission::ApiTokenModify], true),
        (vec![Permission::AuditLogRead], false),
    ] {
        // Scopes and bounds do not count: to end is not to learn.
        let target = token(
            2,
            settings(|draft| {
                draft.change.permissions = Some(permissions.clone());
                draft.change.scopes = Some(vec!["*".into()]);
            }),
        );
        assert_eq!(authority.require_to_cut_off(&target).is_ok(), good, "{permissions:?}");
    }
    let reader = token(3, settings(|draft| draft.change.permissions = Some(vec![Permission::ApiTokenRead])));
    assert!(Authority::of(&reader).require_to_cut_off(&token(2, settings(|_| {}))).is_err());
    assert_eq!(Authority::of(&reader).require_to_cut_off(&reader), Ok(()));
}
