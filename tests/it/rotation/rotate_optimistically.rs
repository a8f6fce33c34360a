//! R5, R7, R10 and R12 of a rotation that is decided on what its caller was recognised by, while that changes.

use rotakey::domain::id::TokenId;
use rotakey::domain::reason::ReasonDraft;
use rotakey::domain::restriction::Source;
use rotakey::domain::token::{SettingsChange, Token};
use rotakey::service::{Caller, CreateRequest, ErrorCode, Issued, RequestContext, RotateRequest};
use rotakey::store::AuditMessage;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::task::JoinHandle;

use crate::support::clock::SECOND;
use crate::support::database::TestDatabase;
use crate::support::deadline::until;
use crate::support::replica::{Replica, named};

/// A token that was rotated once, and two replicas of which the second does not poll for what the first changes.
struct Case {
    database: TestDatabase,
    here: Replica,
    stale: Replica,
    admin: Caller,
    id: TokenId,
    value: String,
}

impl Case {
    /// The value has not been used yet.
    async fn unused() -> Self {
        Self::unused_on(TestDatabase::new().await).await
    }

    async fn unused_on(database: TestDatabase) -> Self {
        let (here, stale) = (Replica::on(&database, 1).await, Replica::on(&database, 2).await);
        let admin = here.caller(here.service.bootstrap().await.unwrap().value.expose()).await;
        let request = CreateRequest { draft: named("n"), ..CreateRequest::default() };
        let created = here.service.create(&admin, request).await.unwrap();
        let old = here.caller(created.value.expose()).await;
        let issued = here.service.rotate(&old, &RotateRequest::default()).await.unwrap();
        let value = issued.value.expose().to_owned();
        Self { database, here, stale, admin, id: created.view.token.id, value }
    }

    /// The value has been used.
    async fn used() -> Self {
        Self::used_on(TestDatabase::new().await).await
    }

    async fn used_on(database: TestDatabase) -> Self {
        let case = Self::unused_on(database).await;
        assert_eq!(case.here.code_of(&case.value).await, "VALID");
        case
    }

    /// And the replica that does not poll has cached it.
    async fn remembered() -> Self {
        let case = Self::used().await;
        drop(case.stale.contact().await);
        assert_eq!(case.stale.code_of(&case.value).await, "VALID");
        case
    }

    /// The holder, from an address, as the replica that does not poll recognises it.
    async fn holder(&self) -> Caller {
        let source = Source::reported("address", Some("192.0.2.1"), None).unwrap();
        self.stale
            .service
            .authenticate_deferring_first_use(&self.value, RequestContext { source, ..RequestContext::default() })
            .await
            .unwrap()
    }

    async fn rotate(&self, holder: &Caller) -> Result<Issued, ErrorCode> {
        self.stale.service.rotate(holder, &RotateRequest::default()).await.map_err(|err| err.code())
    }

    async fn restrict(&self, blocks: &[&str]) {
        let blocks = blocks.iter().map(|block| (*block).to_owned()).collect();
        let change = SettingsChange { allowed_cidr_blocks: Some(blocks), ..SettingsChange::default() };
        self.here.service.update(&self.admin, &self.id.to_string(), change).await.unwrap();
    }

    async fn token(&self) -> Token {
        self.here.store.find_token(self.id).await.unwrap().unwrap()
    }

    /// How many events and values there are.
    async fn rows(&self) -> i64 {
        let sql = "SELECT (SELECT count(*) FROM audit_event) + (SELECT count(*) FROM api_token_value)";
        number(&self.database.connect().await, sql).await
    }
}

