//! Asking whether a value is good, at every endpoint where that can be asked.

use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::server::Server;

/// The endpoints, by what they are called.
pub const ENDPOINTS: [&str; 3] = ["verifyAPIToken", "/introspect", "/verify"];

/// The code that an introspection gives to whatever is not good: it says no more than that.
pub const INACTIVE: &str = "INACTIVE";

pub const VERIFY: &str = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid code generation
    retiresAt missingScopes token { id name owner status generation value scopes lastUsedAt revokedAt
    values { generation firstUsedAt retiresAt } } } }";

/// What is asked about a value.
#[derive(Clone, Copy, Default)]
pub struct Question<'a> {
    pub value: &'a str,
    pub scopes: &'a [&'a str],
    pub address: Option<&'a str>,
    pub origin: Option<&'a str>,
}

impl<'a> Question<'a> {
    pub fn about(value: &'a str) -> Self {
        Self { value, ..Self::default() }
    }

    pub fn of(holder: &'a Client) -> Self {
        Self::about(holder.value.as_deref().unwrap())
    }

    /// Asks at this endpoint, as this caller where the endpoint wants one.
    pub async fn ask(self, caller: &Client, endpoint: &str) -> Answer {
        let request = match endpoint {
            "verifyAPIToken" => return caller.graphql(VERIFY, json!({ "input": self.input() })).await,
            "/introspect" => caller.request("POST", endpoint).body(self.form()).header("Content-Type", FORM),
            _ => {
                let query = if self.scopes.is_empty() { "" } else { "?scope=" };
                let request =
                    caller.with(self.value).request("GET", &format!("{endpoint}{query}{}", self.scopes.join("+")));
                let request = self.address.iter().fold(request, |request, it| request.header("X-Forwarded-For", *it));
                self.origin.iter().fold(request, |request, it| request.header("Origin", *it))
            }
        };
        Answer::of(request.send().await.unwrap()).await
    }

    /// All that `verifyAPIToken` answers the admin.
    pub async fn details(self, server: &Server) -> Value {
        self.ask(&server.admin, "verifyAPIToken").await.body["data"]["verifyAPIToken"].clone()
    }

    /// The input of `verifyAPIToken`.
    pub fn input(self) -> Value {
        json!({ "value": self.value, "requiredScopes": self.scopes, "address": self.address, "origin": self.origin })
    }

    fn form(self) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", self.value).append_pair("token_type_hint", "access_token");
        for (name, given) in [("rotakey_address", self.address), ("rotakey_origin", self.origin)] {
            given.map(|given| form.append_pair(name, given));
        }
        if !self.scopes.is_empty() {
            form.append_pair("rotakey_scope", &self.scopes.join(" "));
        }
        form.finish()
    }

    /// What the endpoint answers: the code, or the code of the error.
    pub async fn code(self, caller: &Client, endpoint: &str) -> String {
        let answer = self.ask(caller, endpoint).await;
        // For how long a gateway may keep the answer is in `freshness`.
        let kept = answer.header("Cache-Control").unwrap();
        assert!(kept == "no-store" || (endpoint == "/verify" && answer.status == 200), "{endpoint}: {kept}");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match endpoint {
            "verifyAPIToken" => {
                let verification = &answer.body["data"]["verifyAPIToken"];
                let code = answer.code().map(str::to_owned).or_else(|| text(&verification["code"])).unwrap();
                assert_eq!(verification["valid"] == json!(true), code == "VALID", "{}", answer.body);
                code
            }
            "/introspect" if answer.status == 200 => {
                if answer.body["active"] == json!(true) {
                    return "VALID".into();
                }
                assert_eq!(answer.body, json!({ "active": false }));
                INACTIVE.into()
            }
            _ if answer.status == 200 => "VALID".into(),
            _ => text(&answer.body["code"]).unwrap(),
        }
    }

    /// Asks at every endpoint as the admin; each must answer this code, as far as it has one.
    pub async fn expect(self, server: &Server, code: &str) {
        for endpoint in ENDPOINTS {
            let bare = endpoint == "/introspect" && code != "VALID";
            assert_eq!(self.code(&server.admin, endpoint).await, if bare { INACTIVE } else { code }, "{endpoint}");
        }
    }
}

pub const FORM: &str = "application/x-www-form-urlencoded";
