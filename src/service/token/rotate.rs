//! `rotateAPIToken`: issues a new value, which is shown once. The old one works until its overlap ends.
//!
//! The ordinary rotation is optimistic: if the holder of the current value rotates its own token, the decision is made on the token
//! that the caller was authenticated with. Everything that it depends on is fixed, or is a condition of the write. All other
//! rotations lock the token and decide on what they read; so does an ordinary one whose conditions were not met.

mod request;

use crate::domain::audit::{Action, AuditEvent};
use crate::domain::id::TokenId;
use crate::domain::reason::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle;
use crate::domain::rule::rotation::{self, Overlap, Plan, Repeatable, Rotation, Rotator};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Salt, Token, ValueFacts};
use crate::domain::value::Value;
use crate::domain::value::derivation::{self, IdempotencyKey};
use crate::service::audit::{Refused, report};
use crate::service::{Caller, Error, Issued, Service, View, token_id};
use crate::store::{Rotated, Transaction};

pub use request::RotateRequest;

/// After how many seconds a rotation that lost a race in the database may be retried.
pub(super) const RETRY_AFTER_RACE_SECONDS: u32 = 1;

impl Service {
    /// Rotates the token of this id, or the caller's own if none is given. Another's token needs `API_TOKEN_MODIFY`,
    /// every permission and scope that it holds and, if it has permissions, bounds that include its own, because rotating it
    /// reveals its value (R11).
    ///
    /// # Errors
    /// When the caller may not, the token no longer works, another rotation won (R7), or the value that would be cut off is in use (R15).
    pub async fn rotate(&self, caller: &Caller, request: &RotateRequest) -> Result<Issued, Error> {
        let outcome = self.rotate_or_record(caller, request).await;
        outcome.iter().for_each(|issued| caller.note_end_of_period(issued.view.token.id));
        self.counts.rotated(&outcome);
        outcome
    }

    /// Rotates, or records a refusal that is worth knowing.
    async fn rotate_or_record(&self, caller: &Caller, request: &RotateRequest) -> Result<Issued, Error> {
        let now = self.now();
        let id = request.id.as_deref().map_or(Ok(caller.token_id()), |id| token_id("id", id))?;
        let outcome = match self.try_rotate(caller, id, request, now).await {
            Err(err) => Err(self.name_users(caller, id, err).await),
            issued => issued,
        };
        if let Err(
            refusal @ (Error::Refused(
                Refusal::RotationConflict { .. } | Refusal::ValueSuperseded | Refusal::IdempotencyKeyReused,
            )
            | Error::StillInUse(_)),
        ) = &outcome
        {
            let code = refusal.code();
            let presented = Some((caller.token_id(), caller.generation()));
            let refused = Refused { action: Action::RotationRefused, code, presented, target: Some(id) };
            self.record_refusal(refused, caller.provenance().clone(), now).await;
        }
        outcome
    }

    async fn try_rotate(
        &self,
        caller: &Caller,
        id: TokenId,
        request: &RotateRequest,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let key = request.idempotency_key.as_deref().map(IdempotencyKey::parse).transpose()?;
        let reason = request.reason.clone().validate()?;
        if id == caller.token_id()
            && key.is_none()
            && let Some(issued) = self.rotate_optimistically(caller, request, &reason, now).await?
        {
            return Ok(issued);
        }
        let transaction = self.store.begin().await?;
        let issued = self.rotate_in(&transaction, caller, id, (request, key, reason), now).await;
        caller.finish(transaction, issued).await
    }

