//! A page looks at a limited number of tokens. If it has found too few by then, it ends there, and the next one goes on.

use std::collections::BTreeSet;
use std::ops::Range;

use rotakey::domain::id::TokenId;
use rotakey::domain::listing::{End, Filter, MAX_EXAMINED, Order, OrderField, Page, Position};
use rotakey::domain::rule::lifecycle::Status;
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Metadata, Permission, Scope, TokenKind};
use rotakey::store::Store;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::filters_and_pages::{list, names};
use super::query_plans::filled;
use crate::campaign::at;
use crate::support::clock::{MINUTE, START};
use crate::support::server::Server;

const FIELDS: [OrderField; 5] =
    [OrderField::CreatedAt, OrderField::Name, OrderField::ExpiresAt, OrderField::RotateBy, OrderField::LastUsedAt];

/// Conditions of each kind: with a lookup and without, that all tokens meet, few or none.
fn filters(creator: TokenId) -> Vec<Filter> {
    let all = Filter::default;
    let status = |statuses: &[Status]| Some(statuses.iter().copied().collect::<BTreeSet<_>>());
    let pairs = [("k".to_owned(), "v".to_owned()), ("all".to_owned(), "yes".to_owned())];
    let moment = |minutes| Some(Timestamp::from_unix_millis(START + minutes * MINUTE));
    let one = |name: &str| Filter { name: Some(name.into()), ..all() };
    vec![
        all(),
        one("n"),
        one("n2"),
        one("none"),
        Filter { text: Some("ac".into()), ..all() },
        Filter { text: Some("acme".into()), kind: Some(TokenKind::Private), ..all() },
        Filter { overlap_running: Some(false), ..all() },
        Filter { overlap_running: Some(true), ..one("n") },
        Filter { owner: Some("acme".into()), ..one("n") },
        Filter { scope: Some(Scope::parse("read").unwrap()), ..one("n") },
        Filter { metadata: Some(Metadata::parse(pairs).unwrap()), ..all() },
        Filter { status: status(&[Status::Active]), ..all() },
        Filter { status: status(&[Status::Active, Status::RotationOverdue]), ..one("n") },
        Filter { status: status(&[Status::RotationOverdue]), ..all() },
        Filter { status: status(&[Status::Expired]), ..all() },
        Filter { status: status(&[Status::Expired, Status::Revoked]), ..one("n") },
        Filter { expires_after: moment(0), expires_before: moment(200), ..all() },
        Filter { rotate_by_before: moment(300), ..one("n") },
        Filter { unused_since: moment(10), ..one("n") },
        Filter { unused_since: moment(70), ..all() },
        Filter { expires_before: moment(200), ..one("n") },
        Filter { created_by: Some(creator), ..all() },
        Filter { created_by: Some(creator), ..one("n") },
        Filter { permission: Some(Permission::ApiTokenRead), ..one("n") },
        Filter { kind: Some(TokenKind::Private), ..all() },
        Filter { previous_value_used_within_minutes: Some(200), ..all() },
    ]
}

/// Tokens with keys that tie, in every order: some expire, miss a rotation or were revoked.
async fn create(server: &Server, numbers: Range<i64>) {
    for number in numbers {
        server.clock.advance(number % 2);
        let ends = |minutes: i64| Timestamp::from_unix_millis(START + minutes * MINUTE).to_string();
        let input = json!({ "name": format!("n{}", number % 4), "owner": (number % 2 == 0).then_some("acme"),
            "scopes": (number % 3 > 0).then_some(["read"]), "expiresAt": (number % 3 == 0).then(|| ends(60 + number / 6 * 60)),
            "metadata": [{ "key": "k", "value": "v" }, { "key": "all", "value": if number == 5 { "no" } else { "yes" } }],
            "rotationPeriodMinutes": (number % 4 == 1).then_some(if number < 8 { 60 } else { 600 }) });
        let created = server.admin.create(input).await.unwrap();
        match number {
            3 | 9 => drop(created.client.rotate().await.unwrap()),
            6 | 10 => drop(created.client.check().await.unwrap()),
            12 => drop(server.admin.revoke(&created.id).await.unwrap()),
            _ => {}
        }
    }
    server.service().await.write_uses().await.unwrap();
}

/// All tokens of these pages, in the order of the listing.
async fn walk(store: &Store, mut page: Page, now: Timestamp) -> Vec<(Position, TokenId)> {
    let mut all = Vec::new();
    for _ in 0..200 {
        let listing = store.list(&page, now).await.unwrap();
        let found: Vec<_> =
            listing.positions.iter().cloned().zip(listing.tokens.iter().map(|token| token.id)).collect();
        assert!(listing.stopped_at.is_none() || listing.more, "{page:?}");
        assert!(found.len() <= page.size as usize);
        let next = match page.end {
            End::First => listing.stopped_at.or(listing.positions.last().cloned()),
            End::Last => listing.stopped_at.or(listing.positions.first().cloned()),
        };
        all = if page.end == End::First { [all, found].concat() } else { [found, all].concat() };
        if !listing.more {
            return all;
        }
        assert!(next.is_some(), "{page:?}");
        if page.end == End::First { page.after = next } else { page.before = next }
    }
    panic!("the pages do not end: {page:?}");
}

