//! The settings that are asked for when a token is created, and their rules.

use super::setting::{OverlapEnd, OverlapStart, TokenKind};
use super::settings::{DEFAULT_SILENT_MINUTES, Settings, SettingsChange};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::timestamp::Timestamp;

/// The operator's limits on what may be asked for. `None` and `false` limit nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The longest life of a token, in minutes.
    pub max_lifetime_minutes: Option<u32>,
    /// Whether every token must have an expiry.
    pub require_expiry: bool,
    /// The longest overlap, in minutes.
    pub max_overlap_minutes: Option<u32>,
}

/// The settings that are asked for when a token is created, before validation. `None` means left out: the setting is cloned, or
/// gets its default. An inner `None` means explicitly empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsDraft {
    /// The settings that can be changed later, among them the name, which must be given and is never cloned.
    pub change: SettingsChange,
    /// See [`Settings::kind`].
    pub kind: Option<TokenKind>,
    /// See [`Settings::not_before`]; never cloned.
    pub not_before: Option<Timestamp>,
    /// See [`Settings::expires_at`]; never cloned.
    pub expires_at: Option<Timestamp>,
    /// See [`Settings::rotation_period_minutes`].
    pub rotation_period_minutes: Option<Option<i32>>,
    /// See [`Settings::overlap_minutes`].
    pub overlap_minutes: Option<i32>,
    /// See [`Settings::overlap_starts`].
    pub overlap_starts: Option<OverlapStart>,
    /// See [`Settings::overlap_ends`].
    pub overlap_ends: Option<OverlapEnd>,
    /// See [`Settings::silent_minutes`].
    pub silent_minutes: Option<i32>,
}

impl SettingsDraft {
    /// A private token of this name that may do nothing.
    pub fn new(name: impl Into<String>) -> Self {
        Self { change: SettingsChange { name: Some(name.into()), ..SettingsChange::default() }, ..Self::default() }
    }

    /// The validated settings. What the draft leaves out is taken from `base`, the settings to clone.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn validate(self, base: Option<&Settings>, limits: &Limits, now: Timestamp) -> Result<Settings, InvalidInput> {
        self.checked(base, limits, (now, now))
    }

    /// As [`SettingsDraft::validate`], if the first rotation period begins at another time than now.
    pub(super) fn validate_from(
        self,
        begins_at: Timestamp,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Settings, InvalidInput> {
        self.checked(None, limits, (begins_at, now))
    }

    fn checked(
        self,
        base: Option<&Settings>,
        limits: &Limits,
        (begins_at, now): (Timestamp, Timestamp),
    ) -> Result<Settings, InvalidInput> {
        let Self {
            change,
            kind,
            not_before,
            expires_at,
            rotation_period_minutes,
            overlap_minutes,
            overlap_starts,
            overlap_ends,
            silent_minutes,
        } = self;
        // The name is not cloned; without a name, the draft is refused.
        let nameless = Settings::named("");
        let mut settings = Settings { name: nameless.name.clone(), ..base.unwrap_or(&nameless).clone() };
        if let Some(minutes) = rotation_period_minutes {
            settings.rotation_period_minutes = minutes.map(rotation_period).transpose()?;
        }
        SettingsChange { name: Some(change.name.unwrap_or_default()), ..change }.make(&mut settings)?;
        settings.kind = kind.unwrap_or(settings.kind);
        settings.expires_at = expiry(expires_at, limits, now)?;
        settings.not_before = not_before;
        check_not_before(&settings, begins_at)?;
        let period = settings.rotation_period_minutes;
        settings.overlap_minutes = overlap(overlap_minutes, settings.overlap_minutes, period, limits)?;
        settings.overlap_starts = overlap_starts.unwrap_or(settings.overlap_starts);
        settings.overlap_ends = overlap_ends.unwrap_or(settings.overlap_ends);
        settings.silent_minutes = silence(silent_minutes, &settings)?;
        settings.validate()?;
        Ok(settings)
    }
}

