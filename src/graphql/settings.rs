//! What the operator decides about documents: how much one may ask for, and who may read the schema.

use std::time::Duration;

/// Who may read the schema, by introspection, from the descriptions that the server offers, or from what errors say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Introspection {
    /// Everyone.
    #[default]
    Public,
    /// Clients that present a value that works.
    Authenticated,
    /// No client. Errors then name only what the client sent.
    Off,
}

impl Introspection {
    /// Reads the name of the setting.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "public" => Some(Self::Public),
            "authenticated" => Some(Self::Authenticated),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// The bounds of one document, of one operation in it, and of the documents that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who may ask for the schema.
    pub introspection: Introspection,
    /// The longest document, in bytes.
    pub max_bytes: usize,
    /// The most lexical tokens of a document (GraphQL, section 2.1.6), its white space and comments included.
    pub max_tokens: usize,
    /// The deepest nesting of fields and fragments.
    pub max_depth: usize,
    /// The highest cost of an operation; see the file on cost for what costs what.
    pub max_cost: u64,
    /// The most aliases in a document.
    pub max_aliases: usize,
    /// The most aliases of one field in one place.
    pub max_field_aliases: usize,
    /// The most directives in a document.
    pub max_directives: usize,
    /// The most documents in one request; 0 refuses lists of documents.
    pub max_batch: usize,
    /// The most bytes of the answers to one request.
    pub max_answer_bytes: usize,
    /// For how long one operation may run.
    pub operation_timeout: Duration,
    /// The most documents that are kept parsed.
    pub cached_documents: usize,
    /// The most bytes of source text that are kept parsed.
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
