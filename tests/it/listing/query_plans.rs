//! Every filter and order that the schema offers is read from an index, in its order: what a page costs is bounded by what it
//! holds, or by how many tokens it may look at, and not by what is in the database. Shown by the plans of the databases, because a time says nothing on a busy machine.
//!
//! Where that cannot be (events by both their token and their actor), `docs/graphql.md` says so, and the listing times out:
//! `slow_listings.rs`.

use std::collections::BTreeSet;

use rotakey::domain::id::TokenId;
use rotakey::domain::listing::{End, Filter, MAX_EXAMINED, Order, OrderField, Page, Position, SortKey};
use rotakey::domain::rule::lifecycle::Status;
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Metadata, Permission, Scope, TokenKind};
use rotakey::store::{PagePlans, Store};
use sea_orm::ConnectionTrait;
use serde_json::Value;

use crate::support::clock::{MINUTE, START};
use crate::support::database::TestDatabase;
use crate::support::server::Server;

/// A page of 25, and one more to know whether there are more.
pub(super) const SIZE: u32 = 25;
/// How many rows one step may read at most; a table holds 20,000.
const MAX_ROWS: u64 = 100;

/// How many tokens a lookup may find at most.
const MAX_FOUND: u64 = 2_000;

/// 20,000 tokens, arranged so that a scan along an order meets what it looks for late: the first half has expired, one
/// owner has every other token, and few are public. Half of the events are about one token, a third by another.
const TOKENS: &str = "INSERT INTO api_token (id, name, owner, kind, permissions, scopes, expires_at, rotation_period_minutes,
    overlap_minutes, overlap_starts, allowed_cidr_blocks, allowed_origins, on_reuse, protected, generation, created_at, revoked_at, created_by,
    last_used_at, metadata)
    SELECT 'tok_01JZZZZZZZ' || (1000000000000000 + i), 'token ' || i, CASE WHEN i % 2 = 0 THEN 'big' ELSE 'customer ' || i % 10 END,
    CASE WHEN i > 19000 THEN 'PUBLIC' ELSE 'PRIVATE' END, CASE WHEN i BETWEEN 100 AND 109 THEN 'AUDIT_LOG_READ' WHEN i % 3 = 0 THEN
    'API_TOKEN_VERIFY' ELSE '' END, CASE WHEN i BETWEEN 50 AND 69 THEN 'rare' WHEN i % 7 > 0 THEN 'frequent' ELSE '' END, CASE WHEN i < 10000 THEN NOW - i WHEN i < 10020 THEN NOW + 90000 END,
    CASE WHEN i > 18000 AND i % 2 = 1 THEN 1 WHEN i > 17980 AND i % 2 = 1 THEN 3 END, 10, 'ROTATION', '', '', 'ALERT', false, 1,
    NOW - 120000, CASE WHEN i % 100 = 99 THEN NOW END,
    'tok_01JZZZZZZZ' || (1000000000000000 + CASE WHEN i BETWEEN 200 AND 219 THEN 2 ELSE 1 END),
    CASE WHEN i NOT BETWEEN 300 AND 319 THEN NOW + i END, CASE WHEN i BETWEEN 70 AND 79 THEN '{\"team\":\"rare\"}'
    WHEN i % 5 > 0 THEN '{\"region\":\"eu\",\"team\":\"large\"}' END FROM numbers";
const VALUES: &str = "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, overlap_minutes, overdue_at)
    SELECT id, 1, HASH, 'hint', created_at, 0, created_at + rotation_period_minutes * 60000 FROM api_token WHERE name <> 'admin'";
/// Ten tokens whose overlap is running, and whose previous value is in use.
const OVERLAPS: [&str; 3] = [
    "UPDATE api_token SET generation = 2, previous_generation = 1 WHERE name LIKE 'token 40_'",
    "UPDATE api_token_value SET replaced_at = NOW, retires_at = NOW + 600000, last_used_at = NOW + 60000
    WHERE token_id IN (SELECT id FROM api_token WHERE generation = 2)",
    "INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, overlap_minutes)
    SELECT id, 2, HASH2, 'hint', NOW, 0 FROM api_token WHERE generation = 2",
];
const EVENTS: &str = "INSERT INTO audit_event (id, at, action, result, actor, token_id)
    SELECT 'evt_01JZZZZZZZ' || (1000000000000000 + i), NOW, CASE WHEN i = 0 THEN 'API_TOKEN_CREATED' WHEN i % 10 = 1 THEN
    'API_TOKEN_UPDATED' ELSE 'API_TOKEN_ROTATED' END, 'OK', 'tok_01JZZZZZZZ' || (1000000000000000 + CASE WHEN i % 3 = 0 THEN 1 ELSE i END),
    'tok_01JZZZZZZZ' || (1000000000000000 + CASE WHEN i % 2 = 0 THEN 2 ELSE i END) FROM numbers";
