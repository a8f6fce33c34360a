//! The facts about a campaign, what may be asked for when it is created, and what is to be done about it next.

use super::counts::Counts;
use crate::domain::id::{CampaignId, TokenId};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::listing::Filter;
use crate::domain::reason::{Reason, ReasonDraft};
use crate::domain::rule::lifecycle::Status;
use crate::domain::text::{line, names, no_value};
use crate::domain::timestamp::Timestamp;

/// The most campaigns that have not ended. Each is looked at every few seconds.
pub const MAX_OPEN_CAMPAIGNS: u32 = 100;

/// Tokens with these statuses do not belong to a campaign: none of their values works, nor ever will.
const LEFT_OUT: [Status; 3] = [Status::Revoked, Status::Expired, Status::RotationOverdue];

/// What a campaign does at its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtDeadline {
    /// It ends, and reports.
    Nothing,
    /// It revokes the tokens that were not rotated, and ends the overlap of the others.
    Revoke,
}

names! {
    AtDeadline {
        Nothing => "NOTHING",
        Revoke => "REVOKE",
    }
}

/// Why a campaign ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// No token has an old value that works.
    Completed,
    /// Its deadline has come.
    Deadline,
    /// Someone cancelled it.
    Cancelled,
}

names! {
    EndReason {
        Completed => "COMPLETED",
        Deadline => "DEADLINE",
        Cancelled => "CANCELLED",
    }
}

/// Where a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignStatus {
    /// Its tokens are being collected.
    Preparing,
    /// Its tokens are fixed, and it waits for them to be rotated.
    Open,
    /// Its report is being written and, at a deadline that revokes, its tokens are being revoked.
    Ending,
    /// It has ended because no token has an old value that works.
    Completed,
    /// It has ended at its deadline.
    DeadlineReached,
    /// It was cancelled.
    Cancelled,
}

names! {
    CampaignStatus {
        Preparing => "PREPARING",
        Open => "OPEN",
        Ending => "ENDING",
        Completed => "COMPLETED",
        DeadlineReached => "DEADLINE_REACHED",
        Cancelled => "CANCELLED",
    }
}

/// The end of a campaign, from its beginning on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// Since when it ends.
    pub since: Timestamp,
    /// When its report was complete.
    pub ended_at: Option<Timestamp>,
}

/// A campaign. Its tokens are stored by themselves, because there may be a million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its identity.
    pub id: CampaignId,
    /// A name for people.
    pub name: Option<String>,
    /// Which tokens belong to it, as JSON.
    pub filter: String,
    /// When it ends at the latest.
    pub deadline: Timestamp,
    /// What it does then.
    pub at_deadline: AtDeadline,
    /// Why, for the audit log.
    pub reason: Reason,
    /// When it began. Values that were issued until then are old.
    pub created_at: Timestamp,
    /// The token by whose right it acts.
    pub created_by: TokenId,
    /// When its tokens were complete.
    pub prepared_at: Option<Timestamp>,
    /// Its end, if that has begun.
    pub end: Option<End>,
    /// The id up to which its tokens were added to it, watched until they were done, and reported at the end: each step goes on from there.
    pub prepared_through: Option<TokenId>,
    /// See [`Campaign::prepared_through`].
    pub watched_through: Option<TokenId>,
    /// See [`Campaign::prepared_through`].
    pub reported_through: Option<TokenId>,
    /// How many tokens were added to it.
    pub token_count: u64,
    /// How many tokens are reported, by their state at the end.
    pub report: Counts,
}

/// What is to be done about a campaign next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Collect more tokens.
    Prepare,
    /// See whether more tokens are done.
    Watch,
    /// Begin its end, because the deadline has come.
    ReachDeadline,
    /// Report more tokens, and cut them off if that is to be done.
    Report,
    /// Nothing: it has ended.
    Nothing,
}

