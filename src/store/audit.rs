//! The audit log: every change appends to it in its own transaction. It is listed newest first.

use std::net::IpAddr;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IdenStatic, Iterable, QueryFilter, QueryResult,
    Statement,
};

use crate::domain::audit::{Action, AuditEvent, AuditFilter, EventPage, Provenance, RefusedAs};
use crate::domain::id::{EventId, MailDigestId, RequestId, TokenId, WebhookId};
use crate::domain::listing::End;
use crate::domain::reason::Reason;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;

use super::entity::audit_event::{ActiveModel, Column, Entity, Model};
use super::sql::Sql;
use super::token::columns;
use super::{Error, Store, Transaction};

/// The operator in the column `actor`.
const SYSTEM: &str = "SYSTEM";
/// The column `result` of what was not refused.
const DONE: &str = "OK";

impl Transaction {
    /// Appends an event to the audit log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append(&self, event: &AuditEvent) -> Result<(), Error> {
        Entity::insert(row(event)).exec_without_returning(self.connection()).await?;
        self.add_event(event);
        Ok(())
    }

    /// The generations of the events of this action about this token between these two times. An event of a clock that was
    /// ahead is later than that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn generations_of_events(
        &self,
        action: Action,
        token_id: TokenId,
        (after, until): (Timestamp, Timestamp),
    ) -> Result<Vec<Option<u32>>, Error> {
        const SQL: &str =
            "SELECT generation FROM audit_event WHERE token_id = $1 AND action = $2 AND id >= $3 AND id < $4";
        let first_after = |moment: Timestamp| {
            EventId::first_of(Timestamp::from_unix_millis(moment.unix_millis().saturating_add(1))).to_string().into()
        };
        let values = [token_id.to_string().into(), action.as_str().into(), first_after(after), first_after(until)];
        let statement = Statement::from_sql_and_values(self.connection().get_database_backend(), SQL, values);
        let rows = self.connection().query_all_raw(statement).await?;
        let generation = |row: &QueryResult| {
            Ok(row.try_get_by_index::<Option<i64>>(0)?.and_then(|number| u32::try_from(number).ok()))
        };
        rows.iter().map(generation).collect()
    }
}

/// One page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventListing {
    /// The events, newest first.
    pub events: Vec<AuditEvent>,
    /// Whether more events match, beyond the last one in the direction of the page.
    pub more: bool,
}

impl Store {
    /// The page that was asked for.
    ///
    /// # Errors
    /// When the database fails, or the listing exceeds its limit.
    pub async fn events(&self, page: &EventPage) -> Result<EventListing, Error> {
        let _permit = self.listing_permit().await?;
        let statement = self.page_of_events(page).await?;
        let backend = statement.db_backend;
        let rows = Entity::find().from_raw_sql(statement).all(&self.listings).await;
        let rows = rows.map_err(|err| Error::of_listing(err, backend))?;
        let mut events = rows.into_iter().map(event).collect::<Result<Vec<_>, _>>()?;
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let more = events.len() > size;
        events.truncate(size);
        if page.end == End::Last {
            events.reverse();
        }
        Ok(EventListing { events, more })
    }

    /// The statement that reads a page of events and one more.
    pub(super) async fn page_of_events(&self, page: &EventPage) -> Result<Statement, Error> {
        let backend = self.listings.get_database_backend();
        let filter = &page.filter;
        let is_wanted = |action: &Action| filter.actions.as_ref().is_none_or(|wanted| wanted.contains(action));
        let mut actions: Vec<String> =
            Action::ALL.iter().filter(|action| is_wanted(action)).map(|action| action.as_str().to_owned()).collect();
        if index(filter).is_some() && is_wanted(&Action::Unknown) {
            actions.extend(self.unknown_actions().await?);
        }
        Ok(statement(page, &actions, backend))
    }

