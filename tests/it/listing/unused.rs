//! `unusedSince`, where most tokens are newer than that: pages pass over them at once.

use rotakey::domain::listing::{End, Filter, Order, OrderField, Page};
use rotakey::domain::timestamp::Timestamp;
use rotakey::store::Store;
use serde_json::json;

use crate::campaign::{at, create_tokens};
use crate::support::clock::MINUTE;
use crate::support::server::Server;

/// Eight tokens that were never used, then a time, and twenty that were never used since then.
async fn eight_old_tokens() -> (Server, Store, Timestamp) {
    let server = Server::start().await;
    create_tokens(&server, 8, json!({})).await;
    server.clock.advance(MINUTE);
    let since = Timestamp::parse(&at(MINUTE)).unwrap();
    create_tokens(&server, 20, json!({})).await;
    server.clock.advance(MINUTE);
    let service = server.service().await;
    service.write_uses().await.unwrap();
    service.sweep().await.unwrap();
    let store = Store::connect(&server.database.url).await.unwrap();
    (server, store, since)
}

/// How many tokens each page has.
async fn sizes(store: &Store, mut page: Page, now: Timestamp) -> Vec<usize> {
    let mut sizes = Vec::new();
    loop {
        let listing = store.list(&page, now).await.unwrap();
        sizes.push(listing.tokens.len());
        if !listing.more {
            return sizes;
        }
        match page.end {
            End::First => page.after = listing.stopped_at.or(listing.positions.last().cloned()),
            End::Last => page.before = listing.stopped_at.or(listing.positions.first().cloned()),
        }
        assert!(sizes.len() < 50, "the pages do not end");
    }
}

/// Every page of this filter, in each direction and from each end.
fn pages(filter: &Filter, field: OrderField, size: u32, max_examined: u32) -> impl Iterator<Item = Page> {
    let directions = [(false, End::First), (false, End::Last), (true, End::First), (true, End::Last)];
    directions.into_iter().map(move |(descending, end)| {
        let order = Order { field, descending };
        Page { filter: filter.clone(), order, after: None, before: None, size, end, max_examined }
    })
}

#[tokio::test]
async fn in_the_order_of_creation_pages_pass_over_the_tokens_that_are_too_new() {
    let (server, store, since) = eight_old_tokens().await;
    let now = Timestamp::parse(&at(3 * MINUTE)).unwrap();
    let filter = |owner: Option<&str>| Filter {
        unused_since: Some(since),
        owner: owner.map(str::to_owned),
        ..Filter::default()
    };
    // With the first token of the server, or without it.
    for (filter, expected) in [(filter(None), &[2, 2, 2, 2, 1][..]), (filter(Some("acme")), &[2, 2, 2, 2])] {
        for page in pages(&filter, OrderField::CreatedAt, 2, 3) {
            assert_eq!(sizes(&store, page.clone(), now).await, expected, "{page:?}");
        }
    }
    drop(server);
    store.close().await.unwrap();
}

#[tokio::test]
async fn in_the_order_of_last_use_few_tokens_are_found_at_once_among_many_that_were_never_used() {
    let (server, store, since) = eight_old_tokens().await;
    let now = Timestamp::parse(&at(3 * MINUTE)).unwrap();
    let filter = Filter { unused_since: Some(since), ..Filter::default() };
    for page in pages(&filter, OrderField::LastUsedAt, 5, 10) {
        assert_eq!(sizes(&store, page.clone(), now).await, [5, 4], "{page:?}");
    }
    drop(server);
    store.close().await.unwrap();
}