const NUMBERS: &str = "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < 19999)";

/// What makes a filter ask for one thing more.
pub(super) type Setter<F> = Box<dyn Fn(&mut F)>;

pub(super) async fn filled() -> (Server, Store, Timestamp) {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    let hash = if server.database.is_sqlite() { "randomblob(32)" } else { "sha256(id::bytea)" };
    let [one, two, three] = OVERLAPS;
    for insert in [&format!("{NUMBERS} {TOKENS}"), VALUES, one, two, three, &format!("{NUMBERS} {EVENTS}")] {
        let other_hash = hash.replace("id::", "('2' || id)::");
        let sql = insert.replace("NOW", &START.to_string()).replace("HASH2", &other_hash).replace("HASH", hash);
        connection.execute_unprepared(&sql).await.unwrap();
    }
    // What ended by then is sorted, and a little has ended since.
    server.clock.set(MINUTE);
    server.service().await.sweep().await.unwrap();
    if !server.database.is_sqlite() {
        connection.execute_unprepared("VACUUM ANALYZE").await.unwrap();
    }
    let store = Store::connect(&server.database.url).await.unwrap();
    (server, store, Timestamp::from_unix_millis(START + 2 * MINUTE))
}

/// The names that this enum or input object of the schema has.
pub(super) async fn names(server: &Server, of: &str, field: &str) -> Vec<String> {
    let query = format!("{{ __type(name: \"{of}\") {{ {field} {{ name }} }} }}");
    let answer = server.admin.ask(&query).await;
    let names = answer.body["data"]["__type"][field].as_array().unwrap();
    names.iter().map(|named: &Value| named["name"].as_str().unwrap().to_owned()).collect()
}

/// Each of these filters beside each of the next.
pub(super) fn combine<F: Clone>(filters: Vec<F>, next: &[Setter<F>]) -> Vec<F> {
    let mut combined = filters.clone();
    for filter in &filters {
        for set in next {
            let mut filter = filter.clone();
            set(&mut filter);
            combined.push(filter);
        }
    }
    combined
}

pub(super) fn set<F: 'static, V: Clone + 'static>(
    values: Vec<V>,
    field: fn(&mut F) -> &mut Option<V>,
) -> Vec<Setter<F>> {
    values.into_iter().map(|value| Box::new(move |filter: &mut F| *field(filter) = Some(value.clone())) as _).collect()
}

fn token_filters(field: &str) -> Vec<Setter<Filter>> {
    match field {
        "status" => {
            let each = Status::ALL.iter().map(|status| BTreeSet::from([*status]));
            set(each.chain([Status::ALL.iter().copied().collect()]).collect(), |filter| &mut filter.status)
        }
        "name" => set(vec!["no such name".into(), "TOKEN 1999".into()], |filter| &mut filter.name),
        "owner" => set(vec!["big".into(), "nobody".into()], |filter| &mut filter.owner),
        "kind" => set(TokenKind::ALL.to_vec(), |filter| &mut filter.kind),
        _ => Vec::new(),
    }
}

fn each<V: Clone + 'static>(values: [Vec<V>; 2], field: fn(&mut Filter) -> &mut Option<V>) -> [Vec<Setter<Filter>>; 2] {
    values.map(|values| set(values, field))
}

/// Filters that few tokens meet, and such that many or all do, beside which listings are read in their order.
fn more_token_filters(field: &str) -> [Vec<Setter<Filter>>; 2] {
    let moment = |offset| Timestamp::from_unix_millis(START + offset);
    let scope = |text: &str| Scope::parse(text).unwrap();
    let pair = |text: &str| text.split_once('=').map(|(key, value)| (key.into(), value.into())).unwrap();
    let pairs = |text: &str| Metadata::parse(text.split(' ').map(pair)).unwrap();
    let token = |number: u64| TokenId::parse(&format!("tok_01JZZZZZZZ{}", 1_000_000_000_000_000 + number)).unwrap();
    match field {
        "scope" => each([vec![scope("rare"), scope("none")], vec![scope("frequent")]], |f| &mut f.scope),
        "permission" => each([vec![Permission::AuditLogRead], vec![Permission::ApiTokenVerify]], |f| &mut f.permission),
        "metadata" => each([vec![pairs("team=rare")], vec![pairs("team=large region=eu")]], |f| &mut f.metadata),
        "text" => each([vec!["token 1999".into(), "nothing".into()], vec!["TOKEN".into()]], |f| &mut f.text),
        "createdBy" => each([vec![token(2), token(3)], vec![token(1)]], |f| &mut f.created_by),
        "expiresAfter" => each([vec![moment(0)], vec![]], |f| &mut f.expires_after),
        "expiresBefore" => each([vec![moment(-9_970)], vec![]], |f| &mut f.expires_before),
        "rotateByBefore" => each([vec![moment(-MINUTE)], vec![]], |f| &mut f.rotate_by_before),
        "unusedSince" => each([vec![moment(0)], vec![]], |f| &mut f.unused_since),
        "overlapRunning" => each([vec![true], vec![false]], |f| &mut f.overlap_running),
        "previousValueUsedWithinMinutes" => each([vec![1, 5], vec![]], |f| &mut f.previous_value_used_within_minutes),
        "status" | "name" | "owner" | "kind" => [Vec::new(), Vec::new()],
        other => panic!("no plan is tested for the filter {other} of tokens"),
    }
}

