//! A client that holds one value, and what it is refused for.

use std::fmt;

use graphql_client::{GraphQLQuery, Response};

use crate::operations::{RotateAPIToken, rotate_api_token};

pub type Error = Box<dyn std::error::Error>;

pub struct Client {
    agent: ureq::Agent,
    url: String,
    value: String,
}

impl Client {
    pub fn new(url: &str, value: &str) -> Self {
        // docs:begin agent
        // An answer with status 401 also has a body, which says why.
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        // docs:end
        Self { agent, url: format!("{url}/graphql"), value: value.to_owned() }
    }

    // docs:begin send
    pub fn send<Q: GraphQLQuery>(&self, variables: Q::Variables) -> Result<Q::ResponseData, Error> {
        let request = self.agent.post(&self.url).header("Authorization", format!("Bearer {}", self.value));
        let mut answer = request.send_json(Q::build_query(variables))?;
        let status = answer.status().as_u16();
        let body: Response<Q::ResponseData> = answer.body_mut().read_json()?;
        match body.errors.unwrap_or_default().into_iter().next() {
            Some(error) => Err(Refusal::new(status, error).into()),
            None => body.data.ok_or_else(|| "an answer without data".into()),
        }
    }
    // docs:end

    /// Rotates the token whose value this client holds, and tells the new generation and value.
    pub fn rotate(&self, idempotency_key: Option<&str>) -> Result<(i64, String), Error> {
        let idempotency_key = idempotency_key.map(str::to_owned);
        // docs:begin rotate
        let input = rotate_api_token::RotateAPITokenInput { idempotency_key, ..Default::default() };
        let variables = rotate_api_token::Variables { input: Some(input) };
        let token = self.send::<RotateAPIToken>(variables)?.rotate_api_token.token;
        // docs:end
        Ok((token.generation, token.value.ok_or("a rotation without its value")?))
    }
}

// docs:begin errors
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub retry_after_seconds: Option<u64>,
}

impl Refusal {
    fn new(status: u16, error: graphql_client::Error) -> Self {
        let extensions = error.extensions.unwrap_or_default();
        let code = extensions.get("code").and_then(|code| code.as_str()).unwrap_or_default().to_owned();
        Self { status, code, retry_after_seconds: extensions.get("retryAfterSeconds").and_then(|after| after.as_u64()) }
    }
}
// docs:end

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "refused as {} with status {}", self.code, self.status)
    }
}

impl std::error::Error for Refusal {}
