//! The mutations. The fields of one document run one after the other.

use async_graphql::{Context, ID, Object, Result};

use super::error::refuse;
use super::execute::{caller, service};
use super::types::input::{CreateApiTokenInput, RevokeApiTokenInput, RotateApiTokenInput};
use super::types::output::{CreateApiTokenOutput, RevokeApiTokenOutput, RotateApiTokenOutput};

/// What can be changed.
pub(super) struct Mutation;

/// What can be changed.
#[Object]
impl Mutation {
    /// Creates an API token and tells its value once. Needs `API_TOKEN_MODIFY` and all that the new token shall hold.
    #[graphql(name = "createAPIToken")]
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The settings of the new API token.")] input: CreateApiTokenInput,
    ) -> Result<CreateApiTokenOutput> {
        let issued = service(ctx)?.create(caller(ctx)?, input.into()).await.map_err(refuse)?;
        Ok(CreateApiTokenOutput { token: issued.into() })
    }

    /// Gives an API token a new value and tells it once. The old value works on until the overlap ends. With no input the
    /// caller rotates itself. A document may rotate a given API token once.
    #[graphql(name = "rotateAPIToken")]
    async fn rotate_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API token; the caller's own if left out.")] input: Option<RotateApiTokenInput>,
    ) -> Result<RotateApiTokenOutput> {
        let id = input.and_then(|input| input.id).map(|ID(id)| id);
        let issued = service(ctx)?.rotate(caller(ctx)?, id.as_deref()).await.map_err(refuse)?;
        Ok(RotateApiTokenOutput { token: issued.into() })
    }

    /// Ends an API token, for ever: from this answer on none of its values works. Revoking twice changes nothing.
    #[graphql(name = "revokeAPIToken")]
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API token.")] input: RevokeApiTokenInput,
    ) -> Result<RevokeApiTokenOutput> {
        let view = service(ctx)?.revoke(caller(ctx)?, &input.id).await.map_err(refuse)?;
        Ok(RevokeApiTokenOutput { token: view.into() })
    }
}
