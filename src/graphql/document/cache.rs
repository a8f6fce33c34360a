//! The cache of parsed and validated documents, because parsing is most of the cost of a small request.
//!
//! It also has automatic persisted queries (APQ), in Apollo's protocol: a client that has sent a document once may send its SHA-256
//! instead.

use std::borrow::Cow;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::domain::value::redact;
use crate::graphql::error::PublicError;
use crate::graphql::request_error::RequestError;
use crate::graphql::settings::Settings;
use crate::graphql::validation::validator::Validator;
use crate::metrics::{Counter, Exposition, Family, ShardedCounter};
use crate::service::ErrorCode;

use super::prepared::Prepared;

/// The SHA-256 of a document, as a client sends it (`extensions.persistedQuery`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DocumentHash([u8; 32]);

impl DocumentHash {
    /// Parses 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.is_ascii() {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

/// Weighs an entry by its text, plus a fixed share of the capacity, so that one limit bounds both the number of entries and their bytes.
#[derive(Clone)]
struct Weight {
    each: u64,
}

impl Weighter<Box<str>, Arc<Prepared>> for Weight {
    fn weight(&self, text: &Box<str>, prepared: &Arc<Prepared>) -> u64 {
        self.each + text.len() as u64 + prepared.weight()
    }
}

impl Weighter<DocumentHash, Arc<str>> for Weight {
    fn weight(&self, _: &DocumentHash, text: &Arc<str>) -> u64 {
        self.each + text.len() as u64
    }
}

/// Documents by text, and texts by hash. Both caches are bounded in entries and in bytes.
pub(crate) struct Documents {
    validator: Validator,
    prepared: Cache<Box<str>, Arc<Prepared>, Weight>,
    persisted: Cache<DocumentHash, Arc<str>, Weight>,
    /// What a document counts beyond its own weight.
    each: u64,
    hits: ShardedCounter,
    misses: Counter,
}

impl Documents {
    pub(crate) fn new(validator: Validator, settings: &Settings) -> Self {
        let entries = settings.cached_documents;
        let bytes = settings.cached_document_bytes;
        // The maximum number of empty entries uses half of the capacity, and the maximum of bytes the other half.
        let weight = Weight { each: bytes / (entries.max(1) as u64) };
        let capacity = if entries == 0 { 0 } else { bytes.saturating_mul(2) };
        Self {
            validator,
            prepared: Cache::with_weighter(entries, capacity, weight.clone()),
            persisted: Cache::with_weighter(entries, capacity, weight.clone()),
            each: weight.each,
            hits: ShardedCounter::default(),
            misses: Counter::default(),
        }
    }

    pub(crate) fn validator(&self) -> &Validator {
        &self.validator
    }

    /// The prepared document of this text, and whether it came from the cache.
    ///
    /// # Errors
    /// All errors of the document.
    pub(crate) fn prepare(&self, text: &str) -> Result<(Arc<Prepared>, bool), Vec<RequestError>> {
        match self.cached(text) {
            Some(prepared) => {
                self.note_hit();
                Ok((prepared, true))
            }
            None => {
                self.misses.increment();
                Ok((Arc::new(Prepared::new(self.validator.parse_and_validate(text)?)), false))
            }
        }
    }

    /// A document that was kept is used.
    pub(crate) fn note_hit(&self) {
        self.hits.increment();
    }

    /// Describes the cache.
    pub(crate) fn describe(&self, exposition: &mut Exposition) {
        let (documents, hashes) = (self.prepared.len(), self.persisted.len());
        exposition.add(
            Family::gauge(
                "rotakey_documents",
                "GraphQL documents in the cache: parsed ones, and the texts of persisted queries.",
            )
            .by("kind", [("parsed", documents), ("persisted", hashes)]),
        );
        let own = |weight: u64, entries: usize| weight.saturating_sub(self.each.saturating_mul(entries as u64));
        let bytes =
            [("parsed", own(self.prepared.weight(), documents)), ("persisted", own(self.persisted.weight(), hashes))];
        exposition.add(
            Family::gauge(
                "rotakey_documents_bytes",
                "Memory of the GraphQL documents in the cache, in bytes, estimated.",
            )
            .by("kind", bytes),
        );
        exposition.add(
            Family::counter(
                "rotakey_document_lookups",
                "GraphQL requests, by whether their document was in the cache (hit) or had to be parsed (miss).",
            )
            .by("result", [("hit", self.hits.get()), ("miss", self.misses.get())]),
        );
    }

    /// The prepared document of this text, if it is in the cache.
    pub(crate) fn cached(&self, text: &str) -> Option<Arc<Prepared>> {
        self.prepared.get(text)
    }

    /// Caches a document that a client was allowed to execute.
    pub(crate) fn cache(&self, text: &str, prepared: &Arc<Prepared>) {
        if may_be_cached(text) {
            self.prepared.insert(text.into(), prepared.clone());
        }
    }

    /// The text of a persisted query.
    ///
    /// # Errors
    /// When the hash is unknown; the client then sends text and hash together.
    pub(crate) fn find(&self, hash: DocumentHash) -> Result<Arc<str>, RequestError> {
        self.persisted.get(&hash).ok_or_else(|| RequestError {
            // The protocol defines this message, and clients look for it.
            public: PublicError::new(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound"),
            locations: Vec::new(),
        })
    }

    /// Checks that this is the hash of this text.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) fn compare(hash: DocumentHash, text: &str) -> Result<(), RequestError> {
        if DocumentHash::of(text) == hash {
            return Ok(());
        }
        let message = "The sha256Hash of the extension persistedQuery is not the SHA-256 of the document.";
        let public = PublicError::new(ErrorCode::BadUserInput, message);
        Err(RequestError { public, locations: Vec::new() })
    }

    /// Caches the text of a persisted query whose hash was checked, and that the client was allowed to execute.
    pub(crate) fn persist(&self, hash: DocumentHash, text: &str) {
        if may_be_cached(text) && self.persisted.peek(&hash).is_none() {
            self.persisted.insert(hash, text.into());
        }
    }
}

/// A document that contains a value, or most of one, is not cached (R9).
fn may_be_cached(text: &str) -> bool {
    // An escape sequence could hide a value.
    !text.contains("\\u") && matches!(redact(text), Cow::Borrowed(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(cached_documents: usize) -> Documents {
        let settings = Settings { cached_documents, ..Settings::default() };
        Documents::new(Validator::new("type Query { a: String }", settings).unwrap(), &settings)
    }

    #[test]
    fn documents_are_cached_up_to_the_limit_but_none_that_contains_a_value() {
        for (cached_documents, text, kept) in [
            (10, "{ a }", true),
            (0, "{ a }", false),
            (10, "{ a # rk_0123456789012345678901234567890123456789012345678\n }", false),
            (10, "{ a # \\u0072k_ \n }", false),
        ] {
            let documents = documents(cached_documents);
            let (prepared, _) = documents.prepare(text).unwrap();
            documents.cache(text, &prepared);
            assert_eq!(documents.prepared.get(text).is_some(), kept, "{cached_documents} {text}");
        }
    }
}