impl Campaign {
    /// Where it is.
    pub fn status(&self) -> CampaignStatus {
        match (self.end, self.prepared_at) {
            (None, None) => CampaignStatus::Preparing,
            (None, Some(_)) => CampaignStatus::Open,
            (Some(End { ended_at: None, .. }), _) => CampaignStatus::Ending,
            (Some(End { reason, .. }), _) => match reason {
                EndReason::Completed => CampaignStatus::Completed,
                EndReason::Deadline => CampaignStatus::DeadlineReached,
                EndReason::Cancelled => CampaignStatus::Cancelled,
            },
        }
    }

    /// What is to be done next. Its tokens are collected first, also after its deadline, so that none is left out.
    pub fn next_step(&self, now: Timestamp) -> Step {
        match self.status() {
            CampaignStatus::Preparing => Step::Prepare,
            CampaignStatus::Open if self.deadline <= now => Step::ReachDeadline,
            CampaignStatus::Open => Step::Watch,
            CampaignStatus::Ending => Step::Report,
            CampaignStatus::Completed | CampaignStatus::DeadlineReached | CampaignStatus::Cancelled => Step::Nothing,
        }
    }

    /// Whether old values are cut off while it ends.
    pub fn cuts_off(&self) -> bool {
        self.at_deadline == AtDeadline::Revoke && self.end.is_some_and(|end| end.reason == EndReason::Deadline)
    }

    /// Whether its next step takes rights away: it cuts off old values, or lets others do so.
    pub fn is_urgent(&self, now: Timestamp) -> bool {
        match self.next_step(now) {
            Step::ReachDeadline => self.at_deadline == AtDeadline::Revoke,
            Step::Report => self.cuts_off(),
            Step::Prepare | Step::Watch | Step::Nothing => false,
        }
    }

    /// The reason of an event that the campaign causes: its id, and why it was created.
    pub fn reason_of_events(&self) -> Reason {
        let Reason { text, evidence_url } = self.reason.clone();
        let text = text.map_or_else(|| self.id.to_string(), |text| format!("{}: {text}", self.id));
        Reason { text: Some(text), evidence_url }
    }
}

/// A campaign as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignDraft {
    /// See [`Campaign::name`].
    pub name: Option<String>,
    /// Which tokens.
    pub filter: Filter,
    /// See [`Campaign::deadline`].
    pub deadline: Timestamp,
    /// See [`Campaign::at_deadline`].
    pub at_deadline: AtDeadline,
    /// Why; the text is required.
    pub reason: ReasonDraft,
}