#[tokio::test]
async fn pages_that_stop_early_meet_every_token_once_in_every_order_both_ways() {
    let server = Server::start().await;
    create(&server, 0..14).await;
    let creator = TokenId::parse(&server.admin.my_id().await).unwrap();
    let store = Store::connect(&server.database.url).await.unwrap();
    let mut stopped = 0;
    // In the end, some tokens are sorted, and some are not yet.
    for (minutes, sweep, more) in [(90, false, 0), (90, true, 0), (91, false, 5)] {
        server.clock.set(minutes * MINUTE);
        if sweep {
            server.service().await.sweep().await.unwrap();
        }
        create(&server, 14..14 + more).await;
        let now = Timestamp::from_unix_millis(START + minutes * MINUTE);
        for filter in filters(creator) {
            for (field, descending) in FIELDS.iter().flat_map(|field| [(*field, false), (*field, true)]) {
                let order = Order { field, descending };
                let page = |size, end, max_examined| {
                    let (after, before) = (None, None);
                    Page { filter: filter.clone(), order, after, before, size, end, max_examined }
                };
                let all = store.list(&page(200, End::First, MAX_EXAMINED), now).await.unwrap();
                assert!(!all.more);
                let expected: Vec<_> = all.positions.into_iter().zip(all.tokens.iter().map(|token| token.id)).collect();
                for (size, max_examined) in [(1, 1), (2, 3)] {
                    for end in [End::First, End::Last] {
                        let page = page(size, end, max_examined);
                        stopped += usize::from(store.list(&page, now).await.unwrap().stopped_at.is_some());
                        assert_eq!(walk(&store, page.clone(), now).await, expected, "{page:?} {minutes} {sweep}");
                        // All but the first two and the last one.
                        if let ([_, after, between @ .., before], 3) = (&expected[..], max_examined) {
                            let (after, before) = (Some(after.0.clone()), Some(before.0.clone()));
                            let page = Page { after, before, ..page };
                            assert_eq!(walk(&store, page.clone(), now).await, between, "{page:?} {minutes} {sweep}");
                            let (after, before) = (page.before.clone(), page.after.clone());
                            let none = Page { after, before, ..page };
                            assert_eq!(
                                walk(&store, none, now).await,
                                [],
                                "nothing is after the end and before the start"
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(stopped > 200, "{stopped} pages ended early");
    store.close().await.unwrap();
}

/// Tokens with short names, which are not looked up: one that is early in the order of creation, and one that is late.
async fn filled_with_two() -> (Server, Store) {
    let (server, store, _) = filled().await;
    let connection = server.database.connect().await;
    for (from, to) in [("token 10100", "zz"), ("token 18998", "zz")] {
        let sql = format!("UPDATE api_token SET name = '{to}' WHERE name = '{from}'");
        connection.execute_unprepared(&sql).await.unwrap();
    }
    connection.close().await.unwrap();
    (server, store)
}

#[tokio::test]
async fn a_page_that_ends_before_it_is_full_has_a_cursor_from_which_the_next_one_goes_on() {
    let (server, store) = filled_with_two().await;
    for (field, direction) in [("CREATED_AT", "ASC"), ("NAME", "DESC"), ("EXPIRES_AT", "DESC"), ("LAST_USED_AT", "ASC")]
    {
        for (size, from, more, cursor) in
            [("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor")]
        {
            let (mut found, mut pages, mut position) = (0, 0, Value::Null);
            loop {
                let page = list(
                    &server,
                    json!({ size: 25, from: position, "filter": { "name": "zz" },
                    "orderBy": { "field": field, "direction": direction } }),
                )
                .await;
                found += names(&page).len();
                pages += 1;
                if page["pageInfo"][more] == json!(false) {
                    break;
                }
                let info = &page["pageInfo"];
                assert!(info["startCursor"].is_string() && info["endCursor"].is_string() && pages < 20, "{page}");
                position = page["pageInfo"][cursor].clone();
            }
            assert_eq!((found, pages), (2, 20_000 / MAX_EXAMINED as usize + 1), "{field} {size}");
        }
    }
    let answer = server.admin.rest("GET", "/api-tokens?name=zz&first=10&orderBy=-createdAt", Value::Null).await;
    let page_info = &answer.body["pageInfo"];
    assert_eq!((&answer.body["data"].as_array().unwrap().len(), &page_info["hasNextPage"]), (&1, &json!(true)));
    assert!(page_info["endCursor"].is_string(), "{page_info}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_campaign_collects_its_tokens_over_pages_that_end_before_they_are_full() {
    let (server, store) = filled_with_two().await;
    let input =
        json!({ "filter": { "name": "zz" }, "deadline": at(100 * MINUTE), "atDeadline": "NOTHING", "reason": "test" });
    let create =
        "mutation($input: CreateRotationCampaignInput!) { createRotationCampaign(input: $input) { campaign { id } } }";
    let answer = server.admin.graphql(create, json!({ "input": input })).await;
    let id = answer.body["data"]["createRotationCampaign"]["campaign"]["id"].clone();
    server.clock.advance(MINUTE);
    let service = server.service().await;
    let mut rounds = 0;
    while service.advance_campaigns().await.unwrap() {
        rounds += 1;
        assert!(rounds < 20, "the campaign makes no progress");
    }
    let query = "query($id: ID!) { rotationCampaign(id: $id) { progress { total } preparedAt } }";
    let campaign = server.admin.graphql(query, json!({ "id": id })).await;
    let campaign = &campaign.body["data"]["rotationCampaign"];
    assert_eq!(campaign["progress"]["total"], json!(2), "{campaign}");
    assert!(campaign["preparedAt"].is_string(), "{campaign}");
    store.close().await.unwrap();
}