    /// The ordinary rotation; `None` if this is another kind, or if the token has changed since the caller was authenticated. Then
    /// the rotation must be decided under a lock.
    async fn rotate_optimistically(
        &self,
        caller: &Caller,
        request: &RotateRequest,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Option<Issued>, Error> {
        let known = caller.known();
        let current = known.current.generation == caller.generation();
        // Checked again, because time has passed since the caller was authenticated.
        let lacks_period = request.require_period && known.settings.rotation_period_minutes.is_none();
        if !current || lacks_period || caller.check_still_valid(known, now).is_err() {
            return Ok(None);
        }
        let first_used_at = caller.first_use_is_pending().then_some(now);
        let mut token = known.clone();
        if first_used_at.is_some() {
            token = lifecycle::apply_use(token, caller.generation(), now);
        }
        let rotator = Rotator::Holder { generation: caller.generation() };
        let Ok(overlap) = request.overlap(&token) else { return Ok(None) };
        let Ok(Plan::Issue(rotation)) = rotation::rotate(&token, rotator, overlap, None, now) else { return Ok(None) };
        let may_be_in_use = token.settings.silent_minutes > 0 && overlap.cut_off(&token, &rotation).next().is_some();
        if may_be_in_use && !request.force {
            // The use of a value is no condition of the write.
            return Ok(None);
        }
        let (value, issued, event) = self.issue((&token, &rotation), Action::Rotated, None, caller, now)?;
        let event = event.with_reason(reason.clone());
        let written = self.store.rotate_optimistically(known, &rotation, &issued, first_used_at, &event).await?;
        let Some(publication) = written else { return Ok(None) };
        caller.mark_first_use_durable();
        report(&event);
        // A holder of the current value cancels no other value.
        let view = View::new(rotation::apply(token, &rotation, issued), now);
        self.cache_current(&view.token, publication.stamp(caller.stamp()), now);
        Ok(Some(Issued { view, value, cancelled_generation: None }))
    }

    async fn rotate_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: TokenId,
        (request, key, reason): (&RotateRequest, Option<IdempotencyKey>, Reason),
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let (mut token, rotator) = self.target(transaction, caller, id, now).await?;
        let first_use = matches!(rotator, Rotator::Holder { .. }) && caller.first_use_is_pending();
        if first_use {
            token = lifecycle::apply_use(token, caller.generation(), now);
        }
        if request.require_period && token.settings.rotation_period_minutes.is_none() {
            return Err(Refusal::NoRotationPeriod.into());
        }
        let overlap = request.overlap(&token)?;
        let repeatable = key.as_ref().map(|key| Repeatable { presented: caller.presented(), key });
        let plan = self.plan(&token, rotator, overlap, repeatable, now).map_err(lost_race)?;
        if let Plan::Issue(rotation) = &plan {
            for generation in overlap.cut_off(&token, rotation) {
                self.require_silent(transaction, caller, (&token, generation), request.force, now).await?;
            }
        }
        // The first use of the value that is replaced is written by the rotation itself. An overlap that it would start ends with
        // the rotation, because no older value keeps working (R1). The first use of the previous value starts no overlap, and is
        // written here.
        let first_used_at = plan.replaces(caller.generation()).then_some(now).filter(|_| first_use);
        if first_use && first_used_at.is_none() {
            transaction.record_use(id, caller.generation(), now).await?;
        }
        let mut cancelled_generation = None;
        let (token, value) = match plan {
            Plan::Repeat(value) => {
                self.record_repeated(transaction, caller, &token, now).await?;
                (token, value)
            }
            Plan::Issue(rotation) => {
                let action = if rotation.recovers { Action::Recovered } else { Action::Rotated };
                let (value, issued, event) = self.issue((&token, &rotation), action, repeatable, caller, now)?;
                let event = event.with_reason(reason);
                let rotated = transaction.rotate(id, &rotation, &issued, first_used_at, &event).await?;
                if rotated == Rotated::Lost {
                    return Err(Refusal::RotationConflict { retry_after_seconds: RETRY_AFTER_RACE_SECONDS }.into());
                }
                cancelled_generation = rotation.recovers.then_some(rotation.from_generation);
                (rotation::apply(token, &rotation, issued), value)
            }
        };
        Ok(Issued { view: View::new(token, now), value, cancelled_generation })
    }

    /// Decides about a rotation. While it is uncertain how long ago the last one was, no unused value is cancelled (R17).
    pub(super) fn plan(
        &self,
        token: &Token,
        rotator: Rotator,
        overlap: Overlap,
        repeatable: Option<Repeatable<'_>>,
        now: Timestamp,
    ) -> Result<Plan, Refusal> {
        let plan = rotation::rotate(token, rotator, overlap, repeatable, now)?;
        let unsettled = self.time.uncertain_seconds();
        if unsettled > 0 && plan.rests_on_guard(token) {
            return Err(Refusal::RotationConflict { retry_after_seconds: unsettled });
        }
        Ok(plan)
    }