impl CampaignDraft {
    /// The draft with a validated name, filter and reason.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn validate(self, now: Timestamp) -> Result<(Self, Reason), InvalidInput> {
        let name = self.name.clone().map(|name| line("name", name)).transpose()?;
        let filter = self.filter.clone().for_change(&LEFT_OUT)?;
        filter.validate()?;
        // It is kept, and shown to everyone who may read campaigns. A pair of metadata holds none.
        let scope = filter.scope.as_ref().map(ToString::to_string);
        for (field, text) in
            [("name", &filter.name), ("text", &filter.text), ("owner", &filter.owner), ("scope", &scope)]
        {
            text.as_ref().map_or(Ok(()), |text| no_value(field, text))?;
        }
        if self.deadline <= now {
            return Err(InvalidInput::new("deadline", format!("The deadline must be later than now, which is {now}.")));
        }
        let reason = self.reason.clone().validate()?;
        if reason.text.is_none() {
            let message = "Say why the campaign is created: one line of 1 to 255 characters, for the audit log.";
            return Err(InvalidInput::new("reason", message));
        }
        Ok((Self { name, filter, ..self }, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::lifecycle::tests::at;

    fn campaign(change: impl FnOnce(&mut Campaign)) -> Campaign {
        let mut campaign = Campaign {
            id: CampaignId::new(at(0), [0; 10]),
            name: None,
            filter: "{}".to_owned(),
            deadline: at(100),
            at_deadline: AtDeadline::Revoke,
            reason: Reason { text: Some("leak".to_owned()), evidence_url: None },
            created_at: at(0),
            created_by: TokenId::new(at(0), [0; 10]),
            prepared_at: Some(at(1)),
            end: None,
            prepared_through: None,
            watched_through: None,
            reported_through: None,
            token_count: 0,
            report: Counts::default(),
        };
        change(&mut campaign);
        campaign
    }

    #[test]
    fn a_campaign_ends_at_its_deadline_and_not_before() {
        for (offset, step) in [(99, Step::Watch), (100, Step::ReachDeadline), (101, Step::ReachDeadline)] {
            assert_eq!(campaign(|_| {}).next_step(at(offset)), step, "{offset}");
        }
        let preparing = campaign(|it| it.prepared_at = None);
        assert_eq!(preparing.next_step(at(1_000)), Step::Prepare, "first of all, so that no token is left out");
    }

    #[test]
    fn it_is_ending_until_its_report_is_complete() {
        let end = |reason, ended_at| campaign(|it| it.end = Some(End { reason, since: at(100), ended_at }));
        for (reason, status, cuts_off) in [
            (EndReason::Completed, CampaignStatus::Completed, false),
            (EndReason::Deadline, CampaignStatus::DeadlineReached, true),
            (EndReason::Cancelled, CampaignStatus::Cancelled, false),
        ] {
            let (ending, ended) = (end(reason, None), end(reason, Some(at(101))));
            assert_eq!((ending.status(), ending.next_step(at(100))), (CampaignStatus::Ending, Step::Report));
            assert_eq!((ended.status(), ended.next_step(at(101))), (status, Step::Nothing));
            assert_eq!(ending.cuts_off(), cuts_off, "{reason:?}");
            let nothing = Campaign { at_deadline: AtDeadline::Nothing, ..ending };
            assert!(!nothing.cuts_off());
        }
        assert!(!campaign(|_| {}).cuts_off());
    }

    #[test]
    fn only_a_step_that_revokes_takes_the_space_that_is_reserved_for_revocations() {
        let end = |reason| Some(End { reason, since: at(100), ended_at: None });
        for (at_deadline, revokes) in [(AtDeadline::Revoke, true), (AtDeadline::Nothing, false)] {
            let open = campaign(|it| it.at_deadline = at_deadline);
            assert_eq!((open.is_urgent(at(99)), open.is_urgent(at(100))), (false, revokes));
            assert!(!Campaign { prepared_at: None, ..open.clone() }.is_urgent(at(100)));
            for (reason, expected) in
                [(EndReason::Deadline, revokes), (EndReason::Completed, false), (EndReason::Cancelled, false)]
            {
                assert_eq!(Campaign { end: end(reason), ..open.clone() }.is_urgent(at(100)), expected, "{reason:?}");
            }
        }
    }

    #[test]
    fn a_draft_needs_a_condition_a_later_deadline_and_a_reason() {
        let draft = |change: fn(&mut CampaignDraft)| {
            let mut draft = CampaignDraft {
                name: Some("n".to_owned()),
                filter: Filter { owner: Some("acme".to_owned()), ..Filter::default() },
                deadline: at(1),
                at_deadline: AtDeadline::Nothing,
                reason: ReasonDraft { text: Some("leak".to_owned()), evidence_url: None },
            };
            change(&mut draft);
            draft.validate(at(0)).map(drop).map_err(|invalid| invalid.field)
        };
        assert_eq!(draft(|_| {}), Ok(()));
        assert_eq!(draft(|it| it.deadline = at(0)), Err("deadline"));
        assert_eq!(draft(|it| it.filter = Filter::default()), Err("filter"));
        assert_eq!(draft(|it| it.reason.text = None), Err("reason"));
        assert_eq!(draft(|it| it.reason.text = Some(String::new())), Err("reason"));
        assert_eq!(draft(|it| it.name = Some("a\nb".to_owned())), Err("name"));
    }
}
