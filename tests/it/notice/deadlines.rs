//! Deadlines are announced ahead (R16): each that the rules say, once, whatever breaks, and nothing else.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use rotakey::domain::id::{NoticeId, TokenId};
use rotakey::domain::notice::{Deadline, Passed};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::Token;
use rotakey::domain::value_use::{LAST_USE_LAG_MINUTES, RecordedUse, UserUse};
use sea_orm::{ConnectionTrait, Statement};

use crate::notice::senders::Outbox;
use crate::support::clock::{MINUTE, SECOND, START};

const HOUR: i64 = 60 * MINUTE;

/// What is announced, and how often of each token.
type Announced = BTreeMap<(String, String), i64>;

const DEADLINES: [Deadline; 9] = [
    Deadline::Expiry(7 * 1_440),
    Deadline::Expiry(1_440),
    Deadline::Rotation(Passed::Half),
    Deadline::Rotation(Passed::ThreeQuarters),
    Deadline::Rotation(Passed::NineTenths),
    Deadline::OverlapEnd(60),
    Deadline::OverlapEnd(5),
    Deadline::Unused(1_440),
    Deadline::Unused(30 * 1_440),
];

/// Tokens of every kind, of these numbers: many expire at one moment, others each at its own; many are rotated, used or were never used.
async fn insert_tokens(outbox: &Outbox, numbers: Range<i64>) {
    let connection = outbox.database.connect().await;
    let hash = |number: i64| match outbox.database.is_sqlite() {
        true => format!("x'{number:064x}'"),
        false => format!("'\\x{number:064x}'"),
    };
    let or_null = |number: Option<i64>| number.map_or_else(|| "NULL".to_owned(), |number| number.to_string());
    let (mut tokens, mut values) = (Vec::new(), Vec::new());
    for i in numbers {
        // Within the thirty days before, and some just now.
        let created = START - i * 104_729 % 43_000 * MINUTE - i % 3 * 7 * SECOND;
        let mut entropy = [7; 10];
        entropy[..8].copy_from_slice(&i.to_be_bytes());
        let id = TokenId::new(Timestamp::from_unix_millis(created), entropy);
        let expires = match i % 3 {
            0 => Some(START + 8 * 24 * HOUR),
            1 => Some(START + i * 7_919 % 200 * HOUR + i),
            _ => None,
        };
        let period = match i % 4 {
            0 => Some(40 * 1_440),
            1 => Some(32 * 1_440 + i % 5),
            _ => None,
        };
        let used = (i % 5 < 2).then_some(created.max(START - i * 15_485_863 % 4_000 * MINUTE));
        let (revoked, suspended) = ((i % 17 == 0).then_some(START), (i % 19 == 0).then_some(START));
        let rotated = i % 7 == 0;
        let (generation, previous) = if rotated { (2, Some(1)) } else { (1, None) };
        tokens.push(format!(
            "('{id}', 'token {i}', 'PRIVATE', '', '', {}, {}, 100, 'ROTATION', '', '', 'ALERT', false, {generation}, {}, {created}, {}, {}, {})",
            or_null(expires),
            or_null(period),
            or_null(previous),
            or_null(revoked),
            or_null(suspended),
            or_null(used),
        ));
        let ends = |from: i64| or_null(period.map(|minutes| from + minutes * MINUTE));
        if !rotated {
            values.push(format!(
                "('{id}', 1, {}, 'hint', {created}, NULL, NULL, NULL, 0, {})",
                hash(2 * i),
                ends(created)
            ));
            continue;
        }
        let (replaced, retires) = (START - MINUTE, START + 65 * MINUTE + i * SECOND % (2 * MINUTE));
        let last = or_null((i % 2 == 0).then_some(START));
        values.push(format!("('{id}', 1, {}, 'hint', {created}, {replaced}, {retires}, {last}, 0, NULL)", hash(2 * i)));
        let by = ends(replaced);
        values.push(format!("('{id}', 2, {}, 'hint', {replaced}, NULL, NULL, NULL, 100, {by})", hash(2 * i + 1)));
    }
    let tokens = tokens.join(", ");
    let values = values.join(", ");
    for sql in [
        format!(
            "INSERT INTO api_token (id, name, kind, permissions, scopes, expires_at, rotation_period_minutes, overlap_minutes,
             overlap_starts, allowed_cidr_blocks, allowed_origins, on_reuse, protected, generation, previous_generation, created_at,
             revoked_at, suspended_at, last_used_at) VALUES {tokens}"
        ),
        format!(
            "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, replaced_at, retires_at, last_used_at,
             overlap_minutes, overdue_at) VALUES {values}"
        ),
    ] {
        connection.execute_unprepared(&sql).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn tokens(outbox: &Outbox) -> Vec<Token> {
    let connection = outbox.database.connect().await;
    let statement = Statement::from_string(connection.get_database_backend(), "SELECT id FROM api_token");
    let rows = connection.query_all_raw(statement).await.unwrap();
    connection.close().await.unwrap();
    let mut tokens = Vec::new();
    for row in rows {
        let id = TokenId::parse(&row.try_get_by_index::<String>(0).unwrap()).unwrap();
        tokens.push(outbox.store.find_token(id).await.unwrap().unwrap());
    }
    tokens
}

/// What the outbox has.
async fn announced(outbox: &Outbox) -> Announced {
    let connection = outbox.database.connect().await;
    let sql = "SELECT kind, token_id, count(*) FROM webhook_delivery GROUP BY kind, token_id";
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    connection.close().await.unwrap();
    let text = |row: &sea_orm::QueryResult, at| row.try_get_by_index::<String>(at).unwrap();
    rows.iter().map(|row| ((text(row, 0), text(row, 1)), row.try_get_by_index(2).unwrap())).collect()
}

/// Adds what the rules say is announced at this moment of what was due since that one.
fn add_expected(expected: &mut Announced, tokens: &[Token], (from, now): (i64, i64)) {
    let moment = |offset| Timestamp::from_unix_millis(START + offset);
    for (token, deadline) in tokens.iter().flat_map(|token| DEADLINES.map(|deadline| (token, deadline))) {
        let (after, until) = (moment(from).minus_seconds(15), moment(now).minus_seconds(15));
        let lag = if matches!(deadline, Deadline::Unused(_)) { LAST_USE_LAG_MINUTES } else { 0 };
        let announced_at = deadline.announced_at(token).map(|at| at.plus_minutes(lag));
        let is_due = announced_at.is_some_and(|at| after.max(moment(0)) < at && at <= until);
        let notice = deadline.notice(token, NoticeId::new(moment(now), [0; 10]), moment(now));
        if let Some(notice) = notice.filter(|_| is_due) {
            *expected.entry((notice.kind.as_str().to_owned(), token.id.to_string())).or_default() += 1;
        }
    }
}

/// Most tokens have sort keys, and some have none yet.
async fn filled() -> (Outbox, Vec<Token>) {
    let outbox = Outbox::new().await;
    insert_tokens(&outbox, 0..800).await;
    while outbox.store.write_sort_keys().await.unwrap() {}
    insert_tokens(&outbox, 800..1_100).await;
    outbox.webhook(1, "https://example.com/").await;
    let tokens = tokens(&outbox).await;
    assert_eq!(tokens.len(), 1_100);
    (outbox, tokens)
}

#[tokio::test]
async fn r16_every_deadline_is_announced_once_when_the_rules_say_and_nothing_else() {
    let (outbox, tokens) = filled().await;
    let (mut expected, mut before) = (Announced::new(), 0);
    // In the usual steps, after an outage of hours, and again with nothing new.
    for now in [
        30 * SECOND,
        MINUTE,
        8 * MINUTE,
        63 * MINUTE,
        3 * HOUR,
        3 * HOUR,
        27 * HOUR,
        27 * HOUR + 30 * SECOND,
        72 * HOUR,
        220 * HOUR,
    ] {
        outbox.clock.set(now);
        outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
        add_expected(&mut expected, &tokens, (before, now));
        assert_eq!(announced(&outbox).await, expected, "at {now}");
        before = now;
    }
    for deadline in ["EXPIRING", "ROTATION_DUE", "OVERLAP_ENDING", "UNUSED"] {
        assert!(expected.keys().any(|(kind, _)| kind == deadline), "{deadline}");
    }
    assert!(expected.len() > 800, "{}", expected.len());
}

#[tokio::test]
async fn r16_replicas_announce_each_deadline_once_and_a_crash_leaves_none_out() {
    let (outbox, tokens) = filled().await;
    let (one, two) = (outbox.replica(2).await, outbox.replica(3).await);
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    let now = 200 * HOUR;
    outbox.clock.set(now);
    let mut expected = Announced::new();
    add_expected(&mut expected, &tokens, (0, now));
    // Each is cut off wherever it is, a little later each time.
    for millis in 1..60 {
        let cut_off =
            tokio::time::timeout(Duration::from_millis(millis), one.service.announce_deadlines(&DEADLINES)).await;
        if cut_off.is_ok() {
            break;
        }
    }
    let both = tokio::join!(one.service.announce_deadlines(&DEADLINES), two.service.announce_deadlines(&DEADLINES));
    both.0.unwrap();
    both.1.unwrap();
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    assert_eq!(announced(&outbox).await, expected);
}

/// Listings have the last use of a token only to ten minutes.
#[tokio::test]
async fn r16_a_token_is_announced_as_unused_however_often_it_was_used_before() {
    const DAY: i64 = 24 * HOUR;
    let outbox = Outbox::new().await;
    // It never expires and is never rotated.
    insert_tokens(&outbox, 2..3).await;
    while outbox.store.write_sort_keys().await.unwrap() {}
    outbox.webhook(1, "https://example.com/").await;
    let token_id = tokens(&outbox).await[0].id;
    let deadlines = [Deadline::Unused(1_440)];
    let (mut last, mut expected) = (0, 0);
    for uses in [[1, 1, 1], [2, 7, 12], [0, 3, 13], [5, 5, 16]] {
        let begin = last + 2 * DAY;
        for minute in uses {
            last = begin + minute * MINUTE;
            outbox.clock.set(last);
            let at = outbox.now();
            let used = UserUse { first_seen_at: at, last_seen_at: at, count: 1 };
            let recorded = RecordedUse { token_id, generation: 1, user: None, used };
            outbox.store.write_uses(&[recorded]).await.unwrap();
        }
        for half_minute in 0..60 {
            outbox.clock.set(begin + DAY + half_minute * 30 * SECOND);
            outbox.service.announce_deadlines(&deadlines).await.unwrap();
            let is_unused = begin + DAY + half_minute * 30 * SECOND >= last + DAY;
            let count = outbox.count("webhook_delivery").await;
            assert!(count == expected || is_unused && count == expected + 1, "{uses:?}, {half_minute}: {count}");
        }
        expected += 1;
        assert_eq!(outbox.count("webhook_delivery").await, expected, "{uses:?}");
    }
}

#[tokio::test]
async fn a_webhook_gets_no_notice_of_what_was_due_before_it_existed() {
    let outbox = Outbox::new().await;
    insert_tokens(&outbox, 0..400).await;
    while outbox.store.write_sort_keys().await.unwrap() {}
    let tokens = tokens(&outbox).await;
    // Without a webhook, nothing is done and nothing is written.
    outbox.clock.set(HOUR);
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    assert_eq!(outbox.count("notice_sweep").await, 0);
    outbox.clock.set(30 * HOUR);
    let webhook = outbox.webhook(1, "https://example.com/").await;
    outbox.clock.set(30 * HOUR + 30 * SECOND);
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    outbox.clock.set(40 * HOUR);
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    let mut expected = Announced::new();
    add_expected(&mut expected, &tokens, (30 * HOUR + 15 * SECOND, 40 * HOUR));
    assert_eq!(announced(&outbox).await, expected);
    // Nor does another one, although the first got notices until it was deleted.
    let transaction = outbox.store.begin().await.unwrap();
    assert!(transaction.delete_webhook(webhook).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(announced(&outbox).await, Announced::new());
    outbox.clock.set(60 * HOUR);
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    outbox.webhook(2, "https://example.com/").await;
    outbox.clock.set(70 * HOUR);
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    let mut expected = Announced::new();
    add_expected(&mut expected, &tokens, (60 * HOUR + 15 * SECOND, 70 * HOUR));
    assert_eq!(announced(&outbox).await, expected);
}

/// What a clock that is ahead makes of it is announced again when it is right, also to a webhook that was created by it.
#[tokio::test]
async fn r16_a_clock_that_was_ahead_leaves_no_deadline_out() {
    for ahead_at_creation in [0, 30 * 24 * HOUR] {
        let outbox = Outbox::new().await;
        insert_tokens(&outbox, 0..400).await;
        while outbox.store.write_sort_keys().await.unwrap() {}
        let tokens = tokens(&outbox).await;
        outbox.clock.set(ahead_at_creation);
        outbox.webhook(1, "https://example.com/").await;
        for now in [MINUTE, 30 * 24 * HOUR] {
            outbox.clock.set(now);
            outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
        }
        let connection = outbox.database.connect().await;
        connection.execute_unprepared("DELETE FROM webhook_delivery").await.unwrap();
        connection.close().await.unwrap();
        let mut expected = Announced::new();
        for (before, now) in [(0, 3 * MINUTE), (3 * MINUTE, 10 * HOUR)] {
            outbox.clock.set(now);
            outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
            add_expected(&mut expected, &tokens, (before, now));
        }
        let announced = announced(&outbox).await;
        let left_out: Vec<_> = expected.keys().filter(|key| !announced.contains_key(key)).collect();
        assert!(left_out.is_empty() && expected.len() > 20, "{ahead_at_creation}, {}: {left_out:?}", expected.len());
    }
}

#[tokio::test]
async fn nothing_is_written_while_there_is_nothing_to_announce() {
    let outbox = Outbox::new().await;
    outbox.webhook(1, "https://example.com/").await;
    outbox.clock.set(MINUTE);
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    let commits = outbox.store.commits();
    for minute in 2..=10 {
        outbox.clock.set(minute * MINUTE);
        outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    }
    assert_eq!(outbox.store.commits(), commits);
    outbox.clock.set(20 * MINUTE);
    outbox.service.announce_deadlines(&DEADLINES).await.unwrap();
    assert!(outbox.store.commits() > commits);
}
