//! Who may read the metrics on the address of the API.

use crate::domain::rule::authority::Authority;
use crate::domain::token::Permission;
use crate::service::{Caller, Error, Service};

impl Service {
    /// Whether the caller may read the metrics: they say no more about tokens than a listing does, so `API_TOKEN_READ` is enough.
    ///
    /// # Errors
    /// When the caller may not, or has stopped working since the request began.
    pub async fn authorise_metrics(&self, caller: &Caller) -> Result<(), Error> {
        let own = self.own_token(caller, self.now()).await?;
        Ok(Authority::of(&own).require(Permission::ApiTokenRead)?)
    }
}