async fn number(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn r10_a_token_that_another_replica_revoked_does_not_rotate() {
    for remembered in [true, false] {
        let case = if remembered { Case::remembered().await } else { Case::unused().await };
        let holder = case.holder().await;
        case.here.service.revoke(&case.admin, &case.id.to_string(), ReasonDraft::default()).await.unwrap();
        let (before, rows) = (case.token().await, case.rows().await);
        for holder in [holder, if remembered { case.holder().await } else { continue }] {
            assert_eq!(case.rotate(&holder).await.err(), Some(ErrorCode::TokenRevoked));
            assert_eq!((case.token().await, case.rows().await), (before.clone(), rows));
        }
    }
}

#[tokio::test]
async fn r10_a_token_that_another_replica_suspended_is_neither_rotated_nor_used() {
    for remembered in [true, false] {
        let case = if remembered { Case::remembered().await } else { Case::unused().await };
        let holder = case.holder().await;
        case.here.service.suspend(&case.admin, &case.id.to_string(), ReasonDraft::default()).await.unwrap();
        let (before, rows) = (case.token().await, case.rows().await);
        assert_eq!(case.rotate(&holder).await.err(), Some(ErrorCode::TokenSuspended));
        let used = case.stale.service.write_first_use(&holder).await.map_err(|err| err.code());
        assert_eq!(used, if remembered { Ok(()) } else { Err(ErrorCode::TokenSuspended) });
        assert_eq!((case.token().await, case.rows().await), (before, rows));
        case.here.service.resume(&case.admin, &case.id.to_string()).await.unwrap();
        assert_eq!(case.rotate(&holder).await.unwrap().view.token.current.generation, 3);
    }
}

#[tokio::test]
async fn r12_a_token_that_another_replica_restricted_rotates_only_from_where_it_may() {
    for remembered in [true, false] {
        let case = if remembered { Case::remembered().await } else { Case::unused().await };
        // Twice, and the clock stands still: that settings were changed then says nothing.
        case.restrict(&["192.0.2.0/24"]).await;
        let holder = case.holder().await;
        case.restrict(&["198.51.100.0/24"]).await;
        let (before, rows) = (case.token().await, case.rows().await);
        assert_eq!(case.rotate(&holder).await.err(), Some(ErrorCode::AddressRefused));
        assert_eq!((case.token().await, case.rows().await), (before, rows));
        case.restrict(&["192.0.2.1"]).await;
        let issued = case.rotate(&holder).await.unwrap();
        assert_eq!(*issued.view.token, case.token().await, "what is reported is what is written");
        assert_eq!(issued.view.token.current.generation, 3);
    }
}

#[tokio::test]
async fn the_answer_shows_settings_that_another_replica_changed() {
    let case = Case::remembered().await;
    let holder = case.holder().await;
    case.here.clock.advance(SECOND);
    let change = SettingsChange { name: Some("m".into()), ..SettingsChange::default() };
    case.here.service.update(&case.admin, &case.id.to_string(), change).await.unwrap();
    let issued = case.rotate(&holder).await.unwrap();
    assert_eq!((&*issued.view.token.settings.name, issued.view.token.current.generation), ("m", 3));
}

#[tokio::test]
async fn r5_a_value_first_used_at_another_replica_rotates_and_keeps_its_first_use() {
    let case = Case::unused().await;
    let holder = case.holder().await;
    assert_eq!(case.here.code_of(&case.value).await, "VALID");
    let used_at = case.here.now();
    case.stale.clock.advance(SECOND);
    let issued = case.rotate(&holder).await.unwrap();
    assert_eq!(*issued.view.token, case.token().await, "what is reported is what is written");
    assert_eq!(issued.view.token.previous.as_ref().unwrap().first_used_at, Some(used_at));
}

#[tokio::test]
async fn r7_a_value_that_another_replica_replaced_does_not_rotate_the_token_again() {
    let case = Case::remembered().await;
    let (one, other) = (case.holder().await, case.holder().await);
    let winner = case.rotate(&one).await.unwrap();
    let (before, rows) = (case.token().await, case.rows().await);
    assert_eq!(case.rotate(&other).await.err(), Some(ErrorCode::RotationConflict));
    assert_eq!((case.token().await, case.rows().await), (before, rows + 1), "there is an event of the refusal");
    assert_eq!(case.here.code_of(winner.value.expose()).await, "VALID");
}

/// What changes while a rotation waits for it, and what then comes of the rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Happening {
    FirstUse,
    LaterUse,
    ErasedSalt,
    Update,
    Revocation,
}

