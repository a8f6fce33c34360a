//! The connection on which a replica polls PostgreSQL.

use std::time::Duration;

use sea_orm::sqlx;
use sea_orm::sqlx::postgres::{PgArguments, PgListener, PgPool, PgPoolOptions, PgRow, Postgres};
use sea_orm::sqlx::query::Query;

use crate::store::changes::notify::CHANNEL;
use crate::store::connect::postgres::pooled::Begin;
use crate::store::connect::postgres::pools;
use crate::store::connect::postgres::primary::Primary;

/// It is used for nothing else: polls must not wait for other statements, nor other statements for a poll whose connection died.
pub(super) enum Connection {
    /// Directly to the server, which sends notifications.
    Listening(Box<PgListener>),
    /// Through a connection pooler, which cannot listen: it has a server connection only during a transaction.
    Pooled(PgPool, Begin),
}

impl Connection {
    pub(super) async fn open(primary: &Primary, answer_timeout: Duration) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .test_before_acquire(false)
            .acquire_timeout(answer_timeout)
            .connect_lazy_with(primary.options.clone());
        if let Some(begin) = pools::begin(primary) {
            return Ok(Self::Pooled(pool, begin));
        }
        let mut listener = PgListener::connect_with(&pool).await?;
        // It must not reconnect by itself, because by then another server may be the primary.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(Self::Listening(Box::new(listener)))
    }

    /// Waits for a notification: forever behind a pooler.
    pub(super) async fn notified(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Listening(listener) => {
                listener.try_recv().await?.ok_or(sqlx::Error::PoolClosed)?;
                Ok(())
            }
            Self::Pooled(..) => std::future::pending().await,
        }
    }

    /// Drops the notifications that have arrived by now.
    pub(super) fn drop_notifications(&mut self) {
        if let Self::Listening(listener) = self {
            while listener.next_buffered().is_some() {}
        }
    }

    pub(super) async fn fetch_all(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        match self {
            Self::Listening(listener) => query.fetch_all(listener.as_mut()).await,
            // If another server answers, the transaction does not begin.
            Self::Pooled(pool, begin) => {
                let mut transaction = begin.begin(pool).await?.into_inner();
                let rows = query.persistent(false).fetch_all(&mut *transaction).await?;
                transaction.commit().await?;
                Ok(rows)
            }
        }
    }
}
