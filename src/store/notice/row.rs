//! Converting between rows of `webhook` and the plain values of `domain`.

use sea_orm::ActiveValue::{NotSet, Set};

use crate::domain::id::{TokenId, WebhookId};
use crate::domain::notice::{DisabledBecause, Kinds, Webhook, WebhookSecret, WebhookSettings};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;
use crate::store::Error;
use crate::store::entity::webhook::{ActiveModel, Key, Model};
use crate::store::token::columns::actor_name;

/// What is between the owners in their column. No owner has a line break.
pub(super) const OWNER_SEPARATOR: &str = "\n";

fn unreadable(id: &str, what: &str) -> Error {
    Error::Unreadable(format!("webhook {id}: {what}"))
}

fn actor(name: Option<&str>) -> Option<Actor> {
    name.map_or(Some(Actor::System), |id| TokenId::parse(id).map(Actor::ApiToken))
}

/// The facts of a row, without its secrets.
pub(super) fn webhook(row: Model) -> Result<Webhook, Error> {
    let moment = Timestamp::from_unix_millis;
    let bad = |what: &str| unreadable(&row.id, what);
    Ok(Webhook {
        id: WebhookId::parse(&row.id).ok_or_else(|| bad("id"))?,
        created_at: moment(row.created_at),
        created_by: actor(row.created_by.as_deref()).ok_or_else(|| bad("created_by"))?,
        updated: match row.updated_at {
            Some(at) => Some((moment(at), actor(row.updated_by.as_deref()).ok_or_else(|| bad("updated_by"))?)),
            None => None,
        },
        disabled: row.disabled_at.map(|at| {
            let because = row.disabled_because.as_deref().and_then(DisabledBecause::parse);
            (moment(at), because.unwrap_or(DisabledBecause::Unknown))
        }),
        previous_secret_until: row.previous_until.map(moment),
        last_success_at: row.last_success_at.map(moment),
        last_failure: row.last_failure_at.map(|at| (moment(at), row.last_failure.unwrap_or_default().into())),
        failing_since: row.failing_since.map(moment),
        settings: WebhookSettings {
            url: row.url.into(),
            description: row.description.map(Into::into),
            kinds: Kinds::of_names(row.kinds.split_whitespace()),
            owners: row.owners.split(OWNER_SEPARATOR).filter(|owner| !owner.is_empty()).map(Into::into).collect(),
        },
    })
}

/// The columns that a change of the settings writes, and of a change of whether the webhook is enabled.
pub(super) fn changed(webhook: &Webhook) -> ActiveModel {
    // Destructured, so that nothing is forgotten. What the sender writes is left alone.
    let Webhook {
        id: _,
        settings: WebhookSettings { url, description, kinds, owners },
        created_at: _,
        created_by: _,
        updated,
        disabled,
        previous_secret_until: _,
        last_success_at: _,
        last_failure: _,
        failing_since,
    } = webhook;
    ActiveModel {
        url: Set(url.to_string()),
        description: Set(description.as_deref().map(str::to_owned)),
        kinds: Set(kinds.names().collect::<Vec<_>>().join(" ")),
        owners: Set(owners.join(OWNER_SEPARATOR)),
        updated_at: Set(updated.map(|(at, _)| at.unix_millis())),
        updated_by: Set(updated.and_then(|(_, actor)| actor_name(actor))),
        disabled_at: Set(disabled.map(|(at, _)| at.unix_millis())),
        disabled_because: Set(disabled.map(|(_, because)| because.as_str().to_owned())),
        failing_since: Set(failing_since.map(Timestamp::unix_millis)),
        ..Default::default()
    }
}

/// The columns of the current secret.
pub(super) fn secret(secret: &WebhookSecret) -> ActiveModel {
    let WebhookSecret { hmac_key, ed25519_seed } = secret;
    ActiveModel {
        hmac_key: Set(Key(hmac_key.to_vec())),
        ed25519_seed: Set(Key(ed25519_seed.to_vec())),
        ..Default::default()
    }
}

/// The row of a new webhook.
pub(super) fn row(webhook: &Webhook, new: &WebhookSecret) -> ActiveModel {
    let ActiveModel { hmac_key, ed25519_seed, .. } = secret(new);
    ActiveModel {
        id: Set(webhook.id.to_string()),
        created_at: Set(webhook.created_at.unix_millis()),
        created_by: Set(actor_name(webhook.created_by)),
        hmac_key,
        ed25519_seed,
        previous_hmac_key: NotSet,
        previous_ed25519_seed: NotSet,
        ..changed(webhook)
    }
}