/// That this plan reads no more than it must. `walks` is whether it may walk along the ids, for which nothing is filtered.
pub(super) fn check(database: &TestDatabase, plan: &str, walks: bool, what: &dyn std::fmt::Debug) {
    check_reads(database, plan, walks, MAX_ROWS, what);
}

fn check_reads(database: &TestDatabase, plan: &str, walks: bool, max_rows: u64, what: &dyn std::fmt::Debug) {
    if database.is_sqlite() {
        check_sqlite(plan, walks, what);
    } else {
        check_rows(plan, max_rows, what);
    }
}

/// That a page of tokens reads no more than it must: up to its horizon where few tokens match, if it has one.
fn check_page(database: &TestDatabase, plans: &PagePlans, filter: &Filter, is_rare: bool, what: &dyn std::fmt::Debug) {
    let max_rows = if is_rare { MAX_EXAMINED.into() } else { MAX_ROWS };
    check_reads(database, &plans.page, *filter == Filter::default() || !is_rare, max_rows, what);
    plans.lookups.iter().for_each(|lookup| check_lookup(database, lookup, what));
    if let Some(horizon) = &plans.horizon {
        check_reads(database, horizon, true, u64::from(MAX_EXAMINED) + MAX_ROWS, what);
    }
}

fn check_sqlite(plan: &str, walks: bool, what: &dyn std::fmt::Debug) {
    let lines: Vec<Vec<&str>> = plan.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    for line in &lines {
        let [_, above, detail] = line[..] else { panic!("{plan}") };
        let tables = "api_token api_token_value audit_event named api_token_grant api_token_metadata held pair api_token_sort_key";
        let is_scan = |table| detail.starts_with(&format!("SCAN {table} ")) || detail == format!("SCAN {table}");
        let table = tables.split(' ').any(is_scan);
        let walk =
            detail.contains("USING INDEX sqlite_autoindex") || detail.contains("USING COVERING INDEX sqlite_autoindex");
        // It holds nothing but what housekeeping has not come to.
        let part = ["revoked_idx", "unsorted_idx", "undated_idx"].iter().any(|index| detail.ends_with(index));
        assert!(!table || part || (walks && walk), "{what:?} reads a whole table:\n{plan}");
        // What is read by such an index is in order already, and has no bound, unless it is one row.
        let ordered =
            ["api_token_listed", "api_token_owner", "api_token_sort_key_", "audit_event_"].iter().any(|index| {
                detail.contains(&format!("INDEX {index}"))
                    && detail.starts_with("SEARCH")
                    && !detail.ends_with(" AND id=?)")
            });
        let sorted = lines.iter().any(|other| other[1] == above && other[2].starts_with("USE TEMP B-TREE"));
        assert!(!ordered || !sorted, "{what:?} sorts what has no bound:\n{plan}");
    }
}

pub(super) fn check_postgres(plan: &str, what: &dyn std::fmt::Debug) {
    check_rows(plan, MAX_ROWS, what);
}

fn check_rows(plan: &str, max_rows: u64, what: &dyn std::fmt::Debug) {
    let number = |line: &str, before: &str| -> u64 {
        let digits = line.split(before).nth(1).unwrap_or("0").chars().take_while(char::is_ascii_digit);
        digits.collect::<String>().parse().unwrap_or(0)
    };
    // The ids that a lookup has found are read one by one.
    let max_rows = if plan.contains("ProjectSet") { MAX_FOUND } else { max_rows };
    let (mut rows, mut loops) = (0, 0);
    for line in plan.lines() {
        if line.contains("(actual ") {
            (rows, loops) = (number(line, "rows="), number(line, "loops="));
            assert!(!line.contains("Seq Scan"), "{what:?} reads a whole table:\n{plan}");
        } else if line.contains("Rows Removed by") {
            rows += number(line, ": ");
        }
        assert!(rows * loops <= max_rows, "{what:?} reads {rows} rows {loops} times:\n{plan}");
    }
}

