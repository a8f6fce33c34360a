//! `reportLeakedValue`: its input and its output.

use async_graphql::{InputObject, SimpleObject};

use crate::service::LeakReport;

/// A value that has leaked.
#[derive(InputObject)]
pub(crate) struct ReportLeakedValueInput {
    /// The value, or the text in which it was found, at most 4,096 bytes. Up to ten values in it are dealt with; one of another system's format
    /// must stand alone.
    value: String,
    /// Where it was found, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a name
    /// and a password, and without the value.
    url: Option<String>,
}

impl From<ReportLeakedValueInput> for LeakReport {
    fn from(input: ReportLeakedValueInput) -> Self {
        let ReportLeakedValueInput { value, url } = input;
        Self { value, url }
    }
}

/// The answer to `reportLeakedValue`. It is the same for every text.
#[derive(SimpleObject)]
pub(crate) struct ReportLeakedValueOutput {
    /// Always true: the report was read.
    pub(crate) received: bool,
}
