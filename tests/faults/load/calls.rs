//! Calls of one client, each of which becomes a line of the history.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::observed::{Observation, Observed};
use crate::history::{Call, Header, Kind, Life, OnReuse, Outcome, OverlapStarts, Writer};
use crate::site::Address;

const LIFE: &str = "id value generation createdAt rotatedAt expiresAt rotationPeriodMinutes rotateBy overlapMinutes overlapStarts onReuse";

/// What a client learned from a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    Done(T),
    Refused {
        code: String,
        /// How long the answer says to wait.
        retry_after: Option<Duration>,
    },
    /// Nothing: the call may have been carried out, or may still be.
    Unknown {
        retry_after: Option<Duration>,
    },
    /// That no server saw the call.
    NotSent,
}

/// A value that an answer issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    pub id: String,
    pub value: String,
    pub generation: u32,
}

/// Sends calls and records them.
#[derive(Clone, Debug)]
pub struct Calls {
    http: reqwest::Client,
    writer: Arc<Writer>,
    /// How they were answered.
    pub observed: Arc<Observed>,
    /// When the clock of the history was 0.
    start: Instant,
}

/// What happened to a call on its way.
enum Sent {
    Answered { status: u16, headers: HeaderMap, body: Value },
    Lost,
    Not,
}

impl Calls {
    /// Calls that are given up after this time, recorded in this file.
    pub fn record(file: &Path, scenario: &str, seed: u64, patience: Duration) -> Self {
        let header =
            Header { scenario: Some(scenario.to_owned()), seed: Some(seed), ..Header::new(wall_clock_millis()) };
        let start = Instant::now();
        let http = reqwest::Client::builder().no_proxy().timeout(patience).pool_max_idle_per_host(64).build().unwrap();
        Self { http, writer: Arc::new(Writer::create(file, &header)), observed: Arc::default(), start }
    }

    pub fn flush(&self) {
        self.writer.flush();
    }

    /// Creates a token with these settings.
    pub async fn create(&self, at: &Address, client: &str, creator: &str, input: Value) -> Answer<Issued> {
        let query = format!(
            "mutation($input: CreateAPITokenInput!) {{ createAPIToken(input: $input) {{ token {{ {LIFE} }} }} }}"
        );
        let body = json!({ "query": query, "variables": { "input": input } });
        let call = self.call(Kind::Create, at, client, "");
        self.issuing(call, self.post(at, creator, &body), "createAPIToken").await
    }

    /// Rotates the token of the presented value.
    pub async fn rotate(
        &self,
        at: &Address,
        client: &str,
        token: &str,
        presented: &str,
        idempotency_key: Option<&str>,
    ) -> Answer<Issued> {
        let query = format!(
            "mutation($input: RotateAPITokenInput) {{ rotateAPIToken(input: $input) {{ token {{ {LIFE} }} }} }}"
        );
        let body = json!({ "query": query, "variables": { "input": { "idempotencyKey": idempotency_key } } });
        let call = Call {
            presented: Some(Call::digest(presented)),
            idempotency_key: idempotency_key.map(str::to_owned),
            ..self.call(Kind::Rotate, at, client, token)
        };
        self.issuing(call, self.post(at, presented, &body), "rotateAPIToken").await
    }

    /// Asks a gateway's question of the presented value: the generation of it.
    pub async fn verify(&self, at: &Address, client: &str, token: &str, presented: &str) -> Answer<u32> {
        let call = Call { presented: Some(Call::digest(presented)), ..self.call(Kind::Verify, at, client, token) };
        let request = self.http.get(format!("{}/verify", at.url())).header("X-API-Key", presented);
        let sent = sent(request).await;
        let generation = match &sent {
            Sent::Answered { status: 200, headers, .. } => {
                Some(headers.get("X-Token-Generation").unwrap().to_str().unwrap().parse().unwrap())
            }
            _ => None,
        };
        self.finish(Call { generation, ..call }, &sent, generation)
    }

    /// Revokes a token, by the right of another or its own.
    pub async fn revoke(&self, at: &Address, client: &str, token: &str, revoker: &str) -> Answer<()> {
        let query = "mutation($id: ID!) { revokeAPIToken(input: { id: $id }) { token { status } } }";
        let body = json!({ "query": query, "variables": { "id": token } });
        let call = self.call(Kind::Revoke, at, client, token);
        let sent = self.post(at, revoker, &body).await;
        let done = matches!(&sent, Sent::Answered { body, .. } if body["data"]["revokeAPIToken"].is_object());
        self.finish(call, &sent, done.then_some(()))
    }

    fn call(&self, kind: Kind, at: &Address, client: &str, token: &str) -> Call {
        Call {
            call: kind,
            client: client.to_owned(),
            replica: at.replica().map(str::to_owned),
            token: token.to_owned(),
            presented: None,
            idempotency_key: None,
            overlap_minutes: None,
            issued_before_millis: None,
            begin_micros: self.now_micros(),
            end_micros: 0,
            outcome: Outcome::NotSent,
            code: None,
            issued: None,
            generation: None,
            life: None,
        }
    }

    async fn post(&self, at: &Address, value: &str, body: &Value) -> Sent {
        sent(self.http.post(format!("{}/graphql", at.url())).header("X-API-Key", value).json(body)).await
    }

