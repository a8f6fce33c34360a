//! Clients, by what they hold: nothing, or the value of a token. They use the public API only.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::deadline::{DEADLINE, until};
use super::events::Events;
use super::spans;

pub const ROTATE: &str = "mutation rotateAPIToken { rotateAPIToken { token { value } } }";

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    pub value: Option<String>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Client {
    pub fn anonymous(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().read_timeout(DEADLINE).build().unwrap();
        Self { http, url: url.to_owned(), value: None }
    }

    /// The same client with another value in its hand.
    pub fn with(&self, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..self.clone() }
    }

    /// The same client with nothing in its hand.
    pub fn without_value(&self) -> Self {
        Self { value: None, ..self.clone() }
    }

    /// The same client, talking to another server.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        match &self.value {
            Some(value) => request.header("X-API-Key", value),
            None => request,
        }
    }

    pub async fn graphql(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        Answer::of(self.request("POST", "/graphql").json(&body).send().await.unwrap()).await
    }

    pub async fn ask(&self, query: &str) -> Answer {
        self.graphql(query, json!({})).await
    }

    /// Asks the REST endpoints; `null` is no body.
    pub async fn rest(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = self.request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        Answer::of(request.send().await.unwrap()).await
    }

    /// Rotates itself: the new value, or the code of the refusal.
    pub async fn rotate(&self) -> Result<String, String> {
        self.ask(ROTATE).await.value_of("rotateAPIToken")
    }

    /// Creates a token: itself with its value, or the code of the refusal.
    pub async fn create(&self, input: Value) -> Result<Created, String> {
        let query = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { id value } } }";
        let answer = self.graphql(query, json!({ "input": input })).await;
        let value = answer.value_of("createAPIToken")?;
        let id = answer.body["data"]["createAPIToken"]["token"]["id"].as_str().unwrap().to_owned();
        Ok(Created { id, client: self.with(value) })
    }

    /// Rotates the token of this id: its holder with the new value, or the code of the refusal.
    pub async fn rotate_id(&self, id: &str) -> Result<Client, String> {
        let query = "mutation($id: ID!) { rotateAPIToken(input: { id: $id }) { token { value } } }";
        let answer = self.graphql(query, json!({ "id": id })).await;
        answer.value_of("rotateAPIToken").map(|value| self.with(value))
    }

    /// Revokes the token of this id: its status, or the code of the refusal.
    pub async fn revoke(&self, id: &str) -> Result<String, String> {
        let query = "mutation($id: ID!) { revokeAPIToken(input: { id: $id }) { token { status } } }";
        let answer = self.graphql(query, json!({ "id": id })).await;
        answer.code().map_or_else(
            || Ok(answer.body["data"]["revokeAPIToken"]["token"]["status"].as_str().unwrap().to_owned()),
            |code| Err(code.to_owned()),
        )
    }

    /// Suspends the token of this id: its status, or the code of the refusal.
    pub async fn suspend(&self, id: &str) -> Result<String, String> {
        self.change_status("suspendAPIToken", "SuspendAPITokenInput", id).await
    }

    /// Resumes the token of this id: its status, or the code of the refusal.
    pub async fn resume(&self, id: &str) -> Result<String, String> {
        self.change_status("resumeAPIToken", "ResumeAPITokenInput", id).await
    }

    async fn change_status(&self, mutation: &str, input: &str, id: &str) -> Result<String, String> {
        let query = format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ token {{ status }} }} }}");
        let answer = self.graphql(&query, json!({ "input": { "id": id } })).await;
        answer.code().map_or_else(
            || Ok(answer.body["data"][mutation]["token"]["status"].as_str().unwrap().to_owned()),
            |code| Err(code.to_owned()),
        )
    }

    /// Whether the value in hand works: the generation of its token, or the code of the refusal.
    pub async fn check(&self) -> Result<i64, String> {
        let answer = self.ask("{ currentAPIToken { generation } }").await;
        answer.code().map_or_else(
            || Ok(answer.body["data"]["currentAPIToken"]["generation"].as_i64().unwrap()),
            |code| Err(code.to_owned()),
        )
    }

    /// Rotates with this input: the new value, or the code of the refusal.
    pub async fn rotate_with(&self, input: Value) -> Result<String, String> {
        let query = "mutation($input: RotateAPITokenInput) { rotateAPIToken(input: $input) { token { value } } }";
        self.graphql(query, json!({ "input": input })).await.value_of("rotateAPIToken")
    }

    /// Changes settings: what they now are, or the code of the refusal.
    pub async fn update(&self, input: Value) -> Result<Value, String> {
        let query = "mutation($input: UpdateAPITokenInput!) { updateAPIToken(input: $input) { token {
            name description owner permissions scopes allowedCIDRBlocks allowedOrigins onReuse protected
            updatedAt updatedBy { kind id } } } }";
        let answer = self.graphql(query, json!({ "input": input })).await;
        answer
            .code()
            .map_or_else(|| Ok(answer.body["data"]["updateAPIToken"]["token"].clone()), |code| Err(code.to_owned()))
    }

    /// Ends the overlap of the token of this id: how many values are left, or the code of the refusal.
    pub async fn end_overlap(&self, id: &str) -> Result<usize, String> {
        self.end_overlap_with(json!({ "id": id })).await
    }

    /// As [`Client::end_overlap`], although the previous value is in use.
    pub async fn force_end_overlap(&self, id: &str) -> Result<usize, String> {
        self.end_overlap_with(json!({ "id": id, "force": true })).await
    }

    async fn end_overlap_with(&self, input: Value) -> Result<usize, String> {
        let query = "mutation($input: EndAPITokenOverlapInput!) { endAPITokenOverlap(input: $input) { token { values {
            generation } } } }";
        let answer = self.graphql(query, json!({ "input": input })).await;
        answer.code().map_or_else(
            || Ok(answer.body["data"]["endAPITokenOverlap"]["token"]["values"].as_array().unwrap().len()),
            |code| Err(code.to_owned()),
        )
    }

    /// The audit log as far as this filter lets it through, oldest first: action, result and generation.
    pub async fn events(&self, filter: Value) -> Vec<(String, String, Value)> {
        let query = "query($filter: AuditEventFilter) { auditEvents(first: 200, filter: $filter) { edges { node {
            action result generation } } } }";
        let answer = self.graphql(query, json!({ "filter": filter })).await;
        let edges = answer.body["data"]["auditEvents"]["edges"].as_array().unwrap();
        let text = |node: &Value, field: &str| node[field].as_str().unwrap().to_owned();
        edges
            .iter()
            .rev()
            .map(|edge| &edge["node"])
            .map(|node| (text(node, "action"), text(node, "result"), node["generation"].clone()))
            .collect()
    }

    /// Waits until the server is ready.
    pub async fn ready(&self) {
        let is_ready = async || self.request("GET", "/readyz").send().await.unwrap().status() == 200;
        until("readiness", is_ready).await;
    }

    /// Waits until the server has polled all that was committed before. What it looks up after that, it can answer from the cache
    /// until the token changes. Needs `AUDIT_LOG_READ`.
    pub async fn catch_up(&self) {
        self.ready().await;
        // A subscription begins after a poll that began after the request.
        drop(Events::of_audit_log(self, json!({})).await);
    }

    pub async fn my_id(&self) -> String {
        self.ask("{ currentAPIToken { id } }").await.body["data"]["currentAPIToken"]["id"].as_str().unwrap().to_owned()
    }
}

