//! The audit log: appended to in the transaction of every change, read newest first.

use std::net::IpAddr;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Order, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::audit::{Action, AuditEvent, AuditFilter, Provenance};
use crate::domain::id::{EventId, RequestId};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;

use super::entity::audit_event::{ActiveModel, Column, Entity, Model};
use super::{Error, Store, Transaction, rows};

/// How the operator is named in the column `actor`.
const SYSTEM: &str = "SYSTEM";

impl Transaction {
    /// Appends an event to the audit log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append(&self, event: &AuditEvent) -> Result<(), Error> {
        Entity::insert(row(event)).exec_without_returning(self.connection()).await?;
        self.note_event(event);
        Ok(())
    }
}

impl Store {
    /// Up to `size` events that match, newest first, starting after the event `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(
        &self,
        filter: &AuditFilter,
        after: Option<EventId>,
        size: u64,
    ) -> Result<Vec<AuditEvent>, Error> {
        let mut select = Entity::find();
        if let Some(actions) = &filter.actions {
            select = select.filter(Column::Action.is_in(actions.iter().map(|action| action.as_str())));
        }
        if let Some(id) = filter.token_id {
            select = select.filter(Column::TokenId.eq(id.to_string()));
        }
        if let Some(id) = filter.actor_id {
            select = select.filter(Column::Actor.eq(id.to_string()));
        }
        if let Some(since) = filter.since {
            select = select.filter(Column::At.gte(since.unix_millis()));
        }
        if let Some(until) = filter.until {
            select = select.filter(Column::At.lt(until.unix_millis()));
        }
        if let Some(after) = after {
            select = select.filter(Column::Id.lt(after.to_string()));
        }
        let rows = select.order_by_desc(Column::Id).limit(size).all(&self.read).await?;
        rows.into_iter().map(event).collect()
    }

    /// The event of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event(&self, id: EventId) -> Result<Option<AuditEvent>, Error> {
        Entity::find_by_id(id.to_string()).one(&self.read).await?.map(event).transpose()
    }

    /// The events of these ids, in no order. Those that are not there any more are left out.
    pub(super) async fn events_by_id(&self, ids: &[EventId]) -> Result<Vec<AuditEvent>, Error> {
        let wanted = Column::Id.is_in(ids.iter().map(ToString::to_string));
        let rows = Entity::find().filter(wanted).all(&self.read).await?;
        rows.into_iter().map(event).collect()
    }

    /// Forgets up to `most` events from before this moment, the oldest first; how many they were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_events(&self, before: Timestamp, most: u64) -> Result<u64, Error> {
        let transaction = self.begin().await?;
        let oldest = Query::select()
            .column(Column::Id)
            .from(Entity)
            .and_where(Column::At.lt(before.unix_millis()))
            .order_by(Column::At, Order::Asc)
            .limit(most)
            .take();
        let old = Entity::delete_many().filter(Column::Id.in_subquery(oldest));
        let deleted = old.exec(transaction.connection()).await?.rows_affected;
        transaction.commit().await?;
        Ok(deleted)
    }
}

pub(super) fn row(event: &AuditEvent) -> ActiveModel {
    let actor = |actor| rows::actor_name(actor).unwrap_or_else(|| SYSTEM.to_owned());
    ActiveModel {
        id: Set(event.id.to_string()),
        at: Set(event.at.unix_millis()),
        action: Set(event.action.as_str().to_owned()),
        result: Set(event.result.clone()),
        actor: Set(event.actor.map(actor)),
        token_id: Set(event.token_id.map(|id| id.to_string())),
        generation: Set(event.generation.map(i64::from)),
        address: Set(event.provenance.address.map(|address| address.to_string())),
        user_agent: Set(event.provenance.user_agent.clone()),
        request_id: Set(event.provenance.request_id.map(|id| id.to_string())),
    }
}

fn event(row: Model) -> Result<AuditEvent, Error> {
    let unreadable = |what: &str| Error::Unreadable(format!("audit_event {}: {what}", row.id));
    let actor = match row.actor.as_deref() {
        None => None,
        Some(SYSTEM) => Some(Actor::System),
        Some(id) => Some(Actor::ApiToken(rows::token_id(id)?)),
    };
    let address = row.address.as_deref().map(str::parse::<IpAddr>).transpose().map_err(|_| unreadable("address"))?;
    let request_id = row.request_id.as_deref().map(|id| RequestId::parse(id).ok_or_else(|| unreadable("request_id")));
    Ok(AuditEvent {
        id: EventId::parse(&row.id).ok_or_else(|| unreadable("id"))?,
        at: Timestamp::from_unix_millis(row.at),
        action: Action::parse(&row.action).ok_or_else(|| unreadable("action"))?,
        result: row.result.clone(),
        actor,
        token_id: row.token_id.as_deref().map(rows::token_id).transpose()?,
        generation: row.generation.map(rows::small).transpose()?,
        provenance: Provenance { address, user_agent: row.user_agent.clone(), request_id: request_id.transpose()? },
    })
}
