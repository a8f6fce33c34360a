//! `createAPIToken`: a new token, with no more than its creator holds.

use crate::domain::audit::{Action, Provenance};
use crate::domain::id::TokenId;
use crate::domain::rule::authority::Authority;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Permission, Settings, SettingsDraft, Token, ValueFacts};
use crate::domain::value::Value;
use crate::service::audit::report;
use crate::service::{Caller, Error, Issued, Service, View, token_id};
use crate::store::Transaction;

/// A token to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateRequest {
    /// Its settings, as asked for.
    pub draft: SettingsDraft,
    /// The id of the token whose settings are used where the draft has none.
    pub clone_settings_from: Option<String>,
}

impl Service {
    /// Creates a token with its first value. Needs `API_TOKEN_MODIFY` and every permission and scope asked for (R11), and
    /// `API_TOKEN_READ` to clone another's settings.
    ///
    /// # Errors
    /// When the caller may not, or a setting is invalid.
    pub async fn create(&self, caller: &Caller, request: CreateRequest) -> Result<Issued, Error> {
        let now = self.now();
        if let Some(issued) = self.create_optimistically(caller, &request, now).await? {
            return Ok(issued);
        }
        let transaction = self.store.begin().await?;
        let issued = self.create_in(&transaction, caller, request, now).await;
        caller.finish(transaction, issued).await
    }

    /// The ordinary creation, which is decided on the caller's token as it was when the caller was authenticated; `None` if this is
    /// another kind, if it is refused, or if the caller's token has changed since. Then it must be decided under a lock.
    async fn create_optimistically(
        &self,
        caller: &Caller,
        request: &CreateRequest,
        now: Timestamp,
    ) -> Result<Option<Issued>, Error> {
        let known = caller.known();
        let current = known.current.generation == caller.generation() && !caller.first_use_is_pending();
        // Checked again, because time has passed since the caller was authenticated.
        if !current || request.clone_settings_from.is_some() || caller.check_still_valid(known, now).is_err() {
            return Ok(None);
        }
        let authority = Authority::of(known);
        let Ok(()) = authority.require(Permission::ApiTokenModify) else { return Ok(None) };
        let Ok(settings) = request.draft.clone().validate(None, &self.policy.limits, now) else { return Ok(None) };
        let Ok(()) = authority.require_to_issue(&settings) else { return Ok(None) };
        // Before the write, so that a change during it makes the entry of the new value stale.
        let stamp = self.store.stamp();
        let (token, value) = self.new_token(settings, caller.as_actor().0, now)?;
        let subject = (token.id, token.current.generation);
        let event = self.change(Action::Created, caller.as_actor(), subject, now)?;
        let written = self.store.insert_optimistically(known, &token, &event).await?;
        let Some(publication) = written else { return Ok(None) };
        report(&event);
        let view = View::new(token, now);
        self.cache_current(&view.token, publication.stamp(stamp), now);
        Ok(Some(Issued { view, value, cancelled_generation: None }))
    }

    async fn create_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        request: CreateRequest,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let own = transaction.find_and_lock(caller.token_id(), caller.lock_mode()).await?;
        let mut own = own.ok_or(Error::Unauthenticated)?;
        caller.check_still_valid(&own, now)?;
        caller.write_first_use_in(transaction, &mut own, now).await?;
        let authority = Authority::of(&own);
        authority.require(Permission::ApiTokenModify)?;
        let base = match &request.clone_settings_from {
            Some(id) => Some(cloned(transaction, authority, id).await?),
            None => None,
        };
        let settings = request.draft.validate(base.as_ref(), &self.policy.limits, now)?;
        authority.require_to_issue(&settings)?;
        self.insert(transaction, settings, caller.as_actor(), now).await
    }

    pub(crate) async fn insert(
        &self,
        transaction: &Transaction,
        settings: Settings,
        by: (Actor, Provenance),
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let (token, value) = self.new_token(settings, by.0, now)?;
        transaction.insert(&token).await?;
        self.record(transaction, Action::Created, by, (token.id, token.current.generation), now).await?;
        Ok(Issued { view: View::new(token, now), value, cancelled_generation: None })
    }

    /// A new token and its first value.
    fn new_token(&self, settings: Settings, by: Actor, now: Timestamp) -> Result<(Token, Value), Error> {
        let value = Value::from_entropy(settings.kind, &self.random()?);
        let token = Token {
            id: TokenId::new(now, self.random()?),
            created_at: now,
            created_by: by,
            updated: None,
            last_used_at: None,
            revoked_at: None,
            suspended_at: None,
            current: ValueFacts {
                generation: 1,
                hash: value.hash(),
                hint: value.hint(),
                format: None,
                created_at: now,
                created_by: by,
                first_used_at: None,
                last_used_at: None,
                replaced_at: None,
                retires_at: None,
                overlap_minutes: settings.overlap_minutes,
                brown_out: false,
                salt: None,
            },
            settings,
            previous: None,
        };
        Ok((token, value))
    }
}

async fn cloned(transaction: &Transaction, authority: Authority<'_>, id: &str) -> Result<Settings, Error> {
    const FIELD: &str = "cloneSettingsFrom";
    let id = token_id(FIELD, id)?;
    authority.require_unless_own(Permission::ApiTokenRead, id)?;
    let token = transaction.find_token(id).await?.ok_or(Error::NotFound { field: FIELD })?;
    Ok(token.settings)
}