fn expiry(asked: Option<Timestamp>, limits: &Limits, now: Timestamp) -> Result<Option<Timestamp>, InvalidInput> {
    let invalid = |message: String| Err(InvalidInput::new("expiresAt", message));
    let latest = limits.max_lifetime_minutes.map(|minutes| now.plus_minutes(minutes));
    match (asked, latest) {
        (None, None) if !limits.require_expiry => Ok(None),
        (None, None) => invalid("This server requires an expiry for every token. Set expiresAt.".into()),
        (None, Some(latest)) => {
            invalid(format!("This server limits the lifetime of a token. Set expiresAt to {latest} or earlier."))
        }
        (Some(asked), _) if asked <= now => invalid("The expiry must be in the future.".into()),
        (Some(asked), Some(latest)) if asked > latest => {
            invalid(format!("This server limits the lifetime of a token. The latest expiry is now {latest}."))
        }
        (Some(asked), _) => Ok(Some(asked)),
    }
}

/// A token must work at some time. Its rotation period begins when its value is issued and not with `notBefore`, because a value is at risk from
/// the moment that it is known (R3).
fn check_not_before(settings: &Settings, begins_at: Timestamp) -> Result<(), InvalidInput> {
    let ends = [
        (settings.expires_at, "its expiresAt"),
        (settings.rotate_by(begins_at), "the end of its first rotation period"),
    ];
    for (end, what) in ends {
        if let (Some(not_before), Some(end)) = (settings.not_before, end)
            && not_before >= end
        {
            let message = format!("The token would never work. Set notBefore to a time before {what}, which is {end}.");
            return Err(InvalidInput::new("notBefore", message));
        }
    }
    Ok(())
}

fn rotation_period(minutes: i32) -> Result<u32, InvalidInput> {
    let positive = u32::try_from(minutes).ok().filter(|minutes| *minutes > 0);
    positive.ok_or_else(|| {
        InvalidInput::new(
            "rotationPeriodMinutes",
            "The rotation period must be at least 1 minute; leave it out for none.",
        )
    })
}

fn overlap(asked: Option<i32>, otherwise: u32, period: Option<u32>, limits: &Limits) -> Result<u32, InvalidInput> {
    let longest = period.unwrap_or(u32::MAX).min(limits.max_overlap_minutes.unwrap_or(u32::MAX));
    let Some(asked) = asked else { return Ok(otherwise.min(longest)) };
    u32::try_from(asked).ok().filter(|minutes| *minutes <= longest).ok_or_else(|| {
        let message = match (period, limits.max_overlap_minutes) {
            (_, Some(limit)) if limit == longest => {
                format!("The overlap must be from 0 to {limit} minutes; this server allows no more.")
            }
            _ => "The overlap must be from 0 minutes to one whole rotation period.".to_owned(),
        };
        InvalidInput::new("overlapMinutes", message)
    })
}

/// How long a value must be silent (R15), by the other settings. `settings.silent_minutes` is that of a clone, or the default.
fn silence(asked: Option<i32>, settings: &Settings) -> Result<u32, InvalidInput> {
    let Settings { overlap_minutes, overlap_starts, overlap_ends, silent_minutes, .. } = settings;
    let must_end = *overlap_ends == OverlapEnd::WhenSilent;
    if must_end && *overlap_minutes == 0 {
        let message =
            "An overlap of 0 minutes cannot end when the previous value is silent. Set overlapMinutes, or ON_TIME.";
        return Err(InvalidInput::new("overlapEnds", message));
    }
    // No value lasts for longer after its rotation, except one that waits for the first use of the new value.
    let waits = *overlap_starts == OverlapStart::FirstUse && !must_end;
    let (shortest, longest) = (u32::from(must_end), if waits { u32::MAX } else { *overlap_minutes });
    let Some(asked) = asked else {
        let otherwise = if must_end && *silent_minutes == 0 { DEFAULT_SILENT_MINUTES } else { *silent_minutes };
        return Ok(otherwise.min(longest));
    };
    u32::try_from(asked).ok().filter(|minutes| (shortest..=longest).contains(minutes)).ok_or_else(|| {
        let message = if waits {
            "The time without a use must be at least 0 minutes.".to_owned()
        } else {
            format!("The time without a use must be from {shortest} minutes to the overlap of {longest} minutes.")
        };
        InvalidInput::new("silentMinutes", message)
    })
}

#[cfg(test)]
mod tests;