    /// Locks the token to rotate; returns also on whose behalf it is rotated. The first use by its holder is left to the rotation.
    async fn target(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: TokenId,
        now: Timestamp,
    ) -> Result<(Token, Rotator), Error> {
        if id == caller.token_id() {
            let (token, _) = transaction.find_to_change(id, None).await?;
            let token = token.ok_or(Error::Unauthenticated)?;
            caller.check_still_valid(&token, now).map_err(lost_race)?;
            return Ok((token, Rotator::Holder { generation: caller.generation() }));
        }
        let (own, token) = self.find_to_change(transaction, caller, id, now).await?;
        let authority = Authority::of(&own);
        // First, so that only a caller that may change tokens learns that no token has this id.
        authority.require(Permission::ApiTokenModify)?;
        let token = token.ok_or(Error::NotFound { field: "id" })?;
        authority.require_to_rotate(&token)?;
        Ok((token, Rotator::Other))
    }

    /// Records that a request was repeated and got the same answer, at most once a minute.
    pub(super) async fn record_repeated(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), Error> {
        let action = Action::RotationRepeated;
        if self.refusals.known.allows((action, "", Some(token.id), None), now) {
            let subject = (token.id, token.current.generation);
            self.record(transaction, action, caller.as_actor(), subject, now).await?;
        }
        Ok(())
    }

    /// The value that a rotation issues, its facts to be written, and the audit event.
    pub(super) fn issue(
        &self,
        (token, rotation): (&Token, &Rotation),
        action: Action,
        repeatable: Option<Repeatable<'_>>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(Value, ValueFacts, AuditEvent), Error> {
        let (value, salt) = self.new_value(token, rotation, repeatable)?;
        // If the old value stops working immediately, a rotation cannot be repeated. A revival can: its caller presents another value.
        let salt = salt.filter(|_| rotation.previous.is_some() || action == Action::Revived);
        let issued = issued(rotation, &value, salt, caller, now);
        let event = self.change(action, caller.as_actor(), (token.id, rotation.generation), now)?;
        Ok((value, issued, event))
    }

    /// A random value, or one that can be derived again for a repeated request (R6).
    fn new_value(
        &self,
        token: &Token,
        rotation: &Rotation,
        repeatable: Option<Repeatable<'_>>,
    ) -> Result<(Value, Option<Salt>), Error> {
        let Some(Repeatable { presented, key }) = repeatable else {
            return Ok((Value::from_entropy(token.settings.kind, &self.random()?), None));
        };
        let salt = Salt(Box::new(self.random()?));
        let value = derivation::derive(token, rotation.generation, presented, &salt, key);
        Ok((value, Some(salt)))
    }
}

/// A value that worked when the request began, and is retired now, has lost a race (R7).
fn lost_race(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::ValueRetired => Refusal::RotationConflict { retry_after_seconds: RETRY_AFTER_RACE_SECONDS },
        other => other,
    }
}

fn issued(rotation: &Rotation, value: &Value, salt: Option<Salt>, caller: &Caller, now: Timestamp) -> ValueFacts {
    ValueFacts {
        generation: rotation.generation,
        hash: value.hash(),
        hint: value.hint(),
        format: None,
        created_at: now,
        created_by: caller.as_actor().0,
        first_used_at: None,
        last_used_at: None,
        replaced_at: None,
        retires_at: None,
        overlap_minutes: rotation.overlap_minutes,
        brown_out: rotation.brown_out,
        salt,
    }
}

/// Why an ordinary rotation may be decided without a lock, field by field. A new field does not compile until it is listed here. If
/// it can change, and a rule of rotation reads it, it must also be a condition of `Store::rotate_optimistically`.
const _: fn(&Token) = |token| {
    let Token {
        // Fixed at creation.
        id: _,
        created_at: _,
        created_by: _,
        // Conditions of the write. The condition on `updated` covers all settings that can change.
        updated: _,
        settings: _,
        revoked_at: _,
        // A suspension changes the column of the networks, which is a condition.
        suspended_at: _,
        current,
        // Replaced together with the generation, or read by no rule of rotation.
        previous: _,
        last_used_at: _,
    } = token;
    let ValueFacts {
        // Conditions of the write.
        generation: _,
        first_used_at: _,
        replaced_at: _,
        // Fixed when the value is issued, or changed together with a condition.
        hash: _,
        hint: _,
        format: _,
        created_at: _,
        created_by: _,
        overlap_minutes: _,
        brown_out: _,
        retires_at: _,
        salt: _,
        // A rotation that it matters to is decided under a lock.
        last_used_at: _,
    } = current;
};
