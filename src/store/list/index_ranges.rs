//! The branches of a listing: ranges of an index, each in the order of the listing, which are merged.
//!
//! The indexes begin with the status that housekeeping last wrote and with the kind, so they have one range for each pair of these.
//! A listing that does not filter by one of the two, or filters by several statuses, merges several ranges.

use crate::domain::listing::{OrderField, Page};
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenKind;
use crate::store::sql::Sql;

use super::name_search::Search;
use super::status::Unswept;

/// A set of tokens that is read in the order of the listing, or is small.
pub(super) enum Branch {
    /// All tokens.
    All,
    /// Those whose name matches, if they are few enough to be sorted.
    NameMatches,
    /// Those of this kind for which housekeeping last wrote this status.
    Swept(Status, TokenKind),
    /// Those that reached this status since then.
    Unswept(Status, Unswept),
}

/// The branches of this page. No token is in two of them.
pub(super) fn branches(page: &Page, search: Option<&Search>) -> Vec<Branch> {
    let filter = &page.filter;
    if filter.status.as_ref().is_some_and(|statuses| statuses.is_empty()) {
        return Vec::new();
    }
    if search.is_some_and(Search::is_rare) {
        return vec![Branch::NameMatches];
    }
    let narrowed = filter.status.is_some() || filter.kind.is_some() || filter.owner.is_some();
    if !narrowed && page.order.field == OrderField::CreatedAt {
        return vec![Branch::All];
    }
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

impl Branch {
    /// Adds the SELECT of this branch, without its order and the conditions of the page.
    pub(super) fn write(&self, sql: &mut Sql, page: &Page, search: Option<&Search>, now: Timestamp) {
        sql.text("SELECT api_token.id AS id, api_token.name AS name FROM ");
        match self {
            Self::All => sql.text("api_token WHERE 1 = 1"),
            Self::NameMatches => match search {
                Some(search) => search.write_found(sql),
                None => sql.text("api_token WHERE 1 = 1"),
            },
            Self::Swept(status, kind) => sql.text("api_token").indexed_by(index(page)).push(
                " WHERE api_token.swept_status = ? AND api_token.kind = ?",
                [status.as_str().into(), kind.as_str().into()],
            ),
            Self::Unswept(_, unswept) => unswept.write(sql, now),
        };
    }
}

/// The index that has the branches of this page in its order.
fn index(page: &Page) -> &'static str {
    match (&page.filter.owner, page.order.field) {
        (None, OrderField::CreatedAt) => "api_token_listed_idx",
        (None, OrderField::Name) => "api_token_listed_name_idx",
        (Some(_), OrderField::CreatedAt) => "api_token_owner_idx",
        (Some(_), OrderField::Name) => "api_token_owner_name_idx",
    }
}
