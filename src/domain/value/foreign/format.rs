//! A format of values that were issued elsewhere: what they look like, and how their hash is computed.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use regex::bytes::{Regex, RegexBuilder};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256, Sha512};

use super::digest::{Algorithm, ForeignDigest, hexadecimal};
use super::name::FormatName;
use crate::domain::text::names;
use crate::domain::value::format::ValueHash;

/// The most memory that a compiled pattern takes, in bytes.
const MAX_PATTERN_BYTES: usize = 256 * 1024;
/// The group of a pattern that is hashed, if not the whole value is.
const HASHED: &str = "hashed";

/// What the hashed part of a value is decoded from before it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoding {
    /// Hexadecimal digits.
    Hex,
    /// Base64 with the alphabet for URLs, without padding.
    Base64Url,
}

names! {
    Decoding {
        Hex => "hex",
        Base64Url => "base64url",
    }
}

/// A secret that goes into the hash: the key of an HMAC, or what is appended to the value before it is hashed.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// This secret.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A format of values that were issued elsewhere.
#[derive(Clone, Debug)]
pub struct ForeignFormat {
    name: FormatName,
    pattern: Regex,
    algorithm: Algorithm,
    decoding: Option<Decoding>,
    pepper: Option<Secret>,
}

/// Why a format cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedFormat {
    /// The pattern is no regular expression.
    #[error("its pattern is not a regular expression, or is too large")]
    Pattern,
    /// The pattern matches an empty text.
    #[error("its pattern matches an empty text")]
    MatchesNothing,
    /// There is no key.
    #[error("hmac-sha256 needs a pepper")]
    NoPepper,
}

impl ForeignFormat {
    /// A format. `pattern` is a regular expression that matches whole values. If it has a group `hashed`, only what that matches is
    /// hashed, and otherwise the whole value.
    ///
    /// # Errors
    /// When the pattern or the combination is invalid.
    pub fn new(
        name: FormatName,
        pattern: &str,
        algorithm: Algorithm,
        decoding: Option<Decoding>,
        pepper: Option<Secret>,
    ) -> Result<Self, MalformedFormat> {
        if algorithm == Algorithm::HmacSha256 && pepper.is_none() {
            return Err(MalformedFormat::NoPepper);
        }
        // Compiled alone first, so that no parenthesis of it can end the group around it.
        let compile = |pattern: &str| {
            let built = RegexBuilder::new(pattern).unicode(false).size_limit(MAX_PATTERN_BYTES).build();
            built.map_err(|_| MalformedFormat::Pattern)
        };
        compile(pattern)?;
        let pattern = compile(&format!("\\A(?:{pattern})\\z"))?;
        if pattern.is_match(b"") {
            return Err(MalformedFormat::MatchesNothing);
        }
        Ok(Self { name, pattern, algorithm, decoding, pepper })
    }

    /// Its name.
    pub fn name(&self) -> &FormatName {
        &self.name
    }

    /// How the hash of its values is computed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hash by which this text is found, if it has this format.
    pub(super) fn hash(&self, text: &str) -> Option<ValueHash> {
        let found = self.pattern.captures(text.as_bytes())?;
        let hashed = found.name(HASHED).or_else(|| found.get(0))?.as_bytes();
        let hashed = match self.decoding {
            None => Cow::Borrowed(hashed),
            Some(Decoding::Hex) => hexadecimal(std::str::from_utf8(hashed).ok()?)?.into(),
            Some(Decoding::Base64Url) => URL_SAFE_NO_PAD.decode(hashed).ok()?.into(),
        };
        Some(self.digest(&hashed)?.value_hash(&self.name))
    }

