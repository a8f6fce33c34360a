//! The documents that were asked before, parsed and validated: most of the cost of a small request is to read it.
//!
//! And automatic persisted queries, by the protocol that Apollo's clients speak: a client that has sent a document once may
//! send its SHA-256 instead.

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
use crate::service::ErrorCode;

use super::prepared::Prepared;

/// The SHA-256 of a document, as a client sends it (`extensions.persistedQuery`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DocumentHash([u8; 32]);

impl DocumentHash {
    /// Reads 64 hexadecimal digits.
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

/// Counts the text of a document and a part of the room for all that goes to each, so that one bound serves for both.
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

/// Documents by their text, and texts by their hash. Both are bounded in number and in bytes.
pub(crate) struct Documents {
    validator: Validator,
    prepared: Cache<Box<str>, Arc<Prepared>, Weight>,
    persisted: Cache<DocumentHash, Arc<str>, Weight>,
}

impl Documents {
    pub(crate) fn new(validator: Validator, settings: &Settings) -> Self {
        let entries = settings.cached_documents;
        let bytes = settings.cached_document_bytes;
        // So many of no length fill the room, and so does one of the whole length.
        let weight = Weight { each: bytes / (entries.max(1) as u64) };
        let room = if entries == 0 { 0 } else { bytes.saturating_mul(2) };
        Self {
            validator,
            prepared: Cache::with_weighter(entries, room, weight.clone()),
            persisted: Cache::with_weighter(entries, room, weight),
        }
    }

    pub(crate) fn validator(&self) -> &Validator {
        &self.validator
    }

    /// The document of this text, ready to be run, and whether it is one that was kept.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn prepare(&self, text: &str) -> Result<(Arc<Prepared>, bool), Vec<RequestError>> {
        match self.cached(text) {
            Some(prepared) => Ok((prepared, true)),
            None => Ok((Arc::new(Prepared::new(self.validator.parse_and_validate(text)?)), false)),
        }
    }

    /// The document of this text, if it was kept.
    pub(crate) fn cached(&self, text: &str) -> Option<Arc<Prepared>> {
        self.prepared.get(text)
    }

    /// Keeps a document that was let through, by the text that it was read from.
    pub(crate) fn cache(&self, text: &str, prepared: &Arc<Prepared>) {
        if may_be_cached(text) {
            self.prepared.insert(text.into(), prepared.clone());
        }
    }

    /// The text that a client names by its hash.
    ///
    /// # Errors
    /// When it is not known; the client then sends text and hash together.
    pub(crate) fn find(&self, hash: DocumentHash) -> Result<Arc<str>, RequestError> {
        self.persisted.get(&hash).ok_or_else(|| RequestError {
            // The words are those of the protocol: clients look for them.
            public: PublicError::new(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound"),
            locations: Vec::new(),
        })
    }

    /// Whether this is the hash of this text.
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

    /// Keeps a text that was compared with its hash and let through.
    pub(crate) fn persist(&self, hash: DocumentHash, text: &str) {
        if may_be_cached(text) && self.persisted.peek(&hash).is_none() {
            self.persisted.insert(hash, text.into());
        }
    }
}

/// A document that has a value written into it, or most of one, is not kept (R9).
fn may_be_cached(text: &str) -> bool {
    // An escape could spell one so that it is not seen.
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
    fn as_many_documents_are_kept_as_the_operator_wants_and_none_with_a_value() {
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
