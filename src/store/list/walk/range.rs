//! The ranges of positions that a page reads.

use sea_orm::Value;

use crate::domain::listing::{End, Page, Position, SortKey};
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

impl Range {
    /// The ranges of a page, within the bounds of its filter, and up to the horizon if there is one. No position is in two of them.
    ///
    /// Many tokens may have the same key. PostgreSQL cannot stop reading an index between them by a comparison of key and id. So those with
    /// the key of the horizon are a range of their own.
    pub(in crate::store) fn of(page: &Page, horizon: Option<&Horizon>, (least, limit): KeyBounds) -> Vec<Self> {
        let (lower, upper) =
            if page.order.descending { (&page.before, &page.after) } else { (&page.after, &page.before) };
        // The databases begin at one bound of several for a column, and not always at the closest.
        let (least, limit) = (least.map(SortKey::Moment), limit.map(SortKey::Moment));
        let is_low = |key: Option<&SortKey>| least.as_ref().is_some_and(|least| key < Some(least));
        let is_high = |key: Option<&SortKey>| limit.as_ref().is_some_and(|limit| key >= Some(limit));
        let at = |position: &Position| Bound::At(position.clone(), false);
        let lower =
            lower.as_ref().filter(|position| !is_low(position.key.as_ref())).map(at).or(least.clone().map(Bound::With));
        let upper = upper
            .as_ref()
            .filter(|position| !is_high(position.key.as_ref()))
            .map(at)
            .or(limit.clone().map(Bound::Beside));
        let Some(Horizon { position, is_tied }) = horizon else { return vec![Self { key: None, lower, upper }] };
        let ascending = is_ascending(page);
        let is_beyond = if ascending { is_high(position.key.as_ref()) } else { is_low(position.key.as_ref()) };
        if is_beyond {
            return vec![Self { key: None, lower, upper }];
        }
        let from_start = |end: Bound| {
            let end = Some(end);
            if ascending {
                Self { key: None, lower: lower.clone(), upper: end }
            } else {
                Self { key: None, lower: end, upper: upper.clone() }
            }
        };
        let through = from_start(Bound::At(position.clone(), true));
        let Some(key) = position.key.clone().filter(|_| *is_tied) else { return vec![through] };
        let start = if ascending { &lower } else { &upper };
        match start {
            Some(Bound::At(start, _)) if start.key.as_ref() == Some(&key) => vec![Self { key: Some(key), ..through }],
            _ => {
                let (lower, upper) = if ascending { (None, through.upper) } else { (through.lower, None) };
                vec![from_start(Bound::Beside(key.clone())), Self { key: Some(key), lower, upper }]
            }
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