    fn digest(&self, hashed: &[u8]) -> Option<ForeignDigest> {
        let pepper = self.pepper.as_ref().map_or("", |Secret(text)| text.expose_secret()).as_bytes();
        let of = |bytes: &[u8]| ForeignDigest::of(self.algorithm, bytes);
        Some(match self.algorithm {
            Algorithm::Sha256 => of(&Sha256::new().chain_update(hashed).chain_update(pepper).finalize()),
            Algorithm::Sha512 => of(&Sha512::new().chain_update(hashed).chain_update(pepper).finalize()),
            // A key of any length is allowed.
            Algorithm::HmacSha256 => {
                of(&Hmac::<Sha256>::new_from_slice(pepper).ok()?.chain_update(hashed).finalize().into_bytes())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FormatName {
        FormatName::parse(text).unwrap()
    }

    fn format(pattern: &str, algorithm: Algorithm) -> Result<ForeignFormat, MalformedFormat> {
        ForeignFormat::new(name("f"), pattern, algorithm, None, None)
    }

    fn of_hex(algorithm: Algorithm, hex: &str) -> Option<ValueHash> {
        Some(ForeignDigest::parse(algorithm, hex).unwrap().value_hash(&name("f")))
    }

    #[test]
    fn a_pattern_matches_whole_values_only() {
        let format = format("x_[a-z]+|y", Algorithm::Sha256).unwrap();
        for good in ["x_a", "x_abc", "y"] {
            assert!(format.hash(good).is_some(), "{good}");
        }
        for bad in ["", "x_", "ax_a", "x_a\n", "x_a ", "yy", "x_é"] {
            assert!(format.hash(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_format_that_cannot_work_is_refused() {
        use MalformedFormat::{MatchesNothing, NoPepper, Pattern};
        for (pattern, algorithm, malformed) in [
            ("(", Algorithm::Sha256, Pattern),
            ("a)|(?:b", Algorithm::Sha256, Pattern),
            ("[a-z]{1000}{1000}", Algorithm::Sha256, Pattern),
            ("a*", Algorithm::Sha256, MatchesNothing),
            ("", Algorithm::Sha256, MatchesNothing),
            ("a", Algorithm::HmacSha256, NoPepper),
        ] {
            assert_eq!(format(pattern, algorithm).unwrap_err(), malformed, "{pattern}");
        }
    }

    #[test]
    fn each_recipe_gives_the_hash_that_other_programs_compute() {
        // By sha256sum and sha512sum.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let long = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
                    454d4423643ce80e2a9ac94fa54ca49f";
        assert_eq!(format("abc", Algorithm::Sha256).unwrap().hash("abc"), of_hex(Algorithm::Sha256, abc));
        assert_eq!(format("abc", Algorithm::Sha512).unwrap().hash("abc"), of_hex(Algorithm::Sha512, long));
        let part = format("[0-9]+\\|(?<hashed>.+)", Algorithm::Sha256).unwrap();
        assert_eq!(part.hash("12|abc"), of_hex(Algorithm::Sha256, abc));
        let with = |pattern, algorithm, decoding, pepper: Option<&str>| {
            let pepper = pepper.map(|text| Secret::new(text.to_owned()));
            ForeignFormat::new(name("f"), pattern, algorithm, decoding, pepper).unwrap()
        };
        let hex = with("[0-9a-f]+", Algorithm::Sha256, Some(Decoding::Hex), None);
        assert_eq!(hex.hash("616263"), of_hex(Algorithm::Sha256, abc));
        assert_eq!(hex.hash("61626"), None, "an odd number of digits");
        let base64 = with("[0-9A-Za-z_-]+", Algorithm::Sha256, Some(Decoding::Base64Url), None);
        assert_eq!(base64.hash("YWJj"), of_hex(Algorithm::Sha256, abc));
        let appended = with("a", Algorithm::Sha256, None, Some("bc"));
        assert_eq!(appended.hash("a"), of_hex(Algorithm::Sha256, abc));
        // RFC 4231, test case 2.
        let hmac = with(".+", Algorithm::HmacSha256, None, Some("Jefe"));
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hmac.hash("what do ya want for nothing?"), of_hex(Algorithm::HmacSha256, expected));
        assert!(!format!("{hmac:?}").contains("Jefe"));
    }
}
