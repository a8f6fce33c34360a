//! The operator's settings of GraphQL: the limits of documents, and who may read the schema.

use std::time::Duration;

/// Who may read the schema, whether by introspection, `/schema.graphql`, `/openapi.json` or from error messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Introspection {
    /// Everyone.
    #[default]
    Public,
    /// Authenticated callers.
    Authenticated,
    /// No client. Error messages then only contain names that the client sent.
    Off,
}

impl Introspection {
    /// Parses the name of the setting.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "public" => Some(Self::Public),
            "authenticated" => Some(Self::Authenticated),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// The limits of a document, of an operation, and of the document cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who may read the schema.
    pub introspection: Introspection,
    /// The longest document, in bytes.
    pub max_bytes: usize,
    /// The most lexical tokens of a document (GraphQL, section 2.1.6), including white space and comments.
    pub max_tokens: usize,
    /// The deepest nesting of fields and fragments.
    pub max_depth: usize,
    /// The highest cost of an operation, as `document::cost` computes it.
    pub max_cost: u64,
    /// The most aliases in a document.
    pub max_aliases: usize,
    /// The most aliases of one field in one selection set.
    pub max_field_aliases: usize,
    /// The most directives in a document.
    pub max_directives: usize,
    /// The most documents in one request; 0 disables batches.
    pub max_batch: usize,
    /// The most bytes of all responses to one HTTP request.
    pub max_answer_bytes: usize,
    /// The timeout of an operation.
    pub operation_timeout: Duration,
    /// The most documents in the cache.
    pub cached_documents: usize,
    /// The most bytes of the document cache, in source text.
    pub cached_document_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            introspection: Introspection::default(),
            max_bytes: 128 * 1024,
            max_tokens: 10_000,
            max_depth: 30,
            max_cost: 20_000,
            max_aliases: 250,
            max_field_aliases: 20,
            max_directives: 50,
            max_batch: 0,
            max_answer_bytes: 8 * 1024 * 1024,
            operation_timeout: Duration::from_secs(30),
            cached_documents: 1_000,
            cached_document_bytes: 8 * 1024 * 1024,
        }
    }
}
