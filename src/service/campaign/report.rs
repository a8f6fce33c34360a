//! The end of a campaign: what became of each token is written down, and at a deadline that revokes, old values are cut off.
//!
//! A page of tokens is one transaction. Each token to be cut off is judged under its lock, so a rotation that came a moment before counts;
//! one that comes a moment later finds a revoked token.

use std::collections::BTreeMap;

use crate::domain::audit::{Action, Provenance};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::TokenId;
use crate::domain::rule::campaign::{Campaign, CutOff, EndReason, State, Step, cut_off, state};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token};
use crate::service::audit::report;
use crate::service::{Error, Service};
use crate::store::{LockMode, Member, Transaction};

/// How many tokens one transaction reports.
const PAGE: u32 = 500;
/// How many it reports if it also cuts off: it locks each of them, and rotations wait for it.
const PAGE_TO_CUT_OFF: u32 = 50;

/// What became of a token, and why it was not cut off.
type Reported = (TokenId, State, Option<ErrorCode>);

impl Service {
    /// Reports the next page of tokens. Returns whether there is more to do.
    pub(super) async fn report_campaign(&self, known: &Campaign, now: Timestamp) -> Result<bool, Error> {
        let transaction = self.begin_step(known, now).await?;
        let reported = self.report_page(&transaction, known, now).await;
        let events = transaction.events();
        let goes_on = transaction.finish(reported).await?;
        events.iter().for_each(|event| report(event));
        Ok(goes_on)
    }

    async fn report_page(&self, transaction: &Transaction, known: &Campaign, now: Timestamp) -> Result<bool, Error> {
        let Some(mut campaign) = transaction.try_lock_campaign(known.id).await? else { return Ok(false) };
        if campaign.next_step(now) != Step::Report {
            return Ok(true);
        }
        let most = if campaign.cuts_off() { PAGE_TO_CUT_OFF } else { PAGE };
        let members = transaction.campaign_members(campaign.id, campaign.reported_through, most, now).await?;
        let Some(last) = members.last().map(|member| member.token_id) else {
            return self.end_campaign(transaction, campaign, now).await;
        };
        let reported = match campaign.cuts_off() {
            true => self.cut_off_members(transaction, &campaign, &members, now).await?,
            false => members.iter().map(|member| (member.token_id, member.state, member.refusal)).collect(),
        };
        for (_, state, refusal) in &reported {
            campaign.report.add(*state, refusal.is_some(), 1);
        }
        transaction.end_campaign_members(campaign.id, &reported).await?;
        campaign.reported_through = Some(last);
        transaction.write_campaign(&campaign).await?;
        Ok(true)
    }

    async fn end_campaign(
        &self,
        transaction: &Transaction,
        mut campaign: Campaign,
        now: Timestamp,
    ) -> Result<bool, Error> {
        if let Some(end) = &mut campaign.end {
            end.ended_at = Some(now);
            if end.reason != EndReason::Cancelled {
                let by = (Actor::System, Provenance::default());
                let event = self.campaign_event(Action::CampaignEnded, by, &campaign, now)?;
                transaction.append(&event).await?;
            }
        }
        transaction.write_campaign(&campaign).await?;
        Ok(false)
    }

    /// Cuts off the old values of these tokens. Those that are not done, and the token by whose right it is done, are locked in the order
    /// of their ids, as everywhere.
    async fn cut_off_members(
        &self,
        transaction: &Transaction,
        campaign: &Campaign,
        members: &[Member],
        now: Timestamp,
    ) -> Result<Vec<Reported>, Error> {
        let left = members.iter().filter(|member| !member.state.is_done());
        let mut to_lock: BTreeMap<TokenId, LockMode> = BTreeMap::from([(campaign.created_by, LockMode::Shared)]);
        to_lock.extend(left.map(|member| (member.token_id, LockMode::Exclusive)));
        let mut locked = BTreeMap::new();
        for (id, mode) in to_lock {
            if let Some(token) = transaction.find_and_lock(id, mode).await? {
                locked.insert(id, token);
            }
        }
        let creator = locked.get(&campaign.created_by).cloned();
        let mut reported = Vec::with_capacity(members.len());
        for member in members {
            if member.state.is_done() {
                reported.push((member.token_id, member.state, None));
                continue;
            }
            let token = locked.get(&member.token_id);
            let refusal = match token {
                Some(token) => {
                    let decision = cut_off(creator.as_ref(), token, member.old_generation, now);
                    match decision {
                        Ok(decision) => {
                            let token = self.carry_out(transaction, campaign, (token.clone(), decision), now).await?;
                            locked.insert(token.id, token);
                            None
                        }
                        Err(refusal) => Some(refusal.code()),
                    }
                }
                None => None,
            };
            let state = state(locked.get(&member.token_id), member.old_generation, now);
            reported.push((member.token_id, state, refusal));
        }
        Ok(reported)
    }

    /// Carries out the decision about a token that is locked; returns the token after that. The actor is who created the campaign.
    async fn carry_out(
        &self,
        transaction: &Transaction,
        campaign: &Campaign,
        (mut token, decision): (Token, CutOff),
        now: Timestamp,
    ) -> Result<Token, Error> {
        let by = (Actor::ApiToken(campaign.created_by), Provenance::default());
        let (reason, generation) = (campaign.reason_of_events(), token.current.generation);
        match decision {
            CutOff::Nothing => {}
            CutOff::Revoke => self.write_revocation(transaction, &mut token, (by, generation), reason, now).await?,
            CutOff::EndOverlap => {
                transaction.end_overlap(token.id).await?;
                transaction.erase_salt(token.id, generation).await?;
                token.previous = None;
                let event = self.change(Action::OverlapEnded, by, (token.id, generation), now)?;
                transaction.append(&event.with_reason(reason)).await?;
            }
        }
        Ok(token)
    }
}
