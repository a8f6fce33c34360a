//! A page of tokens by keyset: the cost of a page does not grow with its depth, and nothing counts the whole table.

use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use crate::domain::lifecycle::Status;
use crate::domain::listing::{End, Filter, OrderField, Page, Position};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

use super::entity::{api_token, api_token_value};
use super::read::{self, Row};
use super::{Error, Store, token};

const MILLIS_PER_MINUTE: i64 = 60_000;

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The tokens in the order asked for.
    pub tokens: Vec<Token>,
    /// Whether more tokens match beyond the end that the page grew towards.
    pub more: bool,
}

impl Store {
    /// The page asked for, with statuses as of `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, page: &Page, now: Timestamp) -> Result<Listing, Error> {
        let backwards = page.end == End::Last;
        let direction = if page.order.descending == backwards { sea_orm::Order::Asc } else { sea_orm::Order::Desc };
        let mut keys =
            api_token::Entity::find().select_only().column(api_token::Column::Id).filter(matches(&page.filter, now));
        if let Some(position) = &page.after {
            keys = keys.filter(beyond(position, page.order.descending));
        }
        if let Some(position) = &page.before {
            keys = keys.filter(beyond(position, !page.order.descending));
        }
        let keys = in_order(keys, page.order.field, &direction).limit(u64::from(page.size) + 1).into_query();
        let joined = api_token::Entity::find()
            .select_only()
            .expr(Expr::cust(read::COLUMNS))
            .inner_join(api_token_value::Entity)
            .filter(api_token::Column::Id.in_subquery(keys))
            .filter(token::newest_two());
        let statement = in_order(joined, page.order.field, &direction).build(self.read.get_database_backend());
        let rows = self.read.query_all_raw(statement).await?;
        let mut tokens = read::tokens(rows.iter().map(|row| Row::read(row, 0)))?;
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let more = tokens.len() > size;
        tokens.truncate(size);
        if backwards {
            tokens.reverse();
        }
        Ok(Listing { tokens, more })
    }
}

fn in_order<S: QueryOrder>(select: S, field: OrderField, direction: &sea_orm::Order) -> S {
    let select = match field {
        OrderField::CreatedAt => select,
        OrderField::Name => select.order_by(api_token::Column::Name, direction.clone()),
    };
    select.order_by(api_token::Column::Id, direction.clone())
}

/// The rows behind a position, or before it where `descending`.
fn beyond(position: &Position, descending: bool) -> Condition {
    let id = position.id.to_string();
    let past = |column: api_token::Column, key: String| if descending { column.lt(key) } else { column.gt(key) };
    let Some(name) = &position.name else { return Condition::all().add(past(api_token::Column::Id, id)) };
    Condition::any()
        .add(past(api_token::Column::Name, name.clone()))
        .add(Condition::all().add(api_token::Column::Name.eq(name.clone())).add(past(api_token::Column::Id, id)))
}

fn matches(filter: &Filter, now: Timestamp) -> Condition {
    let mut condition = Condition::all();
    if let Some(statuses) = &filter.status {
        let any = statuses.iter().fold(Condition::any(), |any, status| any.add(has_status(*status, now)));
        // No status at all is asked for: no token has that.
        condition = condition.add(if statuses.is_empty() { Condition::all().add(Expr::value(1).eq(0)) } else { any });
    }
    if let Some(name) = &filter.name {
        let pattern = name.to_ascii_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let lowered = Func::lower(Expr::col((api_token::Entity, api_token::Column::Name)));
        condition = condition.add(Expr::expr(lowered).like(LikeExpr::new(format!("%{pattern}%")).escape('\\')));
    }
    if let Some(owner) = &filter.owner {
        condition = condition.add(api_token::Column::Owner.eq(owner.clone()));
    }
    if let Some(kind) = filter.kind {
        condition = condition.add(api_token::Column::Kind.eq(kind.as_str()));
    }
    condition
}

/// `domain::lifecycle::status` as the database can ask it; a test compares the two.
fn has_status(status: Status, now: Timestamp) -> Condition {
    let now = now.unix_millis();
    let revoked = Condition::all().add(api_token::Column::RevokedAt.is_not_null());
    let expired =
        Condition::all().add(api_token::Column::ExpiresAt.is_not_null()).add(api_token::Column::ExpiresAt.lte(now));
    let overdue = Condition::all().add(Expr::exists(
        Query::select()
            .expr(Expr::value(1))
            .from(api_token_value::Entity)
            .and_where(
                Expr::col((api_token_value::Entity, api_token_value::Column::TokenId))
                    .equals((api_token::Entity, api_token::Column::Id)),
            )
            .and_where(Expr::col((api_token_value::Entity, api_token_value::Column::ReplacedAt)).is_null())
            .and_where(
                Expr::col((api_token::Entity, api_token::Column::RotationPeriodMinutes))
                    .mul(MILLIS_PER_MINUTE)
                    .add(Expr::col((api_token_value::Entity, api_token_value::Column::CreatedAt)))
                    .lte(now),
            )
            .take(),
    ));
    match status {
        Status::Revoked => revoked,
        Status::Expired => expired.add(revoked.not()),
        Status::RotationOverdue => overdue.add(revoked.not()).add(expired.not()),
        Status::Active => Condition::all().add(revoked.not()).add(expired.not()).add(overdue.not()),
    }
}