/// That a lookup reads no whole table. It reads up to a limit, even of what many tokens have.
fn check_lookup(database: &TestDatabase, plan: &str, what: &dyn std::fmt::Debug) {
    if database.is_sqlite() {
        check_sqlite(plan, false, what);
    } else {
        assert!(!plan.contains("Seq Scan"), "{what:?} reads a whole table:\n{plan}");
    }
}

async fn orders(server: &Server) -> Vec<Order> {
    let mut orders = Vec::new();
    for field in names(server, "APITokenOrderField", "enumValues").await {
        let field = match field.as_str() {
            "CREATED_AT" => OrderField::CreatedAt,
            "NAME" => OrderField::Name,
            "EXPIRES_AT" => OrderField::ExpiresAt,
            "ROTATE_BY" => OrderField::RotateBy,
            "LAST_USED_AT" => OrderField::LastUsedAt,
            other => panic!("no plan is tested for the order {other}"),
        };
        orders.extend([false, true].map(|descending| Order { field, descending }));
    }
    orders
}

/// The first page of this order, one from its middle, and the last page.
fn pages(filter: &Filter, order: Order) -> [Page; 3] {
    let id = TokenId::parse("tok_01JZZZZZZZ1000000000010000").unwrap();
    let key = match order.field {
        OrderField::CreatedAt => None,
        OrderField::Name => Some(SortKey::Name("token 1".to_owned())),
        OrderField::ExpiresAt => Some(SortKey::Moment(START - 5_000)),
        OrderField::RotateBy => Some(SortKey::Moment(START - MINUTE)),
        OrderField::LastUsedAt => Some(SortKey::Moment(START + 10_000)),
    };
    let middle = Position { key, id };
    [(End::First, None), (End::First, Some(middle)), (End::Last, None)].map(|(end, after)| Page {
        filter: filter.clone(),
        order,
        after,
        before: None,
        size: SIZE,
        end,
        max_examined: MAX_EXAMINED,
    })
}

#[tokio::test]
async fn every_filter_and_order_of_tokens_is_read_from_an_index() {
    let (server, store, now) = filled().await;
    let fields = names(&server, "APITokenFilter", "inputFields").await;
    let filters = fields.iter().fold(vec![Filter::default()], |filters, field| combine(filters, &token_filters(field)));
    let orders = orders(&server).await;
    for filter in filters {
        let by_index = |order: &&Order| matches!(order.field, OrderField::CreatedAt | OrderField::Name);
        for order in orders.iter().filter(by_index) {
            for page in pages(&filter, *order) {
                let plans = store.explain_list(&page, now).await.unwrap();
                check_page(&server.database, &plans, &filter, filter.name.is_some(), &page);
                assert_eq!(plans.lookups.len(), usize::from(filter.name.is_some()), "{page:?}");
            }
        }
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn every_condition_that_few_tokens_meet_is_looked_up_and_every_other_order_is_read_from_an_index() {
    let (server, store, now) = filled().await;
    let fields = names(&server, "APITokenFilter", "inputFields").await;
    let orders = orders(&server).await;
    let (mut rare, mut frequent) = (Vec::new(), vec![Filter::default()]);
    for field in &fields {
        let [few, many] = more_token_filters(field);
        rare.extend(combine(vec![Filter::default()], &few).split_off(1));
        frequent.extend(combine(vec![Filter::default()], &many).split_off(1));
        // Those by status, kind, owner and name are all in the other test.
        frequent.extend(combine(vec![Filter::default()], &token_filters(field)).split_off(1).pop());
    }
    assert!(rare.len() > 9 && frequent.len() > 8);
    for (filters, are_rare) in [(&rare, true), (&frequent, false)] {
        for filter in filters {
            for page in orders.iter().flat_map(|order| pages(filter, *order)) {
                let plans = store.explain_list(&page, now).await.unwrap();
                check_page(&server.database, &plans, filter, are_rare, &page);
            }
        }
    }
    // Each beside each other condition.
    for field in &fields {
        let [few, many] = more_token_filters(field);
        for others in [token_filters(field), few, many] {
            let combined = combine(rare.clone(), &others).split_off(rare.len());
            // Another condition on the same field takes the place of the rare one.
            for filter in combined.into_iter().filter(|filter| !frequent.contains(filter)) {
                let page = &pages(&filter, Order::default())[0];
                let plans = store.explain_list(page, now).await.unwrap();
                check_page(&server.database, &plans, &filter, true, page);
            }
        }
    }
    store.close().await.unwrap();
}
