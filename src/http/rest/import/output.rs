//! The result of importing API tokens.

use serde::Serialize;
use utoipa::ToSchema;

use crate::service::ImportedToken;

/// The API tokens that are imported.
#[derive(Serialize, ToSchema)]
#[schema(as = APITokenImports)]
pub(in crate::http::rest) struct Imports {
    /// One for each API token of the input, in the same order.
    imports: Vec<ApiTokenImport>,
}

/// An API token that is imported.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenImport)]
struct ApiTokenImport {
    /// Its id.
    id: String,
    /// Whether this request has imported it. If not, an earlier one has, with the same settings, and nothing was changed.
    is_new: bool,
}

impl From<Vec<ImportedToken>> for Imports {
    fn from(imported: Vec<ImportedToken>) -> Self {
        let import = |ImportedToken { id, is_new }: ImportedToken| ApiTokenImport { id: id.to_string(), is_new };
        Self { imports: imported.into_iter().map(import).collect() }
    }
}
