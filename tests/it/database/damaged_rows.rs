//! A row that was damaged fails. What it said is not guessed.

use std::sync::Arc;

use rotakey::service::{Policy, Service};
use rotakey::store::Store;
use sea_orm::ConnectionTrait;

use crate::support::clock::ManualClock;
use crate::support::database::TestDatabase;
use crate::support::entropy::SeededEntropy;

/// Columns, and what they are damaged to. SQLite's binary JSON has these bytes for null, and for an empty and another text.
const DAMAGES: [(&str, &str); 13] = [
    ("revoked_at", "x'00'"),
    ("expires_at", "x'00'"),
    ("allowed_cidr_blocks", "x'07'"),
    ("allowed_origins", "x'07'"),
    ("name", "x'1761'"),
    ("name", "x'00ff'"),
    ("name", "CAST(x'eda080' AS TEXT)"),
    ("revoked_at", "1.5"),
    ("revoked_at", "9e999"),
    ("protected", "2"),
    ("metadata", "'[]'"),
    ("metadata", "'{\"team\":7}'"),
    ("permissions", "'API_TOKEN_READ API_TOKEN_NEWER'"),
];

#[tokio::test]
async fn on_sqlite_a_column_of_another_type_or_with_an_unknown_word_is_never_guessed() {
    let database = TestDatabase::sqlite();
    let store = Store::connect(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    let (clock, entropy) = (Arc::new(ManualClock::new()), Arc::new(SeededEntropy::new(1)));
    let service = Service::open(store.clone(), clock, entropy, Policy::default()).await.unwrap();
    let token = service.bootstrap().await.unwrap().view.token;
    let beside = database.connect().await;
    let set = async |sql: &str| beside.execute_unprepared(&format!("UPDATE api_token SET {sql}")).await.unwrap();
    for (column, damaged) in DAMAGES {
        set(&format!("updated_by = {column}, {column} = {damaged}")).await;
        assert!(store.find_token(token.id).await.is_err(), "{column} {damaged}");
        assert!(store.find_by_hash(&token.current.hash).await.is_err(), "{column} {damaged}");
        set(&format!("{column} = updated_by, updated_by = NULL")).await;
        assert_eq!(store.find_token(token.id).await.unwrap().unwrap(), *token, "{column}");
    }
    // Not damaged, if unusual.
    set("name = 'a' || char(0, 31, 8232, 65535, 128512) || '\"\\' || ''''").await;
    let name = store.find_token(token.id).await.unwrap().unwrap().settings.name;
    assert_eq!(&*name, "a\0\u{1f}\u{2028}\u{ffff}\u{1f600}\"\\'");
}
