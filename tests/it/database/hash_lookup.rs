//! Looking up presented values: lookups that share a statement each find their own value, and nothing else.

use rotakey::domain::token::TokenKind;
use rotakey::domain::value::{PresentedValue, Value, ValueHash};
use rotakey::store::Store;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::server::Server;

fn hash(value: &str) -> ValueHash {
    PresentedValue::parse(value).unwrap().hash()
}

/// What is known of a value: its token, its generation, and the generations that the token has.
type Found = Option<(String, u32, u32, Option<u32>)>;

async fn look_up(store: Store, hash: ValueHash) -> Found {
    let (token, generation) = store.find_by_hash(&hash).await.unwrap()?;
    // The facts beside the presented value's are those of its own token.
    for value in token.values() {
        let (of_value, found) = store.find_by_hash(&value.hash).await.unwrap().unwrap();
        assert_eq!((of_value, found), (token.clone(), value.generation));
    }
    let previous = token.previous.as_ref().map(|value| value.generation);
    Some((token.id.to_string(), generation, token.current.generation, previous))
}

/// Values of tokens with one, two and four generations and of none, each with what is to be found.
async fn values(server: &Server) -> Vec<(ValueHash, Found)> {
    let mut values = Vec::new();
    for (number, rotations) in [0_u32, 3, 1, 0, 3, 0, 1, 0, 3].into_iter().enumerate() {
        let created = server.admin.create(json!({ "name": number.to_string() })).await.unwrap();
        let mut texts = vec![created.client.value.clone().unwrap()];
        for _ in 0..rotations {
            let newest = texts.last().unwrap().clone();
            texts.push(created.client.with(newest).rotate().await.unwrap());
        }
        let (current, previous) = (rotations + 1, (rotations > 0).then_some(rotations));
        for (generation, text) in (1..).zip(&texts) {
            values.push((hash(text), Some((created.id.clone(), generation, current, previous))));
        }
        let unknown = Value::from_entropy(TokenKind::Private, &[u8::try_from(number).unwrap(); 32]);
        values.push((unknown.hash(), None));
    }
    values
}

#[tokio::test]
async fn each_of_many_concurrent_lookups_finds_its_own_value() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let values = values(&server).await;
    for together in [1, 2, 3, 5, values.len(), 100] {
        let mut asking = JoinSet::new();
        for (hash, expected) in values.iter().cycle().take(together).cloned() {
            let store = store.clone();
            asking.spawn(async move { assert_eq!(look_up(store, hash).await, expected) });
        }
        asking.join_all().await;
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_lookup_does_not_stop_the_others() {
    let server = Server::start().await;
    let store = Store::connect(&server.database.url).await.unwrap();
    let values = values(&server).await;
    let mut asking = JoinSet::new();
    for (number, (hash, expected)) in values.into_iter().enumerate() {
        let store = store.clone();
        asking.spawn(async move {
            tokio::select! {
                biased;
                reported = look_up(store, hash) => assert_eq!(reported, expected),
                // Polled once, and so asking, when it is dropped.
                () = async {}, if number % 3 == 0 => {}
            }
        });
    }
    asking.join_all().await;
    store.close().await.unwrap();
}
