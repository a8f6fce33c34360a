//! A token whose value was issued elsewhere: what is given about it, and the rules of importing it.

use sha2::{Digest, Sha256};

use super::draft::{Limits, SettingsDraft};
use super::settings::{Settings, SettingsChange};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::timestamp::Timestamp;
use crate::domain::value::foreign::{Algorithm, ForeignDigest, ForeignFormat, ForeignFormats, FormatName};
use crate::domain::value::{Hint, ValueHash};

/// What is given about a token whose value was issued elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportDraft {
    /// The SHA-256 of the value, in one of the fields for it.
    pub sha256: Option<String>,
    /// The SHA-512 of the value.
    pub sha512: Option<String>,
    /// The HMAC of the value.
    pub hmac_sha256: Option<String>,
    /// The name of the format of the value; `None` if there is only one.
    pub format: Option<String>,
    /// The last four characters of the value.
    pub hint: Option<String>,
    /// When the value was issued, from which on its rotation period runs; now if left out.
    pub created_at: Option<Timestamp>,
    /// The settings of the token.
    pub settings: SettingsDraft,
}

/// A token that is asked to be imported: which value it has is known, and its settings are not validated, because those of one that was
/// imported before need no longer be valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportCandidate {
    /// The hash by which the value is found.
    pub hash: ValueHash,
    /// The hashes by which the same value would be found in the other formats.
    pub others: Vec<ValueHash>,
    /// The hash of all that was given.
    pub fingerprint: ImportFingerprint,
    format: FormatName,
    hint: Hint,
    created_at: Option<Timestamp>,
    settings: SettingsDraft,
}

/// A token that may be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The hash by which the value is found.
    pub hash: ValueHash,
    /// The format of the value.
    pub format: FormatName,
    /// Its last four characters, if they are known.
    pub hint: Hint,
    /// When the value was issued.
    pub created_at: Timestamp,
    /// The settings of the token.
    pub settings: Settings,
    /// The hash of all that was given, by which a repeated import is recognised, whatever has become of the token since.
    pub fingerprint: ImportFingerprint,
}

/// The SHA-256 of all that was given about a token when it was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportFingerprint(pub [u8; 32]);

impl ImportDraft {
    /// Which value the token has. It must be of one of these formats.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn identify(self, formats: &ForeignFormats) -> Result<ImportCandidate, InvalidInput> {
        let format = find_format(self.format.as_deref(), formats)?;
        let digest = self.digest(format.algorithm())?;
        let hint = self.hint.as_deref().map(|text| {
            let message = "The hint must be the last four characters of the value.";
            Hint::of_import(text).ok_or_else(|| InvalidInput::new("hint", message))
        });
        let (hint, name) = (hint.transpose()?.unwrap_or(Hint::NONE), format.name().clone());
        let fingerprint = self.fingerprint(&name, hint);
        let others = formats.iter().filter(|other| other.name() != &name && other.algorithm() == format.algorithm());
        Ok(ImportCandidate {
            hash: digest.value_hash(&name),
            others: others.map(|other| digest.value_hash(other.name())).collect(),
            fingerprint,
            format: name,
            hint,
            created_at: self.created_at,
            settings: self.settings,
        })
    }

    /// The hash that was given, which must be of this algorithm.
    fn digest(&self, algorithm: Algorithm) -> Result<ForeignDigest, InvalidInput> {
        let given = [
            (Algorithm::Sha256, &self.sha256),
            (Algorithm::Sha512, &self.sha512),
            (Algorithm::HmacSha256, &self.hmac_sha256),
        ];
        let other = given.iter().find(|(one, text)| *one != algorithm && text.is_some());
        if let Some((other, _)) = other {
            let (field, expected) = (other.field(), algorithm.field());
            let message = format!("Values of this format are found by the field {expected}. Give that one only.");
            return Err(InvalidInput::new(field, message));
        }
        let own = given.into_iter().find(|(one, _)| *one == algorithm).and_then(|(_, text)| text.as_deref());
        let field = algorithm.field();
        let missing = || InvalidInput::new(field, format!("The field {field} must be given: the hash of the value."));
        ForeignDigest::parse(algorithm, own.ok_or_else(missing)?)
    }

    /// Fields that are left out do not count, so that a field that is added later changes no fingerprint.
    fn fingerprint(&self, format: &FormatName, hint: Hint) -> ImportFingerprint {
        // The hash of the value is what the fingerprint is found by.
        let Self { sha256: _, sha512: _, hmac_sha256: _, format: _, hint: _, created_at, settings } = self;
        let SettingsDraft {
            change,
            kind,
            not_before,
            expires_at,
            rotation_period_minutes,
            overlap_minutes,
            overlap_starts,
            overlap_ends,
            silent_minutes,
        } = settings;
        let SettingsChange {
            name,
            description,
            owner,
            permissions,
            scopes,
            allowed_cidr_blocks,
            allowed_origins,
            on_reuse,
            on_leak,
            metadata,
            protected,
        } = change;
        let mut parts = Parts(Sha256::new());
        parts.add("format", [format.as_str()]);
        parts.add("hint", [hint.as_str()]);
        parts.add("createdAt", created_at.map(|at| at.to_string()));
        parts.add("name", name);
        parts.add("description", description.iter().flatten());
        parts.add("owner", owner.iter().flatten());
        parts.add("permissions", permissions.iter().flatten().map(|permission| permission.as_str()));
        parts.add("scopes", scopes.iter().flatten());
        parts.add("allowedCIDRBlocks", allowed_cidr_blocks.iter().flatten());
        parts.add("allowedOrigins", allowed_origins.iter().flatten());
        parts.add("onReuse", on_reuse.map(|policy| policy.as_str()));
        parts.add("onLeak", on_leak.map(|policy| policy.as_str()));
        parts.add("metadata", metadata.iter().flatten().flat_map(|(key, value)| [key, value]));
        parts.add("protected", protected.map(|protected| protected.to_string()));
        parts.add("kind", kind.map(|kind| kind.as_str()));
        parts.add("notBefore", not_before.map(|at| at.to_string()));
        parts.add("expiresAt", expires_at.map(|at| at.to_string()));
        parts.add("rotationPeriodMinutes", rotation_period_minutes.flatten().map(|minutes| minutes.to_string()));
        parts.add("overlapMinutes", overlap_minutes.map(|minutes| minutes.to_string()));
        parts.add("overlapStarts", overlap_starts.map(|start| start.as_str()));
        parts.add("overlapEnds", overlap_ends.map(|end| end.as_str()));
        parts.add("silentMinutes", silent_minutes.map(|minutes| minutes.to_string()));
        ImportFingerprint(parts.0.finalize().into())
    }
}

