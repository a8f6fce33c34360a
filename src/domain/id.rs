//! Typed identifiers: a prefix for the type, then a ULID (48 bits of milliseconds, 80 random bits). They are opaque to clients,
//! cannot be confused with ids of another type, and sort by creation.

use std::fmt;

use ulid::Ulid;

use super::timestamp::Timestamp;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        // As big-endian bytes: a `u128` would need an alignment of 16, and each cached token contains several ids.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// How many random bytes an identifier takes.
            pub const ENTROPY_BYTES: usize = 10;

            /// A new identifier, created at this time.
            pub fn new(now: Timestamp, entropy: [u8; Self::ENTROPY_BYTES]) -> Self {
                let random = entropy.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
                Self(Ulid::from_parts(now.unix_millis().unsigned_abs(), random).to_bytes())
            }

            /// The smallest identifier of this time. Identifiers sort by time, so one of an earlier time is smaller.
            pub fn first_of(moment: Timestamp) -> Self {
                Self::new(moment, [0; Self::ENTROPY_BYTES])
            }

            /// The last 64 random bits.
            pub fn random_bits(self) -> u64 {
                let [.., a, b, c, d, e, f, g, h] = self.0;
                u64::from_be_bytes([a, b, c, d, e, f, g, h])
            }

            /// Its text, without an allocation.
            pub fn text(self) -> IdText {
                IdText::new($prefix, Ulid::from_bytes(self.0))
            }

            /// Reads the form that [`fmt::Display`] writes; any other text is `None`.
            pub fn parse(text: &str) -> Option<Self> {
                let ulid = Ulid::from_string(text.strip_prefix($prefix)?).ok()?;
                // A ULID has several spellings. An identifier has only one, so that it can be compared as text.
                let id = Self(ulid.to_bytes());
                (id.text().as_str() == text).then_some(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text().as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

/// The text of an identifier: a prefix of four letters and a ULID of 26.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdText([u8; 30]);

impl IdText {
    fn new(prefix: &'static str, ulid: Ulid) -> Self {
        let (mut text, mut letters) = ([0; 30], [0; ulid::ULID_LEN]);
        ulid.array_to_str(&mut letters);
        text.iter_mut().zip(prefix.bytes().chain(letters)).for_each(|(place, letter)| *place = letter);
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // It is always ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

typed_id!(
    /// The lasting identity of an API token: `tok_…`.
    TokenId,
    "tok_"
);
typed_id!(
    /// The identity of one audit event: `evt_…`.
    EventId,
    "evt_"
);
typed_id!(
    /// The identity of a rotation campaign: `cmp_…`.
    CampaignId,
    "cmp_"
);
typed_id!(
    /// The identity of one request, in logs and in the `X-Request-Id` header: `req_…`.
    RequestId,
    "req_"
);
typed_id!(
    /// The identity of a webhook: `whk_…`.
    WebhookId,
    "whk_"
);
typed_id!(
    /// The identity of a notice, the same in every webhook that gets it, and in every attempt: `ntc_…`.
    NoticeId,
    "ntc_"
);
typed_id!(
    /// The identity of a mail digest: `mdg_…`.
    MailDigestId,
    "mdg_"
);
typed_id!(
    /// The identity of one mail, the same in every attempt to send it: `eml_…`.
    MailId,
    "eml_"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64, byte: u8) -> TokenId {
        TokenId::new(Timestamp::from_unix_millis(millis), [byte; 10])
    }

    #[test]
    fn an_id_reads_back_and_only_in_its_own_spelling() {
        let id = at(1_767_225_600_000, 7);
        assert_eq!(id.to_string(), "tok_01KDVDNA000W3GE1R70W3GE1R7");
        assert_eq!(TokenId::parse(&id.to_string()), Some(id));
        for other in ["", "tok_", "01KDVDNA000W3GE1R70W3GE1R7", "evt_01KDVDNA000W3GE1R70W3GE1R7"] {
            assert_eq!(TokenId::parse(other), None, "{other}");
        }
        assert_eq!(TokenId::parse(&id.to_string().to_lowercase()), None);
    }

    #[test]
    fn the_random_bits_do_not_depend_on_the_time() {
        let id = |millis, byte| at(millis, byte).random_bits();
        assert_eq!(id(1, 0xA5), 0xA5A5_A5A5_A5A5_A5A5);
        assert_eq!(id(i64::MAX, 7), id(0, 7));
    }

    #[test]
    fn ids_sort_by_creation_as_text_too() {
        let (early, late) = (at(1_767_225_600_000, 255), at(1_767_225_600_001, 0));
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }
}
