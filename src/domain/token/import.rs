//! A token whose value was issued elsewhere: what is given about it, and the rules of importing it.

use sha2::{Digest, Sha256};

use super::draft::{Limits, SettingsDraft};
use super::settings::{Settings, SettingsChange};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::text::quote;
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
    /// The token to import. Its value must be of one of these formats.
    ///
    /// # Errors
    /// The first rule that is not met, with its field.
    pub fn validate(self, formats: &ForeignFormats, limits: &Limits, now: Timestamp) -> Result<Import, InvalidInput> {
        let format = find_format(self.format.as_deref(), formats)?;
        let digest = self.digest(format.algorithm())?;
        let hint = self.hint.as_deref().map(|text| {
            let message = "The hint must be the last four characters of the value.";
            Hint::of_import(text).ok_or_else(|| InvalidInput::new("hint", message))
        });
        let (hint, format) = (hint.transpose()?.unwrap_or(Hint::NONE), format.name().clone());
        let fingerprint = self.fingerprint(&format, hint);
        let created_at = self.created_at.unwrap_or(now);
        let settings = self.settings.validate(None, limits, now)?;
        check_created_at(created_at, &settings, now)?;
        Ok(Import { hash: digest.value_hash(&format), format, hint, created_at, settings, fingerprint })
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
        let name = quote(name.unwrap_or_default());
        InvalidInput::new(FIELD, format!("There is no format {name}. It must be one of {known}."))
    })
}

/// A token whose rotation period is over would not work, and could not be rotated (R3).
fn check_created_at(created_at: Timestamp, settings: &Settings, now: Timestamp) -> Result<(), InvalidInput> {
    let invalid = |message: String| Err(InvalidInput::new("createdAt", message));
    if created_at > now {
        return invalid(format!("The value must have been issued by now, which by the database's clock is {now}."));
    }
    match settings.rotate_by(created_at) {
        Some(rotate_by) if rotate_by <= now => invalid(format!(
            "The rotation period of this value ended at {rotate_by}, so it would not work. Leave out createdAt to begin a period now, or \
             give a longer rotationPeriodMinutes."
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_800_000_000_000 + minutes * 60_000)
    }

    fn formats(names: &[&str]) -> ForeignFormats {
        let format = |name: &&str| {
            let algorithm = if *name == "long" { Algorithm::Sha512 } else { Algorithm::Sha256 };
            ForeignFormat::new(FormatName::parse(name).unwrap(), "x+", algorithm, None, None).unwrap()
        };
        ForeignFormats::new(names.iter().map(format).collect())
    }

    fn draft() -> ImportDraft {
        ImportDraft { sha256: Some(HASH.to_owned()), settings: SettingsDraft::new("a"), ..ImportDraft::default() }
    }

    fn import(draft: ImportDraft, names: &[&str]) -> Result<Import, (&'static str, String)> {
        let validated = draft.validate(&formats(names), &Limits::default(), at(0));
        validated.map_err(|InvalidInput { field, message }| (field, message))
    }

    fn field_of(draft: ImportDraft, names: &[&str]) -> &'static str {
        import(draft, names).unwrap_err().0
    }

    #[test]
    fn the_format_may_be_left_out_if_there_is_one() {
        assert_eq!(import(draft(), &["a"]).unwrap().format.as_str(), "a");
        let of = |name: &str| ImportDraft { format: Some(name.to_owned()), ..draft() };
        assert_eq!(import(of("b"), &["a", "b"]).unwrap().format.as_str(), "b");
        for (draft, names) in [(draft(), &["a", "b"][..]), (draft(), &[]), (of("c"), &["a", "b"]), (of("C!"), &["a"])] {
            assert_eq!(field_of(draft, names), "format");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_format() {
        let long = ImportDraft { format: Some("long".to_owned()), ..draft() };
        assert_eq!(field_of(long, &["a", "long"]), "sha256");
        let none = ImportDraft { sha256: None, ..draft() };
        assert_eq!(field_of(none, &["a"]), "sha256");
        let two = ImportDraft { hmac_sha256: Some(HASH.to_owned()), ..draft() };
        assert_eq!(field_of(two, &["a"]), "hmacSHA256");
    }

    #[test]
    fn the_rotation_period_runs_from_the_creation_elsewhere() {
        let created = |minutes: i64, period: i32| {
            let settings = SettingsDraft { rotation_period_minutes: Some(Some(period)), ..SettingsDraft::new("a") };
            import(ImportDraft { created_at: Some(at(minutes)), settings, ..draft() }, &["a"])
        };
        assert_eq!(created(-9, 10).unwrap().created_at, at(-9));
        assert_eq!(created(0, 10).unwrap().created_at, at(0));
        for (minutes, period) in [(-10, 10), (-11, 10), (1, 10)] {
            assert_eq!(created(minutes, period).unwrap_err().0, "createdAt", "{minutes}");
        }
        assert_eq!(import(draft(), &["a"]).unwrap().created_at, at(0));
    }

    #[test]
    fn a_hint_has_four_characters() {
        let hint = |text: &str| import(ImportDraft { hint: Some(text.to_owned()), ..draft() }, &["a"]);
        assert_eq!(hint("ab-1").unwrap().hint.as_str(), "ab-1");
        assert_eq!(import(draft(), &["a"]).unwrap().hint.as_str(), "");
        for bad in ["", "abc", "abcde", "    ", "ab\ncd", "abé"] {
            assert_eq!(hint(bad).unwrap_err().0, "hint", "{bad}");
        }
    }

    #[test]
    fn a_changed_field_changes_the_fingerprint_and_the_encoding_of_the_hash_does_not() {
        let fingerprint = |draft| import(draft, &["a"]).unwrap().fingerprint;
        let same = ImportDraft { sha256: Some(HASH.to_uppercase()), format: Some("a".to_owned()), ..draft() };
        assert_eq!(fingerprint(draft()), fingerprint(same));
        let with = |change: SettingsChange| {
            let change = SettingsChange { name: Some("a".to_owned()), ..change };
            ImportDraft { settings: SettingsDraft { change, ..SettingsDraft::default() }, ..draft() }
        };
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let changed = [
            draft(),
            ImportDraft { hint: Some("abcd".to_owned()), ..draft() },
            ImportDraft { created_at: Some(at(-1)), ..draft() },
            ImportDraft { settings: SettingsDraft::new("b"), ..draft() },
            with(SettingsChange { owner: Some(Some("x".to_owned())), ..SettingsChange::default() }),
            with(SettingsChange { description: Some(Some("x".to_owned())), ..SettingsChange::default() }),
            with(SettingsChange { scopes: texts(&["ab"]), ..SettingsChange::default() }),
            with(SettingsChange { scopes: texts(&["a", "b"]), ..SettingsChange::default() }),
            with(SettingsChange { protected: Some(true), ..SettingsChange::default() }),
        ];
        let prints: Vec<_> = changed.into_iter().map(fingerprint).collect();
        for (number, one) in prints.iter().enumerate() {
            assert_eq!(prints.iter().position(|other| other == one), Some(number));
        }
    }
}
