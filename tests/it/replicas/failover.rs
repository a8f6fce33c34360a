//! On PostgreSQL: a standby takes the place of a primary that was killed. These tests make servers of their own, wherever the
//! tests run on PostgreSQL at all.

use migration::{Migrator, MigratorTrait};
use rotakey::domain::id::TokenId;
use rotakey::domain::timestamp::Timestamp;
use rotakey::service::{Policy, RotateRequest};
use rotakey::store::Store;
use sea_orm::ConnectionTrait;

use crate::support::cluster::{self, PostgresServer};
use crate::support::database::TestDatabase;
use crate::support::replica::Replica;

/// The migrations of the version in which `change` was not logged.
const BEFORE_LOGGED: Option<u32> = Some(2);

/// Rotates the token of this value twice and gives back its newest value.
async fn rotate_twice(replica: &Replica, value: String) -> String {
    let mut value = value;
    for _ in 0..2 {
        let caller = replica.caller(&value).await;
        let issued = replica.service.rotate(&caller, &RotateRequest::default()).await.unwrap();
        value = issued.value.expose().to_owned();
    }
    value
}

async fn migrate_to_before_logged(server: &PostgresServer) {
    let connection = server.connect().await;
    Migrator::up(&connection, BEFORE_LOGGED).await.unwrap();
    connection.close().await.unwrap();
}

async fn rotations_go_on_after_a_failover(standby_first: bool, checkpoint: bool) {
    let mut primary = PostgresServer::primary().await;
    let early = if standby_first { Some(primary.synchronous_standby().await) } else { None };
    migrate_to_before_logged(&primary).await;
    let here = Replica::at(&primary.url(), 1, Policy::default()).await;
    let standby = match early {
        Some(standby) => standby,
        None => primary.synchronous_standby().await,
    };
    let admin = here.service.bootstrap().await.unwrap().value.expose().to_owned();
    let admin = rotate_twice(&here, admin).await;
    if checkpoint {
        primary.execute("CHECKPOINT").await;
        standby.execute("CHECKPOINT").await;
    }
    primary.kill();
    standby.promote().await;
    let there = Replica::at(&standby.url(), 2, Policy::default()).await;
    rotate_twice(&there, admin).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r13_rotations_go_on_after_a_failover_to_a_standby_made_before_the_migration() {
    rotations_go_on_after_a_failover(true, false).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r13_rotations_go_on_after_a_checkpoint_and_a_failover_to_a_standby_made_before_the_migration() {
    rotations_go_on_after_a_failover(true, true).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r13_rotations_go_on_after_a_failover_to_a_standby_made_after_the_migration() {
    rotations_go_on_after_a_failover(false, false).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r13_rotations_go_on_after_a_checkpoint_and_a_failover_to_a_standby_made_after_the_migration() {
    rotations_go_on_after_a_failover(false, true).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_the_migration_repairs_a_database_that_could_announce_no_change_since_a_failover() {
    let mut primary = PostgresServer::primary().await;
    let standby = primary.synchronous_standby().await;
    migrate_to_before_logged(&primary).await;
    primary.kill();
    standby.promote().await;
    let replica = Replica::at(&standby.url(), 1, Policy::default()).await;
    let admin = replica.service.bootstrap().await.unwrap().value.expose().to_owned();
    rotate_twice(&replica, admin).await;
}

/// A replica of the previous version keeps running while another of this version starts.
#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_no_change_is_missed_while_the_change_table_is_recreated() {
    let database = TestDatabase::postgres().await;
    let connection = database.connect().await;
    Migrator::up(&connection, BEFORE_LOGGED).await.unwrap();
    let store = Store::connect(&database.url).await.unwrap();
    let mut listener = store.listen().await.unwrap();
    listener.wait_and_poll().await.unwrap();
    let ids = [1, 2].map(|byte| TokenId::new(Timestamp::from_unix_millis(0), [byte; 10]));
    let stamp = store.stamp();
    connection.execute_unprepared(&format!("INSERT INTO change (ids) VALUES ('{}')", ids[0])).await.unwrap();
    // This one commits when the migration already waits for it.
    let writer = database.connect().await;
    writer.execute_unprepared(&format!("BEGIN; INSERT INTO change (ids) VALUES ('{}')", ids[1])).await.unwrap();
    let other = Store::connect(&database.url).await.unwrap();
    let migrating = tokio::spawn(async move { other.migrate().await });
    let waiting = "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'change'::regclass AND NOT granted";
    cluster::wait_for(&connection, waiting).await;
    writer.execute_unprepared("COMMIT").await.unwrap();
    migrating.await.unwrap().unwrap();
    listener.wait_and_poll().await.unwrap();
    assert!(ids.iter().all(|id| !store.is_fresh(*id, stamp)));
    // Each is seen once.
    let stamp = store.stamp();
    listener.wait_and_poll().await.unwrap();
    assert!(ids.iter().all(|id| store.is_fresh(*id, stamp)));
}
