//! The settings of GraphQL.

use clap::Args;

use crate::graphql::{self, Introspection};

use super::problems::Problems;

/// The flags for GraphQL.
#[derive(Args, Clone, Debug)]
pub struct GraphqlFlags {
    /// Who may read the schema: public (everyone), authenticated (callers with a valid value) or off (no one)
    #[arg(long, env = "ROTAKEY_INTROSPECTION", default_value = "public")]
    pub introspection: String,
    /// The longest GraphQL document, in bytes
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_BYTES", default_value = "131072")]
    pub graphql_max_bytes: usize,
    /// The most lexical tokens of a GraphQL document, including white space and comments
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_TOKENS", default_value = "10000")]
    pub graphql_max_tokens: usize,
    /// The deepest nesting of fields and fragments
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_DEPTH", default_value = "30")]
    pub graphql_max_depth: usize,
    /// The highest cost of an operation: a root field costs 10, any other field 1, once for each item of its page
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_COST", default_value = "20000")]
    pub graphql_max_cost: u64,
    /// The most aliases in a document
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_ALIASES", default_value = "250")]
    pub graphql_max_aliases: usize,
    /// The most aliases of one field in one selection set
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_FIELD_ALIASES", default_value = "20")]
    pub graphql_max_field_aliases: usize,
    /// The most directives in a document
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_DIRECTIVES", default_value = "50")]
    pub graphql_max_directives: usize,
    /// The most requests in a list; 0 refuses lists
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_BATCH", default_value = "0")]
    pub graphql_max_batch: usize,
    /// The largest response to a GraphQL request, in bytes
    #[arg(long, env = "ROTAKEY_GRAPHQL_MAX_ANSWER_BYTES", default_value = "8388608")]
    pub graphql_max_answer_bytes: usize,
    /// How long one operation may take before it is cancelled, such as 30s
    #[arg(long, env = "ROTAKEY_GRAPHQL_TIMEOUT", default_value = "30s")]
    pub graphql_timeout: String,
    /// The most parsed documents in the cache, and the most persisted queries
    #[arg(long, env = "ROTAKEY_GRAPHQL_CACHED_DOCUMENTS", default_value = "1000")]
    pub graphql_cached_documents: usize,
    /// The most bytes of parsed documents in the cache, and the most of persisted queries
    #[arg(long, env = "ROTAKEY_GRAPHQL_CACHED_BYTES", default_value = "8388608")]
    pub graphql_cached_bytes: u64,
}

impl GraphqlFlags {
    /// Validates the flags.
    ///
    /// # Errors
    /// All problems.
    pub fn validate(&self) -> Result<graphql::Settings, Problems> {
        let mut problems = Vec::new();
        let introspection = Introspection::parse(&self.introspection).unwrap_or_else(|| {
            problems.push("--introspection must be one of public, authenticated and off.".to_owned());
            Introspection::default()
        });
        let operation_timeout = humantime::parse_duration(&self.graphql_timeout).unwrap_or_default();
        if operation_timeout.is_zero() {
            problems.push("--graphql-timeout must be a duration above 0, such as 30s.".to_owned());
        }
        if self.graphql_max_tokens == 0 || self.graphql_max_depth == 0 || self.graphql_max_cost == 0 {
            let problem = "--graphql-max-tokens, --graphql-max-depth and --graphql-max-cost must be at least 1.";
            problems.push(problem.to_owned());
        }
        if self.graphql_max_field_aliases == 0 || self.graphql_max_answer_bytes == 0 {
            let problem = "--graphql-max-field-aliases and --graphql-max-answer-bytes must be at least 1.";
            problems.push(problem.to_owned());
        }
        let settings = graphql::Settings {
            introspection,
            max_bytes: self.graphql_max_bytes,
            max_tokens: self.graphql_max_tokens,
            max_depth: self.graphql_max_depth,
            max_cost: self.graphql_max_cost,
            max_aliases: self.graphql_max_aliases,
            max_field_aliases: self.graphql_max_field_aliases,
            max_directives: self.graphql_max_directives,
            max_batch: self.graphql_max_batch,
            max_answer_bytes: self.graphql_max_answer_bytes,
            operation_timeout,
            cached_documents: self.graphql_cached_documents,
            cached_document_bytes: self.graphql_cached_bytes,
        };
        if problems.is_empty() { Ok(settings) } else { Err(Problems(problems)) }
    }
}
