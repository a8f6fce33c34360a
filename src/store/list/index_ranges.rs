//! The branches of a listing: ranges of an index, each in the order of the listing, which are merged.
//!
//! The main indexes begin with the status that housekeeping last wrote and with the kind, so they have one range for each pair of these.
//! A listing that does not filter by one of the two, or filters by several statuses, merges several ranges.

use crate::domain::id::TokenId;
use crate::domain::listing::{Filter, OrderField, Page};
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Metadata, TokenKind};
use crate::store::sql::Sql;

use super::sort_keys;
use super::status::{BY_ID, Unswept};
use super::walk::range::{KeyBounds, Range, is_ascending};

/// A set of tokens that is read in the order of the listing, or is small.
pub(super) enum Branch {
    /// All tokens.
    All,
    /// Those with these ids, with spaces between them.
    Found(String),
    /// Those of this kind for which housekeeping last wrote this status.
    Swept(Status, TokenKind),
    /// Those that reached this status since then.
    Unswept(Status, Unswept),
    /// Those that were granted this, as the table of grants names it.
    Granted(String),
    /// Those that have this pair of metadata.
    Pair(String, String),
    /// Those that have sort keys and were created by this token.
    CreatedBy(TokenId),
    /// Those that have sort keys, in the order of one of them.
    Sorted,
    /// Those whose rotation period has not ended, in the order of its end.
    Rotating,
    /// Those that have no sort keys yet.
    Unsorted,
}

/// The branches of this page. No token is in two of them. `found` are the ids of all tokens that can match, if they are few.
pub(super) fn branches(page: &Page, found: Option<String>) -> Vec<Branch> {
    let filter = &page.filter;
    if filter.status.as_ref().is_some_and(|statuses| statuses.is_empty()) {
        return Vec::new();
    }
    if let Some(ids) = found {
        return vec![Branch::Found(ids)];
    }
    match page.order.field {
        OrderField::ExpiresAt | OrderField::LastUsedAt => vec![Branch::Sorted, Branch::Unsorted],
        OrderField::RotateBy => vec![Branch::Sorted, Branch::Rotating, Branch::Unsorted],
        OrderField::CreatedAt => by_creation(filter),
        OrderField::Name => by_status_and_kind(filter),
    }
}

/// The conditions of a page that its branches do not ensure.
pub(super) fn other_conditions(page: &Page) -> Filter {
    let mut filter = page.filter.clone();
    match page.order.field {
        OrderField::CreatedAt if filter.created_by.is_some() => filter.created_by = None,
        OrderField::CreatedAt if filter.permission.is_some() => filter.permission = None,
        OrderField::CreatedAt if filter.scope.is_some() => filter.scope = None,
        OrderField::CreatedAt if pairs(&filter).next().is_some() => {
            filter.metadata = filter.metadata.filter(|pairs| pairs.iter().count() > 1);
        }
        OrderField::CreatedAt | OrderField::Name => (filter.status, filter.kind, filter.owner) = (None, None, None),
        OrderField::ExpiresAt => (filter.expires_after, filter.expires_before) = (None, None),
        OrderField::RotateBy => filter.rotate_by_before = None,
        OrderField::LastUsedAt => {}
    }
    filter
}

/// Whether a page with a filter by status, kind or owner is read from the indexes of these.
pub(super) fn is_by_status_and_kind(page: &Page) -> bool {
    match page.order.field {
        OrderField::CreatedAt => {
            page.filter.created_by.is_none() && granted(&page.filter).is_empty() && pairs(&page.filter).next().is_none()
        }
        OrderField::Name => true,
        OrderField::ExpiresAt | OrderField::RotateBy | OrderField::LastUsedAt => false,
    }
}

fn by_creation(filter: &Filter) -> Vec<Branch> {
    if let Some(creator) = filter.created_by {
        return vec![Branch::CreatedBy(creator), Branch::Unsorted];
    }
    if let Some(granted) = granted(filter).pop() {
        return vec![Branch::Granted(granted)];
    }
    if let Some((key, value)) = pairs(filter).next() {
        return vec![Branch::Pair(key.to_owned(), value.to_owned())];
    }
    let narrowed = filter.status.is_some() || filter.kind.is_some() || filter.owner.is_some();
    if narrowed { by_status_and_kind(filter) } else { vec![Branch::All] }
}