    /// The actions in the audit log that only a newer version knows.
    async fn unknown_actions(&self) -> Result<Vec<String>, Error> {
        // A loose index scan: it looks each action up in the index, and reads none of the events between. It goes down, because the
        // oldest end of each action has the entries of deleted events until they are vacuumed.
        const SQL: &str = "WITH RECURSIVE distinct_action(action) AS (
                SELECT max(action) FROM audit_event
                UNION ALL
                SELECT (SELECT max(audit_event.action) FROM audit_event WHERE audit_event.action < distinct_action.action)
                FROM distinct_action WHERE distinct_action.action IS NOT NULL
            ) SELECT action FROM distinct_action WHERE action IS NOT NULL";
        let backend = self.listings.get_database_backend();
        let rows = self.listings.query_all_raw(Statement::from_string(backend, SQL)).await;
        let rows = rows.map_err(|err| Error::of_listing(err, backend))?;
        let actions = rows.iter().map(|row| row.try_get_by_index::<String>(0)).collect::<Result<Vec<_>, _>>()?;
        Ok(actions.into_iter().filter(|action| Action::parse(action).is_none()).collect())
    }

    /// The event of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event(&self, id: EventId) -> Result<Option<AuditEvent>, Error> {
        Entity::find_by_id(id.to_string()).one(&self.read).await?.map(event).transpose()
    }

    /// The events of these ids, in no particular order. Deleted events are left out.
    pub(super) async fn events_by_id(&self, ids: &[EventId]) -> Result<Vec<AuditEvent>, Error> {
        let wanted = Column::Id.is_in(ids.iter().map(ToString::to_string));
        let rows = Entity::find().filter(wanted).all(&self.read).await?;
        rows.into_iter().map(event).collect()
    }

    /// Deletes up to `most` events from before this time, oldest first; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_events(&self, before: Timestamp, most: u64) -> Result<u64, Error> {
        let transaction = self.begin().await?;
        let mut sql = Sql::new(transaction.connection().get_database_backend());
        sql.push(
            "DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event WHERE id < ? ORDER BY id LIMIT ?)",
            [EventId::first_of(before).to_string().into(), most.into()],
        );
        let deleted = transaction.connection().execute_raw(sql.statement()).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }
}

/// The index that a page of events is read from, besides that of the ids. In each, the action comes before the id.
fn index(filter: &AuditFilter) -> Option<&'static str> {
    match (filter.token_id, filter.actor_id, &filter.actions) {
        (Some(_), ..) => Some("audit_event_token_idx"),
        (None, Some(_), _) => Some("audit_event_actor_idx"),
        (None, None, Some(_)) => Some("audit_event_action_idx"),
        (None, None, None) => None,
    }
}

/// The statement that reads a page of events of these actions and one more, from the end of the page on. The id of an event starts with its
/// time, so a period is a range of ids, and every branch is one range of an index that ends in the id.
fn statement(page: &EventPage, actions: &[String], backend: DbBackend) -> Statement {
    let EventPage { filter, after, before, size, end } = page;
    let direction = if *end == End::First { "DESC" } else { "ASC" };
    let index = index(filter);
    let branches: Vec<Option<&String>> = if index.is_some() { actions.iter().map(Some).collect() } else { vec![None] };
    let mut sql = Sql::new(backend);
    // By name: PostgreSQL refuses a prepared statement whose `*` has another column since a newer version has added one.
    let columns: Vec<String> = Column::iter().map(|column| format!("audit_event.{}", column.as_str())).collect();
    sql.text(&format!("SELECT {} FROM (", columns.join(", ")));
    if branches.is_empty() {
        // The filter names no action at all: no event matches.
        sql.text("SELECT id FROM audit_event WHERE 1 = 0");
    } else {
        sql.merge(&branches, &format!("id {direction}"), u64::from(*size) + 1, |sql, action| {
            sql.text("SELECT id FROM audit_event");
            if let Some(index) = index {
                sql.indexed_by(index);
            }
            sql.text(" WHERE 1 = 1");
            let id = |id: TokenId| id.to_string().into();
            for (condition, value) in [
                (" AND token_id = ?", filter.token_id.map(id)),
                (" AND actor = ?", filter.actor_id.map(id)),
                (" AND action = ?", action.map(|action| action.clone().into())),
                (" AND id >= ?", filter.since.map(|since| EventId::first_of(since).to_string().into())),
                (" AND id < ?", filter.until.map(|until| EventId::first_of(until).to_string().into())),
                (" AND id < ?", after.map(|after| after.to_string().into())),
                (" AND id > ?", before.map(|before| before.to_string().into())),
            ] {
                if let Some(value) = value {
                    sql.push(condition, [value]);
                }
            }
        });
    }
    sql.text(") AS page CROSS JOIN audit_event WHERE audit_event.id = page.id ORDER BY audit_event.id ")
        .text(direction);
    sql.statement()
}