pub struct Created {
    pub id: String,
    pub client: Client,
}

impl Answer {
    /// Whether it was given from the cache, without waiting for anything.
    pub fn is_from_cache(&self) -> bool {
        !spans::waited(self.header("X-Request-Id").unwrap())
    }

    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    /// The code of the first error, if there is one.
    pub fn code(&self) -> Option<&str> {
        let error = self.body["errors"].get(0)?;
        Some(error["extensions"]["code"].as_str().unwrap_or_else(|| panic!("an error without a code: {error}")))
    }

    /// The field that the first error names.
    pub fn field(&self) -> Option<&str> {
        self.body["errors"].get(0)?["extensions"]["field"].as_str()
    }

    /// The status, the code and the field of an error of the REST endpoints.
    pub fn refusal(&self) -> (u16, &str, Option<&str>) {
        let text = |name: &str| self.body[name].as_str();
        assert!(text("message").is_some_and(|message| message.ends_with('.')), "{}", self.body);
        (self.status, text("code").unwrap(), text("field"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The value that this mutation issued, or the code of its refusal.
    pub fn value_of(&self, mutation: &str) -> Result<String, String> {
        match self.code() {
            Some(code) => Err(code.to_owned()),
            None => Ok(self.body["data"][mutation]["token"]["value"].as_str().unwrap().to_owned()),
        }
    }
}
