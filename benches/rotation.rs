//! The cost of the rules of verification and rotation, without network and disk, with a baseline in the same run.

use divan::{Bencher, black_box};
use rotakey::domain::id::TokenId;
use rotakey::domain::invalid_input::InvalidInput;
use rotakey::domain::rule::lifecycle;
use rotakey::domain::rule::rotation::{self, Overlap, Rotator};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Actor, Settings, Token, TokenKind, ValueFacts};
use rotakey::domain::value::{PresentedValue, Value};
use sha2::{Digest, Sha256};

fn main() {
    divan::main();
}

fn value() -> Value {
    Value::from_entropy(TokenKind::Private, &[42; 32])
}

fn token() -> Token {
    let now = Timestamp::from_unix_millis(1_767_225_600_000);
    Token {
        id: TokenId::new(now, [1; 10]),
        settings: Settings { rotation_period_minutes: Some(60), ..Settings::named("bench") },
        created_at: now,
        created_by: Actor::System,
        updated: None,
        last_used_at: None,
        revoked_at: None,
        suspended_at: None,
        current: ValueFacts {
            generation: 1,
            hash: value().hash(),
            hint: value().hint(),
            format: None,
            created_at: now,
            created_by: Actor::System,
            first_used_at: None,
            last_used_at: None,
            replaced_at: None,
            retires_at: None,
            overlap_minutes: 10,
            brown_out: false,
            salt: None,
        },
        previous: None,
    }
}

/// The baseline of the two below: SHA-256 of a text of the same length.
#[divan::bench]
fn baseline_sha256(bencher: Bencher) {
    let value = value();
    bencher.bench_local(|| Sha256::digest(black_box(value.expose().as_bytes())));
}

/// From a presented text to the hash to look up.
#[divan::bench]
fn parse_and_hash(bencher: Bencher) {
    let value = value();
    bencher.bench_local(|| PresentedValue::parse(black_box(value.expose())).map(|value| value.hash()));
}

/// A new value from random bytes.
#[divan::bench]
fn make_a_value(bencher: Bencher) {
    bencher.bench_local(|| Value::from_entropy(TokenKind::Private, black_box(&[42; 32])));
}

/// Whether a value works.
#[divan::bench]
fn decide_standing(bencher: Bencher) {
    let token = token();
    let now = token.created_at.plus_minutes(1);
    bencher.bench_local(|| lifecycle::standing(black_box(&token), 1, now));
}

/// The decision on a rotation.
#[divan::bench]
fn decide_rotation(bencher: Bencher) {
    let token = token();
    let now = token.created_at.plus_minutes(1);
    bencher.bench_local(|| {
        let overlap = Overlap::of(&token.settings, None)?;
        Ok::<_, InvalidInput>(
            rotation::rotate(black_box(&token), Rotator::Holder { generation: 1 }, overlap, None, now).ok(),
        )
    });
}
