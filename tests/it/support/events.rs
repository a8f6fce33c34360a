//! A stream of server-sent events, as a client reads it.

use reqwest::Response;
use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::deadline::soon;

pub struct Events {
    response: Response,
    read: String,
}

impl Events {
    /// Subscribes to the audit log.
    pub async fn of_audit_log(client: &Client, filter: Value) -> Self {
        let query = "subscription($filter: AuditEventFilter) { auditEvents(filter: $filter) { id action tokenId } }";
        Self::of(client, query, json!({ "filter": filter })).await.unwrap()
    }

    /// Asks for a stream of events; or else the answer that is none.
    pub async fn of(client: &Client, query: &str, variables: Value) -> Result<Self, Answer> {
        let request = client.request("POST", "/graphql").header("Accept", "text/event-stream");
        Self::from(request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap()).await
    }

    pub async fn from(response: Response) -> Result<Self, Answer> {
        let media_type = response.headers().get("content-type").unwrap().to_str().unwrap();
        if response.status() != 200 || media_type != "text/event-stream" {
            return Err(Answer::of(response).await);
        }
        Ok(Self { response, read: String::new() })
    }

    /// The next event and its data; `None` at the end of the stream. As in a browser, what has no line of data is no event
    /// (HTML, section 9.2.6).
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((block, rest)) = self.read.split_once("\n\n") {
                let line = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                    lines.map(|line| line.trim().to_owned()).reduce(|all, line| all + "\n" + &line)
                };
                let (event, data) = (line("event"), line("data"));
                self.read = rest.to_owned();
                if let (Some(event), Some(data)) = (event, data) {
                    return Some((event, serde_json::from_str(&data).unwrap_or_default()));
                }
            }
            let chunk = soon(self.response.chunk()).await.ok()??;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// What the next event says: an action of the audit log, or the code of an error.
    pub async fn action_or_code(&mut self) -> String {
        let (event, data) = self.next().await.unwrap();
        assert_eq!(event, "next", "{data}");
        let action = &data["data"]["auditEvents"]["action"];
        let code = &data["errors"][0]["extensions"]["code"];
        action.as_str().or(code.as_str()).unwrap_or_else(|| panic!("neither an action nor an error: {data}")).to_owned()
    }

    /// As [`Events::action_or_code`], and that nothing comes after.
    pub async fn last_action_or_code(&mut self) -> String {
        let reported = self.action_or_code().await;
        assert_eq!(self.next().await, Some(("complete".to_owned(), Value::Null)), "{reported}");
        assert_eq!(self.next().await, None);
        reported
    }
}
