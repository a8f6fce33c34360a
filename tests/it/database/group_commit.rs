//! Operations that wait for the one writer of SQLite together share a durable transaction, each with an outcome of its own.
//! What is promised of them holds on PostgreSQL just the same.

use std::sync::Arc;

use rotakey::domain::id::TokenId;
use rotakey::domain::reason::ReasonDraft;
use rotakey::domain::token::SettingsDraft;
use rotakey::domain::value::Value;
use rotakey::service::{Caller, CreateRequest, ErrorCode, Issued, Policy, RequestContext, RotateRequest, Service};
use rotakey::store::Store;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::task::JoinSet;

use crate::support::clock::ManualClock;
use crate::support::database::TestDatabase;
use crate::support::entropy::SeededEntropy;

const CLIENTS: usize = 64;

/// The use cases over a database of their own.
struct Fixture {
    database: TestDatabase,
    store: Store,
    service: Service,
    secret: Value,
    admin: Caller,
}

impl Fixture {
    async fn new() -> Self {
        Self::on(TestDatabase::new().await).await
    }

    async fn on(database: TestDatabase) -> Self {
        let store = Store::connect(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        let (clock, entropy) = (Arc::new(ManualClock::new()), Arc::new(SeededEntropy::new(1)));
        let service = Service::open(store.clone(), clock, entropy, Policy::default()).await.unwrap();
        let secret = service.bootstrap().await.unwrap().value;
        let admin = service.authenticate(secret.expose(), RequestContext::default()).await.unwrap();
        Self { database, store, service, secret, admin }
    }

    async fn create(&self) -> Issued {
        let request = CreateRequest { draft: SettingsDraft::new("one of many"), clone_settings_from: None };
        self.service.create(&self.admin, request).await.unwrap()
    }

    async fn holder(&self) -> Caller {
        self.present(&self.create().await.value).await.unwrap()
    }

    async fn holders(&self) -> Vec<Caller> {
        let mut holders = Vec::new();
        for _ in 0..CLIENTS {
            holders.push(self.holder().await);
        }
        holders
    }

    async fn present(&self, value: &Value) -> Result<Caller, ErrorCode> {
        self.service.authenticate(value.expose(), RequestContext::default()).await.map_err(|err| err.code())
    }

    /// Rotates all of them at once; what became of each, in no order.
    async fn rotate_concurrently(&self, holders: Vec<Caller>) -> Vec<Result<Issued, ErrorCode>> {
        let mut running = JoinSet::new();
        for holder in holders {
            let service = self.service.clone();
            running.spawn(
                async move { service.rotate(&holder, &RotateRequest::default()).await.map_err(|err| err.code()) },
            );
        }
        running.join_all().await
    }

    /// Takes the write slot that all others then wait for.
    async fn take_slot(&self) -> rotakey::store::Transaction {
        let transaction = self.store.begin().await.unwrap();
        transaction.find_to_change(self.admin.token_id(), None).await.unwrap();
        transaction
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_rotations_of_many_tokens_all_succeed_and_every_value_works() {
    let fixture = Fixture::new().await;
    let issued = fixture.rotate_concurrently(fixture.holders().await).await;
    assert_eq!(issued.len(), CLIENTS);
    for issued in issued {
        let issued = issued.unwrap();
        assert_eq!(fixture.present(&issued.value).await.unwrap().generation(), 2);
    }
}

#[tokio::test]
async fn on_sqlite_creations_that_wait_together_share_a_durable_transaction() {
    let fixture = Arc::new(Fixture::on(TestDatabase::sqlite()).await);
    let before = fixture.store.commits();
    let slot = fixture.take_slot().await;
    let mut running = JoinSet::new();
    for _ in 0..CLIENTS {
        let fixture = fixture.clone();
        running.spawn(async move { fixture.create().await.value });
    }
    tokio::task::yield_now().await;
    drop(slot);
    let values = running.join_all().await;
    assert_eq!(fixture.store.commits() - before, 1, "durable transactions for {CLIENTS} creations");
    for value in values {
        fixture.present(&value).await.unwrap();
    }
}

#[tokio::test]
async fn on_sqlite_rotations_that_wait_together_share_durable_transactions() {
    let fixture = Fixture::on(TestDatabase::sqlite()).await;
    let holders = fixture.holders().await;
    let ids: Vec<String> = holders.iter().map(|holder| holder.token_id().to_string()).collect();
    let before = fixture.store.commits();
    // All wait for this one, and then only for each other.
    let slot = fixture.take_slot().await;
    let mut running = JoinSet::new();
    for holder in holders {
        let service = fixture.service.clone();
        running.spawn(async move { service.rotate(&holder, &RotateRequest::default()).await.unwrap() });
    }
    tokio::task::yield_now().await;
    drop(slot);
    running.join_all().await;
    let commits = fixture.store.commits() - before;
    assert_eq!(commits, 1, "durable transactions for {CLIENTS} rotations");
    let beside = fixture.database.connect().await;
    let sql = "SELECT token_id FROM audit_event WHERE action = 'API_TOKEN_ROTATED' ORDER BY rowid";
    let rows = beside.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    let rotated: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert_eq!(rotated, ids, "in the order of the requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn r7_of_racing_rotations_of_one_token_one_wins_and_its_value_works() {
    let fixture = Fixture::new().await;
    let created = fixture.create().await;
    let mut racers = Vec::new();
    for _ in 0..CLIENTS {
        racers.push(fixture.present(&created.value).await.unwrap());
    }
    let (won, lost): (Vec<_>, Vec<_>) = fixture.rotate_concurrently(racers).await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, CLIENTS - 1));
    for outcome in lost {
        assert_eq!(outcome.map(|_| ()), Err(ErrorCode::RotationConflict));
    }
    for issued in won {
        assert_eq!(fixture.present(&issued.unwrap().value).await.unwrap().generation(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_half_way_leaves_what_the_others_of_its_group_did() {
    let fixture = Fixture::new().await;
    let holders = fixture.holders().await;
    let ids: Vec<TokenId> = holders.iter().map(Caller::token_id).collect();
    let now = rotakey::domain::timestamp::Timestamp::from_unix_millis(crate::support::clock::START);
    let mut running = JoinSet::new();
    for (number, holder) in holders.into_iter().enumerate() {
        let (service, store) = (fixture.service.clone(), fixture.store.clone());
        running.spawn(async move {
            if number % 2 == 0 {
                service.rotate(&holder, &RotateRequest::default()).await.unwrap();
                return;
            }
            // Changes something, and then fails: a token of this id is there already.
            let transaction = store.begin().await.unwrap();
            transaction.revoke(holder.token_id(), now).await.unwrap();
            let token = transaction.find_token(holder.token_id()).await.unwrap().unwrap();
            let outcome = transaction.insert(&token).await;
            assert!(outcome.is_err());
            assert!(transaction.finish(outcome).await.is_err());
        });
    }
    running.join_all().await;
    for (number, id) in ids.into_iter().enumerate() {
        let token = fixture.store.find_token(id).await.unwrap().unwrap();
        let expected = if number % 2 == 0 { 2 } else { 1 };
        assert_eq!((token.current.generation, token.revoked_at), (expected, None), "{number}");
    }
}

#[tokio::test]
async fn on_sqlite_a_rotation_that_the_database_refuses_fails_alone() {
    let fixture = Fixture::on(TestDatabase::sqlite()).await;
    let mut holders = fixture.holders().await;
    let (revokes, refused) = (holders.remove(0), holders.remove(CLIENTS / 2));
    let refused_id = refused.token_id();
    let sql = format!(
        "CREATE TRIGGER snag BEFORE INSERT ON api_token_value WHEN NEW.token_id = '{refused_id}'
         BEGIN SELECT RAISE(ABORT, 'snag'); END"
    );
    fixture.database.connect().await.execute_unprepared(&sql).await.unwrap();
    // All wait for this one, and then share a transaction.
    let slot = fixture.take_slot().await;
    let (service, id) = (fixture.service.clone(), revokes.token_id().to_string());
    let revocation =
        tokio::spawn(
            async move { service.revoke(&revokes, &id, ReasonDraft::default()).await.map_err(|err| err.code()) },
        );
    tokio::task::yield_now().await;
    let mut running = JoinSet::new();
    holders.insert(3, refused);
    for holder in holders {
        let service = fixture.service.clone();
        running.spawn(async move {
            let outcome = service.rotate(&holder, &RotateRequest::default()).await;
            (holder.token_id(), outcome.map(drop).map_err(|err| err.code()))
        });
    }
    tokio::task::yield_now().await;
    drop(slot);
    for (id, outcome) in running.join_all().await {
        let expected = if id == refused_id { Err(ErrorCode::Internal) } else { Ok(()) };
        assert_eq!(outcome, expected, "{id}");
    }
    assert!(revocation.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_disconnects_at_any_moment_affects_no_other() {
    let fixture = Fixture::new().await;
    let holders = fixture.holders().await;
    let ids: Vec<TokenId> = holders.iter().map(Caller::token_id).collect();
    let mut staying = JoinSet::new();
    let mut leaving = Vec::new();
    for (number, holder) in holders.into_iter().enumerate() {
        let service = fixture.service.clone();
        if number % 2 == 0 {
            staying.spawn(async move { service.rotate(&holder, &RotateRequest::default()).await.unwrap() });
            continue;
        }
        leaving.push(tokio::spawn(async move {
            let request = RotateRequest::default();
            let rotation = std::pin::pin!(service.rotate(&holder, &request));
            // Dropped after another number of steps, so at another instruction; a rotation has about seven.
            for_steps(rotation, 1 + number % 7).await;
        }));
    }
    let stayed = staying.join_all().await;
    for left in leaving {
        left.await.unwrap();
    }
    assert_eq!(stayed.len(), CLIENTS / 2);
    for issued in stayed {
        assert_eq!(fixture.present(&issued.value).await.unwrap().generation(), 2);
    }
    // A client that left rotated wholly or not at all, and all tokens can still be rotated.
    for id in ids {
        let token = fixture.store.find_token(id).await.unwrap().unwrap();
        let previous = token.previous.as_ref().map(|previous| previous.generation);
        assert!(matches!((token.current.generation, previous), (1, None) | (2, Some(1))), "{token:?}");
    }
    fixture.rotate_concurrently(vec![fixture.holder().await]).await.remove(0).unwrap();
}

/// Polls a future so many times at most, and then drops it.
async fn for_steps<F: Future>(mut future: std::pin::Pin<&mut F>, steps: usize) {
    let mut left = steps;
    std::future::poll_fn(|context| {
        left -= 1;
        if future.as_mut().poll(context).is_ready() || left == 0 {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
}

#[tokio::test]
async fn on_sqlite_r13_an_answer_waits_until_what_it_relies_on_is_durable() {
    let fixture = Fixture::on(TestDatabase::sqlite()).await;
    let created = fixture.create().await;
    let id = created.view.token.id.to_string();
    let mut callers = Vec::new();
    for _ in 0..2 {
        callers.push(fixture.present(&created.value).await.unwrap());
    }
    let (rotates, revokes) = (callers.remove(0), callers.remove(0));
    let before = fixture.store.commits();
    // All wait for this slot, one behind the other, and the last holds up the commit.
    let slot = fixture.take_slot().await;
    let revoke = |caller: Caller| {
        let (service, id) = (fixture.service.clone(), id.clone());
        tokio::spawn(
            async move { service.revoke(&caller, &id, ReasonDraft::default()).await.map_err(|err| err.code()) },
        )
    };
    let revoked = revoke(revokes);
    tokio::task::yield_now().await;
    let service = fixture.service.clone();
    let refused = tokio::spawn(async move { service.rotate(&rotates, &RotateRequest::default()).await });
    let revoked_again =
        revoke(fixture.service.authenticate(fixture.secret.expose(), RequestContext::default()).await.unwrap());
    tokio::task::yield_now().await;
    let last = tokio::spawn({
        let store = fixture.store.clone();
        async move { store.begin().await.unwrap() }
    });
    tokio::task::yield_now().await;
    drop(slot);
    let last = last.await.unwrap();
    assert_eq!(fixture.store.commits(), before);
    for answered in [revoked.is_finished(), refused.is_finished(), revoked_again.is_finished()] {
        assert!(!answered, "an answer was given before the commit");
    }
    last.commit().await.unwrap();
    assert!(revoked.await.unwrap().is_ok());
    assert_eq!(refused.await.unwrap().map(|_| ()).map_err(|err| err.code()), Err(ErrorCode::TokenRevoked));
    assert!(revoked_again.await.unwrap().is_ok());
    assert_eq!(fixture.store.commits(), before + 1);
}

#[tokio::test]
async fn on_sqlite_r13_a_failed_group_commit_acknowledges_nothing() {
    let fixture = Fixture::on(TestDatabase::sqlite()).await;
    // A constraint that is checked at the commit alone makes it fail.
    let beside = fixture.database.connect().await;
    let sql = "CREATE TABLE snag (id TEXT REFERENCES api_token (id) DEFERRABLE INITIALLY DEFERRED);
               CREATE TRIGGER snag AFTER INSERT ON audit_event WHEN NEW.action = 'API_TOKEN_REVOKED'
               BEGIN INSERT INTO snag VALUES ('none'); END";
    beside.execute_unprepared(sql).await.unwrap();
    let (rotates, revokes) = (fixture.holder().await, fixture.holder().await);
    let (rotated, revoked) = (rotates.token_id(), revokes.token_id());
    let slot = fixture.take_slot().await;
    let service = fixture.service.clone();
    let rotation = tokio::spawn(async move { service.rotate(&rotates, &RotateRequest::default()).await });
    let service = fixture.service.clone();
    let revocation =
        tokio::spawn(async move { service.revoke(&revokes, &revoked.to_string(), ReasonDraft::default()).await });
    tokio::task::yield_now().await;
    drop(slot);
    assert!(rotation.await.unwrap().is_err());
    assert!(revocation.await.unwrap().is_err());
    for id in [rotated, revoked] {
        let token = fixture.store.find_token(id).await.unwrap().unwrap();
        assert_eq!((token.current.generation, token.revoked_at), (1, None));
    }
    // The next one has a connection that works.
    fixture.rotate_concurrently(vec![fixture.holder().await]).await.remove(0).unwrap();
}