impl ImportCandidate {
    /// The token to import, if it is new.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn validate(self, limits: &Limits, now: Timestamp) -> Result<Import, InvalidInput> {
        let Self { hash, others: _, fingerprint, format, hint, created_at, settings } = self;
        let created_at = created_at.unwrap_or(now);
        if created_at > now {
            let message = format!("The value must have been issued by now, which by the database's clock is {now}.");
            return Err(InvalidInput::new("createdAt", message));
        }
        let settings = settings.validate_from(created_at, limits, now)?;
        check_rotate_by(settings.rotate_by(created_at), now)?;
        Ok(Import { hash, format, hint, created_at, settings, fingerprint })
    }

    /// The settings that were valid when it was imported.
    ///
    /// # Errors
    /// When they never were.
    pub fn settings_before(&self, now: Timestamp) -> Result<Settings, InvalidInput> {
        let long_ago = Timestamp::from_unix_millis(0);
        self.settings.clone().validate_from(self.created_at.unwrap_or(now), &Limits::default(), long_ago)
    }

    /// Whether its time is over: it has expired, or its first rotation period has ended.
    ///
    /// # Errors
    /// What is over.
    pub fn check_not_over(&self, now: Timestamp) -> Result<(), InvalidInput> {
        let period = self.settings.rotation_period_minutes.flatten().and_then(|minutes| u32::try_from(minutes).ok());
        let rotate_by = period.zip(self.created_at).map(|(period, created_at)| created_at.plus_minutes(period));
        if self.settings.expires_at.is_some_and(|at| at <= now) {
            return Err(InvalidInput::new("expiresAt", "The expiry must be in the future."));
        }
        check_rotate_by(rotate_by, now)
    }
}

/// Texts that are hashed under their names, so that no two sets of them read the same.
struct Parts(Sha256);

impl Parts {
    fn add<T: AsRef<str>>(&mut self, name: &str, texts: impl IntoIterator<Item = T>) {
        for text in texts {
            for part in [name, text.as_ref()] {
                self.0.update((part.len() as u64).to_be_bytes());
                self.0.update(part);
            }
        }
    }
}

fn find_format<'a>(name: Option<&str>, formats: &'a ForeignFormats) -> Result<&'a ForeignFormat, InvalidInput> {
    const FIELD: &str = "format";
    let known = formats.iter().map(|format| format.name().as_str()).collect::<Vec<_>>().join(", ");
    let mut all = formats.iter();
    let found = match (name, all.next(), all.next()) {
        (_, None, _) => {
            let message = "No format of foreign values is configured. Set --foreign-values.";
            return Err(InvalidInput::new(FIELD, message));
        }
        (None, Some(only), None) => Some(only),
        (None, ..) => return Err(InvalidInput::new(FIELD, format!("The format must be given: one of {known}."))),
        (Some(name), ..) => FormatName::parse(name).and_then(|name| formats.find(&name)),
    };
    found.ok_or_else(|| {
        // What was given may be a value, if the columns of a file are shifted.
        InvalidInput::new(FIELD, format!("There is no such format. It must be one of {known}."))
    })
}

/// A token whose rotation period is over would not work, and could not be rotated (R3).
fn check_rotate_by(rotate_by: Option<Timestamp>, now: Timestamp) -> Result<(), InvalidInput> {
    match rotate_by {
        Some(rotate_by) if rotate_by <= now => {
            let message = format!(
                "The rotation period of this value ended at {rotate_by}, so it would not work. Leave out createdAt to begin a period now, \
                 or give a longer rotationPeriodMinutes."
            );
            Err(InvalidInput::new("createdAt", message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