    /// Ends a call whose answer issues a value.
    async fn issuing(&self, call: Call, sending: impl Future<Output = Sent>, mutation: &str) -> Answer<Issued> {
        let sent = sending.await;
        let issued = match &sent {
            Sent::Answered { body, .. } => issued(&body["data"][mutation]["token"]),
            _ => None,
        };
        let Some((issued, life)) = issued else { return self.finish(call, &sent, None) };
        let call = Call {
            token: issued.id.clone(),
            issued: Some(Call::digest(&issued.value)),
            generation: Some(issued.generation),
            life: Some(life),
            ..call
        };
        self.finish(call, &sent, Some(issued))
    }

    /// Records a call with its end.
    fn finish<T>(&self, call: Call, sent: &Sent, done: Option<T>) -> Answer<T> {
        let answer = match (sent, done) {
            (_, Some(done)) => Answer::Done(done),
            (Sent::Answered { status, headers, body }, None) => refusal(*status, headers, body),
            (Sent::Lost, None) => Answer::Unknown { retry_after: None },
            (Sent::Not, None) => Answer::NotSent,
        };
        self.observe(&call, sent);
        let (outcome, code) = match &answer {
            Answer::Done(_) => (Outcome::Ok, None),
            Answer::Refused { code, .. } => (Outcome::Refused, Some(code.clone())),
            Answer::Unknown { .. } => (Outcome::Unknown, None),
            Answer::NotSent => (Outcome::NotSent, None),
        };
        let call = Call { end_micros: self.now_micros(), outcome, code, ..call };
        // Of a token that nobody knows there is nothing to say.
        if !call.token.is_empty() {
            self.writer.append(&call);
        }
        answer
    }

    fn observe(&self, call: &Call, sent: &Sent) {
        let took = Duration::from_micros(self.now_micros() - call.begin_micros);
        let observation = match sent {
            Sent::Answered { headers, body, .. } => Observation {
                took,
                code: code(headers, body),
                has_time: retry_after(headers, body).is_some(),
                is_lost: false,
            },
            Sent::Lost => Observation { took, code: None, has_time: false, is_lost: true },
            Sent::Not => return,
        };
        self.observed.add(call.replica.as_deref().unwrap_or_default(), observation);
    }

    /// The moment, by the clock of the history.
    pub fn now_micros(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap()
    }
}

/// Sends a request and reads its answer to the end.
async fn sent(request: reqwest::RequestBuilder) -> Sent {
    let response = match request.send().await {
        Ok(response) => response,
        Err(err) if err.is_connect() => return Sent::Not,
        Err(_) => return Sent::Lost,
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let Ok(text) = response.text().await else { return Sent::Lost };
    Sent::Answered { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

/// What an answer that did nothing says.
fn refusal<T>(status: u16, headers: &HeaderMap, body: &Value) -> Answer<T> {
    let retry_after = retry_after(headers, body);
    match code(headers, body) {
        // The server lost the database, perhaps after it had committed.
        Some("UNAVAILABLE" | "INTERNAL") => Answer::Unknown { retry_after },
        Some(code) => Answer::Refused { code: code.to_owned(), retry_after },
        // A load balancer that has no server.
        None if status >= 500 => Answer::Unknown { retry_after },
        None => panic!("an answer without a code: {status} {body}"),
    }
}

/// Why an answer did nothing.
fn code<'a>(headers: &'a HeaderMap, body: &'a Value) -> Option<&'a str> {
    body["errors"][0]["extensions"]["code"].as_str().or_else(|| headers.get("X-Token-Code")?.to_str().ok())
}

/// When to ask again.
fn retry_after(headers: &HeaderMap, body: &Value) -> Option<Duration> {
    let in_header = || headers.get("Retry-After")?.to_str().ok()?.parse().ok();
    body["errors"][0]["extensions"]["retryAfterSeconds"].as_u64().or_else(in_header).map(Duration::from_secs)
}

/// The value in an answer, and what it says of the token's life.
fn issued(token: &Value) -> Option<(Issued, Life)> {
    let value = token["value"].as_str()?.to_owned();
    let moment =
        |field: &str| token[field].as_str().map(|text| text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let number = |field: &str| token[field].as_u64().map(|number| u32::try_from(number).unwrap());
    let starts = if token["overlapStarts"] == "FIRST_USE" { OverlapStarts::FirstUse } else { OverlapStarts::Rotation };
    let life = Life {
        issued_at_millis: moment("rotatedAt").or_else(|| moment("createdAt"))?,
        expires_at_millis: moment("expiresAt"),
        rotation_period_minutes: number("rotationPeriodMinutes"),
        rotate_by_millis: moment("rotateBy"),
        overlap_minutes: number("overlapMinutes")?,
        overlap_starts: starts,
        on_reuse: Some(if token["onReuse"] == "REVOKE" { OnReuse::Revoke } else { OnReuse::Alert }),
    };
    Some((Issued { id: token["id"].as_str()?.to_owned(), value, generation: number("generation")? }, life))
}

#[expect(clippy::disallowed_methods, reason = "a recorder stands outside of what it records")]
fn wall_clock_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