fn by_status_and_kind(filter: &Filter) -> Vec<Branch> {
    let kinds = TokenKind::ALL.iter().filter(|kind| filter.kind.is_none_or(|wanted| wanted == **kind));
    let pairs = kinds.flat_map(|kind| Status::ALL.iter().map(|status| (*status, *kind)));
    let wanted = |status: &Status| filter.status.as_ref().is_none_or(|wanted| wanted.contains(status));
    let swept = pairs.filter(|(status, _)| wanted(status)).map(|(status, kind)| Branch::Swept(status, kind));
    // Without a filter by status, it does not matter whether the swept status is still right.
    let asked = filter.status.iter().flatten();
    let unswept = |status: &Status| {
        let status = *status;
        Unswept::reaching(status).iter().map(move |unswept| Branch::Unswept(status, *unswept))
    };
    swept.chain(asked.flat_map(unswept)).collect()
}

/// The scope and the permission of a filter, as the table of grants names them.
pub(super) fn granted(filter: &Filter) -> Vec<String> {
    let scope = filter.scope.as_ref().map(|scope| format!("scope:{scope}"));
    let permission = filter.permission.map(|permission| format!("permission:{}", permission.as_str()));
    scope.into_iter().chain(permission).collect()
}

/// The key/value pairs of a filter.
pub(super) fn pairs(filter: &Filter) -> impl Iterator<Item = (&str, &str)> {
    filter.metadata.iter().flat_map(Metadata::iter)
}

impl Branch {
    /// Whether it is read from an index in the order of the listing. Others are small, and sorted.
    pub(super) fn is_ordered(&self) -> bool {
        !matches!(self, Self::Found(_) | Self::Unswept(..) | Self::Unsorted)
    }

    /// The bounds of a filter for the key of this branch.
    pub(super) fn bounds(&self, page: &Page, now: Timestamp) -> KeyBounds {
        match self {
            Self::Sorted => sort_keys::bounds(page.order.field, &page.filter, now),
            // An older version writes 0 into a new row, until housekeeping comes to it.
            Self::Rotating => (None, sort_keys::bounds(page.order.field, &page.filter, now).1),
            _ => (None, None),
        }
    }

    /// Adds the SELECT of this branch, without its order and the conditions of the page. What is within a range is read from the index of the
    /// branch, whatever the conditions are.
    pub(super) fn write(&self, sql: &mut Sql, page: &Page, within: Option<&Range>, now: Timestamp) {
        self.write_columns(sql, page);
        match (self, within) {
            (Self::Found(ids), _) => {
                write_found(sql, ids);
            }
            (Self::Unswept(_, unswept), _) => {
                unswept.write(sql, now);
            }
            (Self::Unsorted, _) => {
                sort_keys::write_unsorted(sql);
            }
            (Self::All | Self::Swept(..), Some(range)) if sql.is_postgres() => {
                // An optimisation fence, as in `sort_keys::join_token`. By a limit that it does not know, PostgreSQL plans for a part of the
                // rows, and reads them in their order instead of sorting all.
                sql.text("(SELECT * FROM api_token WHERE 1 = 1");
                self.write_condition(sql, page);
                range.write(sql, self.key(page).as_deref(), self.id());
                let direction = if is_ascending(page) { "ASC" } else { "DESC" };
                let key = self.key(page).map(|key| format!("{key} {direction}, ")).unwrap_or_default();
                let order = format!("{key}{} {direction}", self.id());
                sql.text(&format!(" ORDER BY {order} LIMIT (SELECT {})) AS api_token WHERE 1 = 1", i64::MAX));
            }
            (Self::All | Self::Swept(..), _) => {
                self.write_table(sql, page).text(" WHERE 1 = 1");
                self.write_condition(sql, page);
            }
            _ => {
                self.write_table(sql, page);
                sort_keys::join_token(sql, self.id());
                self.write_condition(sql, page);
            }
        }
        if page.order.field == OrderField::RotateBy && matches!(self, Self::Sorted | Self::Unsorted) {
            sort_keys::write_not_rotating(sql);
        }
    }

    /// Adds the SELECT of the positions of an ordered branch within a range. Only of values are rows read.
    pub(super) fn write_positions(&self, sql: &mut Sql, page: &Page, range: &Range) {
        self.write_columns(sql, page);
        self.write_table(sql, page).text(" WHERE 1 = 1");
        self.write_condition(sql, page);
        range.write(sql, self.key(page).as_deref(), self.id());
    }

