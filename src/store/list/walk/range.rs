//! The ranges of positions that a page reads.

use sea_orm::Value;

use crate::domain::id::TokenId;
use crate::domain::listing::{End, OrderField, Page, Position, SortKey};
use crate::store::sql::Sql;

/// The last position that a page looks at, if there are more behind it.
#[derive(Clone, Debug)]
pub(in crate::store) struct Horizon {
    pub position: Position,
    /// Whether the next position has the same key.
    pub is_tied: bool,
}

/// Where a range begins or ends.
#[derive(Clone, Debug)]
enum Bound {
    /// At this position, which is in the range or not.
    At(Position, bool),
    /// Beside all positions with this key.
    Beside(SortKey),
    /// With all positions with this key.
    With(SortKey),
}

/// The bounds that a filter has for the key, in milliseconds: the least, and a limit.
pub(in crate::store) type KeyBounds = (Option<i64>, Option<i64>);

/// Positions that are read as one range of an index.
#[derive(Clone, Debug)]
pub(in crate::store) struct Range {
    /// The only key, if there is only one.
    key: Option<SortKey>,
    lower: Option<Bound>,
    upper: Option<Bound>,
}

/// Whether a page is read in ascending order.
pub(in crate::store) fn is_ascending(page: &Page) -> bool {
    page.order.descending == (page.end == End::Last)
}

/// Before which position a filter asks for tokens. An id begins with the time of the creation, so in the order of the ids it is a bound.
fn position_limit(page: &Page) -> Option<Position> {
    let unused_since = page.filter.unused_since.filter(|_| page.order.field == OrderField::CreatedAt);
    unused_since.map(|at| Position { key: None, id: TokenId::first_of(at) })
}

impl Range {
    /// The ranges of a page, within the bounds of its filter, and up to the horizon if there is one. No position is in two of them.
    ///
    /// Many tokens may have the same key. PostgreSQL cannot stop reading an index between them by a comparison of key and id. So those with
    /// the key at which the page ends are a range of their own.
    pub(in crate::store) fn of(page: &Page, horizon: Option<&Horizon>, (least, limit): KeyBounds) -> Vec<Self> {
        let (lower, upper) =
            if page.order.descending { (&page.before, &page.after) } else { (&page.after, &page.before) };
        let by_filter = position_limit(page);
        let upper = match (upper, &by_filter) {
            (Some(given), Some(limit)) => Some(given.min(limit)),
            (given, limit) => given.as_ref().or(limit.as_ref()),
        };
        // The databases begin at one bound of several for a column, and not always at the closest.
        let (least, limit) = (least.map(SortKey::Moment), limit.map(SortKey::Moment));
        let is_low = |key: Option<&SortKey>| least.as_ref().is_some_and(|least| key < Some(least));
        let is_high = |key: Option<&SortKey>| limit.as_ref().is_some_and(|limit| key >= Some(limit));
        let at = |position: &Position| Bound::At(position.clone(), false);
        let lower =
            lower.as_ref().filter(|position| !is_low(position.key.as_ref())).map(at).or(least.clone().map(Bound::With));
        let upper =
            upper.filter(|position| !is_high(position.key.as_ref())).map(at).or(limit.clone().map(Bound::Beside));
        let ascending = is_ascending(page);
        let (start, given_end) = if ascending { (lower, upper) } else { (upper, lower) };
        let is_beyond = |position: &Position| {
            let key = position.key.as_ref();
            if ascending { is_high(key) } else { is_low(key) }
        };
        let (end, may_tie) = match horizon {
            Some(Horizon { position, is_tied }) if !is_beyond(position) => {
                (Some(Bound::At(position.clone(), true)), *is_tied)
            }
            _ => (given_end, true),
        };
        let range = |key: Option<SortKey>, start: Option<Bound>, end: Option<Bound>| {
            let (lower, upper) = if ascending { (start, end) } else { (end, start) };
            Self { key, lower, upper }
        };
        let end_key = if let Some(Bound::At(position, _)) = &end { position.key.clone() } else { None };
        let Some(key) = end_key else { return vec![range(None, start, end)] };
        let precedes = |first: &SortKey| if ascending { *first < key } else { *first > key };
        let is_before_key = match &start {
            None => true,
            Some(Bound::At(position, _)) => position.key.as_ref().is_some_and(precedes),
            Some(Bound::Beside(first) | Bound::With(first)) => precedes(first),
        };
        match &start {
            Some(Bound::At(position, _)) if position.key.as_ref() == Some(&key) => vec![range(Some(key), start, end)],
            Some(Bound::With(first)) if *first == key => vec![range(Some(key), None, end)],
            _ if may_tie && is_before_key => {
                vec![range(None, start, Some(Bound::Beside(key.clone()))), range(Some(key), None, end)]
            }
            _ => vec![range(None, start, end)],
        }
    }

    /// Adds the condition that a row is in the range, by the columns of its key, if the order has one, and its id.
    pub(in crate::store) fn write(&self, sql: &mut Sql, column: Option<&str>, id: &str) {
        if let Some((column, key)) = column.zip(self.key.clone()) {
            sql.push(&format!(" AND {column} = ?"), [value(key)]);
        }
        for (bound, sign) in [(&self.lower, ">"), (&self.upper, "<")] {
            match bound {
                None => {}
                Some(Bound::Beside(key)) => {
                    let column = column.unwrap_or(id);
                    sql.push(&format!(" AND {column} {sign} ?"), [value(key.clone())]);
                }
                Some(Bound::With(key)) => {
                    let column = column.unwrap_or(id);
                    sql.push(&format!(" AND {column} {sign}= ?"), [value(key.clone())]);
                }
                Some(Bound::At(position, included)) => {
                    let sign = if *included { format!("{sign}=") } else { sign.to_owned() };
                    let at = Value::from(position.id.to_string());
                    let key = position.key.clone().filter(|_| self.key.is_none());
                    match column.zip(key) {
                        None => sql.push(&format!(" AND {id} {sign} ?"), [at]),
                        Some((column, key)) => {
                            if sql.is_postgres() {
                                // By the comparison of both, PostgreSQL finds where a range begins, and not where it ends.
                                let sign = sign.trim_end_matches('=');
                                sql.push(&format!(" AND {column} {sign}= ?"), [value(key.clone())]);
                            }
                            sql.push(&format!(" AND ({column}, {id}) {sign} (?, ?)"), [value(key), at])
                        }
                    };
                }
            }
        }
    }
}

fn value(key: SortKey) -> Value {
    match key {
        SortKey::Name(name) => name.into(),
        SortKey::Moment(at) => at.into(),
    }
}