pub(super) fn row(event: &AuditEvent) -> ActiveModel {
    let actor = |actor| columns::actor_name(actor).unwrap_or_else(|| SYSTEM.to_owned());
    ActiveModel {
        id: Set(event.id.to_string()),
        at: Set(event.at.unix_millis()),
        action: Set(event.action.as_str().to_owned()),
        result: Set(event.refusal.as_ref().map_or(DONE, RefusedAs::as_str).to_owned()),
        actor: Set(event.actor.map(actor)),
        token_id: Set(event.token_id.map(|id| id.to_string())),
        generation: Set(event.generation.map(i64::from)),
        address: Set(event.provenance.address.map(|address| address.to_string())),
        user_agent: Set(event.provenance.user_agent.clone()),
        request_id: Set(event.provenance.request_id.map(|id| id.to_string())),
        reason: if_any(event.reason.text.clone()),
        evidence_url: if_any(event.reason.evidence_url.clone()),
        webhook_id: if_any(event.webhook_id.map(|id| id.to_string())),
        mail_digest_id: if_any(event.mail_digest_id.map(|id| id.to_string())),
    }
}

/// Sets a column that few events have. The others leave it to its default, NULL.
fn if_any(text: Option<String>) -> ActiveValue<Option<String>> {
    text.map_or(NotSet, |text| Set(Some(text)))
}

fn event(row: Model) -> Result<AuditEvent, Error> {
    let unreadable = |what: &str| Error::Unreadable(format!("audit_event {}: {what}", row.id));
    // During an upgrade, a newer version writes into the same log. An actor or action that only that version knows is unknown
    // here, so that one event does not make a page unreadable or end subscriptions.
    let actor = match row.actor.as_deref() {
        Some(SYSTEM) => Some(Actor::System),
        Some(id) => TokenId::parse(id).map(Actor::ApiToken),
        None => None,
    };
    let address = row.address.as_deref().map(str::parse::<IpAddr>).transpose().map_err(|_| unreadable("address"))?;
    let request_id = row.request_id.as_deref().map(|id| RequestId::parse(id).ok_or_else(|| unreadable("request_id")));
    let webhook_id = row.webhook_id.as_deref().map(|id| WebhookId::parse(id).ok_or_else(|| unreadable("webhook_id")));
    Ok(AuditEvent {
        id: EventId::parse(&row.id).ok_or_else(|| unreadable("id"))?,
        at: Timestamp::from_unix_millis(row.at),
        action: Action::parse(&row.action).unwrap_or(Action::Unknown),
        refusal: match row.result.as_str() {
            DONE => None,
            name => Some(RefusedAs::of(name)),
        },
        actor,
        token_id: row.token_id.as_deref().map(columns::token_id).transpose()?,
        webhook_id: webhook_id.transpose()?,
        // That of another kind is of a newer version.
        mail_digest_id: row.mail_digest_id.as_deref().and_then(MailDigestId::parse),
        generation: row.generation.map(columns::to_u32).transpose()?,
        provenance: Provenance { address, user_agent: row.user_agent.clone(), request_id: request_id.transpose()? },
        reason: Reason { text: row.reason, evidence_url: row.evidence_url },
    })
}
