//! Converting between rows of `mail_digest` and the plain values of `domain`.

use sea_orm::ActiveValue::Set;

use crate::domain::id::{MailDigestId, TokenId};
use crate::domain::notice::{Kinds, MailDigest, MailDigestFrequency, MailDigestSettings, Schedule};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;
use crate::store::Error;
use crate::store::entity::mail_digest::{ActiveModel, Model};
use crate::store::notice::row::OWNER_SEPARATOR;
use crate::store::token::columns::actor_name;

fn actor(name: Option<&str>) -> Option<Actor> {
    name.map_or(Some(Actor::System), |id| TokenId::parse(id).map(Actor::ApiToken))
}

/// The facts of a row.
pub(super) fn digest(row: Model) -> Result<MailDigest, Error> {
    let moment = Timestamp::from_unix_millis;
    let bad = |what: &str| Error::Unreadable(format!("mail_digest {}: {what}", row.id));
    Ok(MailDigest {
        id: MailDigestId::parse(&row.id).ok_or_else(|| bad("id"))?,
        created_at: moment(row.created_at),
        created_by: actor(row.created_by.as_deref()).ok_or_else(|| bad("created_by"))?,
        updated: match row.updated_at {
            Some(at) => Some((moment(at), actor(row.updated_by.as_deref()).ok_or_else(|| bad("updated_by"))?)),
            None => None,
        },
        period_ends_at: moment(row.period_ends_at),
        next_attempt_at: moment(row.due_at),
        last_success_at: row.last_success_at.map(moment),
        settings: MailDigestSettings {
            schedule: Schedule {
                frequency: MailDigestFrequency::parse(&row.frequency).ok_or_else(|| bad("frequency"))?,
                minute_of_day: u32::try_from(row.minute_of_day).map_err(|_| bad("minute_of_day"))?,
            },
            address: row.address.into(),
            description: row.description.map(Into::into),
            kinds: Kinds::of_names(row.kinds.split_whitespace()),
            owners: row.owners.split(OWNER_SEPARATOR).filter(|owner| !owner.is_empty()).map(Into::into).collect(),
        },
        last_failure: row.last_failure_at.map(|at| (moment(at), row.last_failure.unwrap_or_default().into())),
        failing_since: row.failing_since.map(moment),
    })
}

/// The columns that a change of the settings writes.
pub(super) fn changed(digest: &MailDigest) -> ActiveModel {
    // Destructured, so that nothing is forgotten. What the sender writes is left alone.
    let MailDigest {
        id: _,
        settings: MailDigestSettings { address, description, kinds, owners, schedule },
        created_at: _,
        created_by: _,
        updated,
        period_ends_at,
        next_attempt_at,
        last_success_at: _,
        last_failure: _,
        failing_since: _,
    } = digest;
    let Schedule { frequency, minute_of_day } = schedule;
    ActiveModel {
        address: Set(address.to_string()),
        description: Set(description.as_deref().map(str::to_owned)),
        kinds: Set(kinds.names().collect::<Vec<_>>().join(" ")),
        owners: Set(owners.join(OWNER_SEPARATOR)),
        frequency: Set(frequency.as_str().to_owned()),
        minute_of_day: Set((*minute_of_day).into()),
        updated_at: Set(updated.map(|(at, _)| at.unix_millis())),
        updated_by: Set(updated.and_then(|(_, actor)| actor_name(actor))),
        period_ends_at: Set(period_ends_at.unix_millis()),
        due_at: Set(next_attempt_at.unix_millis()),
        ..Default::default()
    }
}

/// The row of a new digest.
pub(super) fn row(digest: &MailDigest) -> ActiveModel {
    ActiveModel {
        id: Set(digest.id.to_string()),
        created_at: Set(digest.created_at.unix_millis()),
        created_by: Set(actor_name(digest.created_by)),
        ..changed(digest)
    }
}