    fn write_columns(&self, sql: &mut Sql, page: &Page) {
        sql.text(&format!("SELECT {} AS id", self.id()));
        if let Some(key) = self.key(page) {
            sql.text(&format!(", {key} AS key"));
        }
        sql.text(" FROM ");
    }

    /// Adds the table of an ordered branch, with its index.
    fn write_table<'a>(&self, sql: &'a mut Sql, page: &Page) -> &'a mut Sql {
        match self {
            Self::Swept(..) => sql.text("api_token").indexed_by(index(page)),
            Self::Granted(_) => sql.text("api_token_grant AS held"),
            Self::Pair(..) => sql.text("api_token_metadata AS held"),
            Self::CreatedBy(_) => {
                sql.text("api_token_sort_key AS sorted").indexed_by("api_token_sort_key_created_by_idx")
            }
            Self::Sorted => sql.text("api_token_sort_key AS sorted").indexed_by(sort_keys::index(page.order.field)),
            Self::Rotating => sql.text("api_token_value AS due").indexed_by("api_token_value_overdue_at_idx"),
            Self::All | Self::Found(_) | Self::Unswept(..) | Self::Unsorted => sql.text("api_token").indexed_by(BY_ID),
        }
    }

    /// Adds the condition on the index of an ordered branch.
    fn write_condition(&self, sql: &mut Sql, page: &Page) {
        match self {
            Self::Swept(status, kind) => {
                sql.push(
                    " AND api_token.swept_status = ? AND api_token.kind = ?",
                    [status.as_str().into(), kind.as_str().into()],
                );
                if let Some(owner) = &page.filter.owner {
                    sql.push(" AND api_token.owner = ?", [owner.clone().into()]);
                }
            }
            Self::Granted(granted) => {
                sql.push(" AND held.granted = ?", [granted.clone().into()]);
            }
            Self::Pair(key, value) => {
                sql.push(" AND held.key = ? AND held.value = ?", [key.clone().into(), value.clone().into()]);
            }
            Self::CreatedBy(creator) => {
                sql.push(" AND sorted.created_by = ?", [creator.to_string().into()]);
            }
            Self::Sorted if page.order.field == OrderField::RotateBy => {
                sql.text(" AND sorted.rotate_by IS NOT NULL");
            }
            Self::Sorted => {}
            Self::Rotating => {
                sql.text(" AND due.overdue_at IS NOT NULL AND due.replaced_at IS NULL");
            }
            Self::All | Self::Found(_) | Self::Unswept(..) | Self::Unsorted => {}
        }
    }

    /// What the rows of this branch are ordered by besides their id.
    pub(super) fn key(&self, page: &Page) -> Option<String> {
        match self {
            Self::Sorted => Some(sort_keys::column(page.order.field).to_owned()),
            Self::Rotating => Some("due.overdue_at".to_owned()),
            _ => sort_keys::key(page.order.field),
        }
    }

    /// The id of a row of this branch, from the index that it is read from.
    pub(super) fn id(&self) -> &'static str {
        match self {
            Self::Sorted | Self::CreatedBy(_) => "sorted.token_id",
            Self::Rotating => "due.token_id",
            Self::Granted(_) | Self::Pair(..) => "held.token_id",
            _ => "api_token.id",
        }
    }
}

/// Adds a FROM and the beginning of a WHERE for tokens with these ids.
fn write_found<'a>(sql: &'a mut Sql, ids: &str) -> &'a mut Sql {
    if sql.is_postgres() {
        sql.push("(SELECT DISTINCT unnest(string_to_array(?, ' ')) AS id) AS found", [ids.into()]);
        return sort_keys::join_token(sql, "found.id");
    }
    let list = format!("[\"{}\"]", ids.replace(' ', "\",\""));
    let condition = " WHERE api_token.id IN (SELECT found.value FROM json_each(?) AS found)";
    sql.text("api_token").indexed_by(BY_ID).push(condition, [list.into()])
}

/// The index that has the swept branches of this page in its order.
fn index(page: &Page) -> &'static str {
    match (&page.filter.owner, page.order.field) {
        (None, OrderField::Name) => "api_token_listed_name_idx",
        (None, _) => "api_token_listed_idx",
        (Some(_), OrderField::Name) => "api_token_owner_name_idx",
        (Some(_), _) => "api_token_owner_idx",
    }
}
