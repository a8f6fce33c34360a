//! The operations by graphql_client, whose derive reads the schema and the operations at compile time, over ureq: from a new
//! token to its revocation, with a client for each value. Values are compared and never printed.

#![expect(
    clippy::disallowed_methods,
    reason = "what names these is for the server, whose settings are read by one module"
)]

mod client;
mod management;
mod operations;

use client::{Client, Error, Refusal};
use operations::{APITokens, CreateAPIToken, CurrentAPIToken, RevokeAPIToken};
use operations::{api_tokens, create_api_token, current_api_token, revoke_api_token};

const NAME: &str = "graphql_client";
const EXPIRY: &str = "2100-01-01T00:00:00.000Z";

fn main() -> Result<(), Error> {
    let url = std::env::var("ROTAKEY_URL")?;
    let admin = Client::new(&url, &std::env::var("ROTAKEY_ADMIN")?);

    let (id, first) = create(&admin)?;
    ok("create");

    let listed = list(&admin)?.into_iter().find(|token| token.id == id).ok_or("the token is not listed")?;
    assert_eq!((listed.name.as_str(), listed.expires_at.as_deref()), (NAME, Some(EXPIRY)));
    assert_eq!(listed.status, api_tokens::APITokenStatus::ACTIVE);
    ok("list");

    let (generation, second) = Client::new(&url, &first).rotate(None)?;
    assert!(generation == 2 && second != first);
    ok("rotate");

    let previous = Client::new(&url, &second);
    let used = current(&previous)?;
    assert_eq!((&used.id, used.generation), (&id, 2));
    assert_eq!(used.status, current_api_token::APITokenStatus::ACTIVE);
    ok("use");

    let key = format!("{id}-3");
    let (_, lost) = previous.rotate(Some(&key))?;
    let conflict = refusal(previous.rotate(None))?;
    assert_eq!(conflict.code, "ROTATION_CONFLICT");
    assert!(conflict.retry_after_seconds.is_some_and(|seconds| (1..=10).contains(&seconds)));
    ok("lost answer: without its key, to be asked for again later");

    let (generation, recovered) = previous.rotate(Some(&key))?;
    assert!(generation == 3 && recovered == lost);
    ok("recover: the same key gives the same value");

    let last = Client::new(&url, &recovered);
    assert_eq!(current(&last)?.generation, 3);
    assert_eq!(refusal(previous.rotate(None))?.code, "VALUE_SUPERSEDED");
    ok("use the recovered value, after which the previous one cannot rotate");

    let input = revoke_api_token::RevokeAPITokenInput { id, ..Default::default() };
    let revoked = last.send::<RevokeAPIToken>(revoke_api_token::Variables { input })?.revoke_api_token.token;
    assert_eq!(revoked.status, revoke_api_token::APITokenStatus::REVOKED);
    let refused = refusal(current(&last))?;
    assert_eq!((refused.status, refused.code.as_str()), (401, "TOKEN_REVOKED"));
    ok("revoke");
    management::manage(&admin, &url)
}

fn ok(step: &str) {
    println!("ok {NAME}: {step}");
}

fn create(admin: &Client) -> Result<(String, String), Error> {
    let input = create_api_token::CreateAPITokenInput {
        name: NAME.to_owned(),
        expires_at: Some(EXPIRY.to_owned()),
        ..Default::default()
    };
    let token = admin.send::<CreateAPIToken>(create_api_token::Variables { input })?.create_api_token.token;
    Ok((token.id, token.value.ok_or("a creation without its value")?))
}

/// All tokens that work, page by page.
fn list(admin: &Client) -> Result<Vec<api_tokens::ApiTokensApiTokensEdgesNode>, Error> {
    let mut tokens = Vec::new();
    let mut after = None;
    loop {
        let status = Some(vec![api_tokens::APITokenStatus::ACTIVE]);
        let filter = Some(api_tokens::APITokenFilter { status, ..Default::default() });
        let page = admin.send::<APITokens>(api_tokens::Variables { filter, first: Some(2), after })?.api_tokens;
        tokens.extend(page.edges.into_iter().map(|edge| edge.node));
        if !page.page_info.has_next_page {
            return Ok(tokens);
        }
        after = page.page_info.end_cursor;
    }
}

fn current(client: &Client) -> Result<current_api_token::CurrentApiTokenCurrentApiToken, Error> {
    Ok(client.send::<CurrentAPIToken>(current_api_token::Variables {})?.current_api_token)
}

/// What a call was refused for; it is a fault if it was not.
fn refusal<T>(answer: Result<T, Error>) -> Result<Refusal, Error> {
    match answer {
        Ok(_) => Err("the server did not refuse".into()),
        Err(error) => error.downcast().map(|refusal| *refusal),
    }
}