#[tokio::test]
async fn r7_a_rotation_that_waits_for_another_change_is_decided_on_what_came_of_it() {
    use Happening::{ErasedSalt, FirstUse, LaterUse, Revocation, Update};
    for happening in [FirstUse, LaterUse, ErasedSalt, Update, Revocation] {
        let case = if happening == FirstUse { Case::unused().await } else { Case::used().await };
        let (holder, now) = (case.holder().await, case.here.now());
        let other = case.here.store.begin().await.unwrap();
        let (token, _) = other.find_to_change(case.id, None).await.unwrap();
        let mut token = token.unwrap();
        match happening {
            FirstUse | LaterUse => other.record_use(case.id, 2, now).await.unwrap(),
            ErasedSalt => other.erase_salt(case.id, 2).await.unwrap(),
            Update => {
                token.settings.name = "m".into();
                token.updated = Some((now, token.created_by));
                other.update(&token).await.unwrap();
            }
            Revocation => other.revoke(case.id, now).await.unwrap(),
        }
        let service = case.stale.service.clone();
        let rotation = tokio::spawn(async move { service.rotate(&holder, &RotateRequest::default()).await });
        waits(&case.database, &rotation).await;
        other.commit().await.unwrap();
        let outcome = rotation.await.unwrap().map_err(|err| err.code());
        let token = case.token().await;
        if happening == Revocation {
            assert_eq!((outcome.err(), token.current.generation), (Some(ErrorCode::TokenRevoked), 2));
            continue;
        }
        assert_eq!(*outcome.unwrap().view.token, token, "{happening:?}");
        assert_eq!((token.current.generation, token.previous.unwrap().generation), (3, 2), "{happening:?}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r13_a_rotation_in_flight_is_published_although_its_client_disconnects() {
    // On SQLite it is rolled back: a rotation that waits for a write slot has changed nothing yet.
    let case = Case::used_on(TestDatabase::postgres().await).await;
    let mut listener = case.here.store.listen().await.unwrap();
    let mut feed = case.here.store.subscribe_to_audit_log();
    let stamps = (case.here.store.stamp(), case.stale.store.stamp());
    let holder = case.holder().await;
    let other = case.here.store.begin().await.unwrap();
    other.find_to_change(case.id, None).await.unwrap();
    let service = case.stale.service.clone();
    let rotation = tokio::spawn(async move { service.rotate(&holder, &RotateRequest::default()).await });
    waits(&case.database, &rotation).await;
    rotation.abort();
    assert!(rotation.await.unwrap_err().is_cancelled());
    drop(other);
    until("the rotation", async || case.token().await.current.generation == 3).await;
    listener.wait_and_poll().await.unwrap();
    assert!(!case.here.store.is_fresh(case.id, stamps.0));
    let AuditMessage::Event(event) = feed.try_recv().unwrap() else { panic!("contact was lost") };
    assert_eq!((event.token_id, event.generation), (Some(case.id), Some(3)));
    until("the change in the store that rotated", async || !case.stale.store.is_fresh(case.id, stamps.1)).await;
}

/// Waits until the rotation waits for a row, on PostgreSQL in the one statement that an ordinary rotation is.
async fn waits<T>(database: &TestDatabase, rotation: &JoinHandle<T>) {
    if database.is_sqlite() {
        // On SQLite it waits for a write slot, sooner or later.
        return tokio::task::yield_now().await;
    }
    let beside = database.connect().await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
               AND query LIKE 'WITH link1 AS (UPDATE api_token %'";
    assert_eq!(beside.get_database_backend(), DbBackend::Postgres);
    let waits = async || {
        assert!(!rotation.is_finished(), "it did not wait");
        number(&beside, sql).await > 0
    };
    until("the rotation's wait for the row", waits).await;
}
