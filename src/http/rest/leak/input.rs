//! The input of a report that a value has leaked.

use utoipa::ToSchema;

use crate::http::rejection::Rejection;
use crate::http::rest::input::{Fields, Input, input};
use crate::service::LeakReport;

input! {
    /// A value that has leaked.
    #[derive(ToSchema)]
    #[schema(as = ReportLeakedValueInput)]
    ReportInput with schema {
        /// The value, or the text in which it was found, at most 4,096 bytes. Up to ten values in it are dealt with; one of another system's
        /// format must stand alone.
        "value" => value: String as String,
        /// Where it was found, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a name and a
        /// password, and without the value.
        "url" => url: Option<String> as Option<String>,
    }
}

impl From<ReportInput> for LeakReport {
    fn from(input: ReportInput) -> Self {
        let ReportInput { value, url } = input;
        Self { value, url }
    }
}
