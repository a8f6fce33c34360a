//! A client that goes away while the transaction of its request begins must not leave it open on a connection of the pool. The next
//! statement on that connection would be acknowledged as part of it, and be lost with it (R13).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use rotakey::store::Store;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::support::database::TestDatabase;
use crate::support::deadline::until;

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_cancelled_begin_leaves_no_transaction_open() {
    let database = TestDatabase::postgres().await;
    let store = Store::connect(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    let admin = database.connect().await;
    // PostgreSQL ends one that is idle for ten seconds.
    let open =
        "SELECT count(*), coalesce(max(clock_timestamp() - state_change) > interval '7 s', false) FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle in transaction'";
    for _ in 0..10 {
        // So that there is an idle connection, and the first poll sends the BEGIN.
        store.begin().await.unwrap().commit().await.unwrap();
        {
            let mut begin = pin!(store.begin());
            poll_fn(|context| Poll::Ready(begin.as_mut().poll(context).is_ready())).await;
        }
        until("the end of a transaction whose begin was cancelled", async || {
            let row = admin.query_one_raw(Statement::from_string(DbBackend::Postgres, open)).await.unwrap().unwrap();
            assert!(!row.try_get_by_index::<bool>(1).unwrap(), "a transaction is left open");
            row.try_get_by_index::<i64>(0).unwrap() == 0
        })
        .await;
    }
    store.close().await.unwrap();
}
