//! Rows of `rotation_campaign`, and finding them.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};

use crate::domain::id::{CampaignId, TokenId};
use crate::domain::reason::Reason;
use crate::domain::rule::campaign::{AtDeadline, Campaign, Counts, End, EndReason, State};
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Store};

/// The columns, in the order in which they are read and written.
pub(super) const COLUMNS: &str = "id, name, filter, deadline, at_deadline, reason, evidence_url, created_at, created_by, prepared_through, \
    prepared_at, watched_through, end_reason, ending_at, reported_through, ended_at, token_count, report";

/// The name of the count of those that must not be revoked, beside those of the states.
const REFUSED: &str = "REFUSED";

impl Store {
    /// The campaign of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_campaign(&self, id: CampaignId) -> Result<Option<Campaign>, Error> {
        find(&self.read, id, "").await
    }

    /// The ids of the campaigns that have not ended, oldest first. So one that this version cannot read does not hide the others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_campaigns(&self) -> Result<Vec<CampaignId>, Error> {
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text("SELECT id FROM rotation_campaign").indexed_by("rotation_campaign_open_idx");
        sql.text(" WHERE ended_at IS NULL ORDER BY id");
        let rows = self.read.query_all_raw(sql.statement()).await?;
        rows.iter().map(|row| Columns::new(row, 0).parse(CampaignId::parse)).collect()
    }

    /// The next so many campaigns after this one, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn campaigns(&self, after: Option<CampaignId>, most: u32) -> Result<Vec<Campaign>, Error> {
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text(&format!("SELECT {COLUMNS} FROM rotation_campaign WHERE 1 = 1"));
        if let Some(after) = after {
            sql.push(" AND id < ?", [after.to_string().into()]);
        }
        sql.push(" ORDER BY id DESC LIMIT ?", [Value::from(i64::from(most))]);
        self.read.query_all_raw(sql.statement()).await?.iter().map(read).collect()
    }
}

/// Finds a campaign; on PostgreSQL with this lock.
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    id: CampaignId,
    lock: &str,
) -> Result<Option<Campaign>, Error> {
    let backend = connection.get_database_backend();
    let lock = if backend == DbBackend::Postgres { lock } else { "" };
    let mut sql = Sql::new(backend);
    sql.push(&format!("SELECT {COLUMNS} FROM rotation_campaign WHERE id = ?{lock}"), [id.to_string().into()]);
    connection.query_one_raw(sql.statement()).await?.as_ref().map(read).transpose()
}

fn read(row: &QueryResult) -> Result<Campaign, Error> {
    let mut columns = Columns::new(row, 0);
    let id = columns.parse(CampaignId::parse)?;
    let name = columns.text()?;
    let filter: &str = columns.take()?;
    let (deadline, at_deadline) = (columns.moment()?, columns.parse(AtDeadline::parse)?);
    let (reason, evidence_url): (&str, _) = (columns.take()?, columns.text()?);
    let (created_at, created_by) = (columns.moment()?, columns.parse(TokenId::parse)?);
    let (prepared_through, prepared_at) = (token_id(&mut columns)?, columns.moment_if_any()?);
    let watched_through = token_id(&mut columns)?;
    let end_reason = columns.take_if_any::<&str>()?.map(|name| EndReason::parse(name).ok_or_else(|| unreadable("end")));
    let (end_reason, ending_at) = (end_reason.transpose()?, columns.moment_if_any()?);
    let (reported_through, ended_at) = (token_id(&mut columns)?, columns.moment_if_any()?);
    let token_count: i64 = columns.take()?;
    let report = counts(columns.take()?)?;
    Ok(Campaign {
        id,
        name: name.map(String::from),
        filter: filter.to_owned(),
        deadline,
        at_deadline,
        reason: Reason { text: Some(reason.to_owned()), evidence_url: evidence_url.map(String::from) },
        created_at,
        created_by,
        prepared_at,
        end: end_reason.zip(ending_at).map(|(reason, since)| End { reason, since, ended_at }),
        prepared_through,
        watched_through,
        reported_through,
        token_count: u64::try_from(token_count).unwrap_or_default(),
        report,
    })
}

fn token_id(columns: &mut Columns<'_>) -> Result<Option<TokenId>, Error> {
    let text = columns.take_if_any::<&str>()?;
    text.map(|text| TokenId::parse(text).ok_or_else(|| unreadable("token"))).transpose()
}

fn unreadable(what: &str) -> Error {
    Error::Unreadable(format!("rotation_campaign: {what}"))
}

/// The values of all columns.
pub(super) fn values(campaign: &Campaign) -> [Value; 18] {
    let Campaign {
        id,
        name,
        filter,
        deadline,
        at_deadline,
        reason,
        created_at,
        created_by,
        prepared_at,
        end,
        prepared_through,
        watched_through,
        reported_through,
        token_count,
        report,
    } = campaign;
    let moment = |at: Option<Timestamp>| Value::from(at.map(Timestamp::unix_millis));
    let token = |id: &Option<TokenId>| Value::from(id.map(|id| id.to_string()));
    [
        id.to_string().into(),
        name.clone().into(),
        filter.clone().into(),
        deadline.unix_millis().into(),
        at_deadline.as_str().into(),
        reason.text.clone().unwrap_or_default().into(),
        reason.evidence_url.clone().into(),
        created_at.unix_millis().into(),
        created_by.to_string().into(),
        token(prepared_through),
        moment(*prepared_at),
        token(watched_through),
        end.map(|end| end.reason.as_str()).into(),
        moment(end.map(|end| end.since)),
        token(reported_through),
        moment(end.and_then(|end| end.ended_at)),
        i64::try_from(*token_count).unwrap_or(i64::MAX).into(),
        text_of_counts(report).into(),
    ]
}

fn text_of_counts(counts: &Counts) -> String {
    let states = State::ALL.iter().map(|state| (state.as_str(), counts.of(*state)));
    let all = states.chain([(REFUSED, counts.refused)]).filter(|(_, count)| *count > 0);
    all.map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(" ")
}

fn counts(text: &str) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    for part in text.split_whitespace() {
        let (name, count) = part.split_once('=').ok_or_else(|| unreadable("report"))?;
        let count = count.parse().map_err(|_| unreadable("report"))?;
        match State::parse(name) {
            Some(state) => counts.add(state, false, count),
            None if name == REFUSED => counts.refused = count,
            None => return Err(unreadable("report")),
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_back() {
        let mut report = Counts::default();
        assert_eq!(counts(&text_of_counts(&report)).unwrap(), report);
        report.add(State::Waiting, true, 3);
        report.add(State::Retired, false, 1_000_000);
        assert_eq!(text_of_counts(&report), "WAITING=3 RETIRED=1000000 REFUSED=3");
        assert_eq!(counts(&text_of_counts(&report)).unwrap(), report);
        for other in ["WAITING", "WAITING=x", "NEWER=1"] {
            assert!(counts(other).is_err(), "{other}");
        }
    }
}
