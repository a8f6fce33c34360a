//! One attempt: a request to the receiver, as Standard Webhooks defines it, and what came of it.

use url::Url;

use crate::domain::delivery::{AllowedNetworks, Outcome, retry_after};
use crate::outgoing::{self, Client, Post, header};
use crate::service::{Attempt, Service};
use crate::signing::signatures;
use crate::store::ClaimedDelivery;

/// Sends a delivery once.
pub(super) async fn attempt(
    client: &Client,
    networks: &AllowedNetworks,
    service: &Service,
    delivery: &ClaimedDelivery,
) -> Attempt {
    let Ok(url) = Url::parse(&delivery.url) else { return failed("the URL is invalid".to_owned()) };
    let id = delivery.notice.to_string();
    let timestamp = delivery.claimed_at.unix_seconds();
    let signature = signatures(&delivery.secrets, &id, timestamp, &delivery.body);
    let headers = [
        header("webhook-id", &id),
        header("webhook-timestamp", &timestamp.to_string()),
        header("webhook-signature", &signature),
    ];
    let post = Post {
        url: &url,
        headers: headers.into_iter().flatten().collect(),
        content_type: "application/json",
        body: delivery.body.clone().into_bytes(),
    };
    let is_encrypted = url.scheme() == "https";
    let answer = match client.post(post, |address| networks.may_connect(address, is_encrypted)).await {
        Ok(answer) => answer,
        Err(err) => return failed(describe(&err)),
    };
    let status = answer.status.as_u16();
    let pause = answer.retry_after.and_then(|text| retry_after(&text, service.time_of_answer()));
    let outcome = Outcome::of_status(status, pause);
    let error = (outcome != Outcome::Accepted).then(|| format!("the receiver answered with the status {status}"));
    Attempt { outcome, status: Some(status), error }
}

fn failed(error: String) -> Attempt {
    Attempt { outcome: Outcome::Failed { retry_after_seconds: None }, status: None, error: Some(error) }
}

/// Why there was no answer. The causes of some errors repeat what the server sent, such as names in its certificate. Whoever chose the URL
/// reads this text, and must not read by it from a server that is none of theirs.
fn describe(err: &outgoing::Error) -> String {
    use outgoing::Error::{Connect, Http, Refused, Request, Resolve, TimedOut, Tls};
    match err {
        Request | Refused | TimedOut(_) => err.to_string(),
        Resolve(_) => "its name cannot be resolved".to_owned(),
        Connect(cause) => format!("cannot connect: {}", cause.kind()),
        Tls(_) => {
            "the TLS handshake failed; is the certificate valid for the name, and its authority trusted?".to_owned()
        }
        Http(_) => "no valid HTTP response".to_owned(),
    }
}
