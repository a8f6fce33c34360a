//! Listings, with every filter and order, one page after the other.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::client::{self, Connection};
use crate::seed;

/// A test executes these on a server ([`tests/it/house/bench_queries.rs`](../../../tests/it/house/bench_queries.rs)).
const TOKENS: &str = include_str!("tokens.graphql");
const EVENTS: &str = include_str!("events.graphql");
/// How often each page is asked for, after once to warm the caches of the database.
const TIMES: usize = 3;

/// A set of pages that one row of the table is about.
pub struct Listing {
    /// What they are.
    pub name: &'static str,
    query: &'static str,
    variables: Vec<Value>,
    deep: bool,
}

/// How long the pages took.
pub struct Times {
    /// How many there were.
    pub pages: usize,
    /// The median of their medians.
    pub median: Duration,
    /// The largest of their medians.
    pub slowest: Duration,
    /// How many could not be read in the time that a listing may take. They do not count above.
    pub timeouts: usize,
    /// The median of each; none for those.
    pub medians: Vec<Option<Duration>>,
}

impl Listing {
    /// All listings, those of events where there are any.
    pub fn all(events: bool) -> Vec<Self> {
        let orders = |fields: &[&str]| {
            let directions = |field| ["ASC", "DESC"].map(|direction| json!({ "field": field, "direction": direction }));
            choices("orderBy", fields.iter().flat_map(directions).collect())
        };
        let (main, keyed) = (orders(&["CREATED_AT", "NAME"]), orders(&["EXPIRES_AT", "ROTATE_BY", "LAST_USED_AT"]));
        let statuses = ["ACTIVE", "EXPIRED", "ROTATION_OVERDUE", "REVOKED"].map(|status| json!([status]));
        let own = combine(&[
            optional("status", statuses.to_vec()),
            optional("kind", vec![json!("PRIVATE"), json!("PUBLIC")]),
            optional("owner", vec![json!("customer 7"), json!("nobody")]),
        ]);
        let names = |names: &[&str]| choices("name", names.iter().map(|name| json!(name)).collect());
        let ordered = |name, filters: Vec<Value>, orders: &[Value]| {
            let filters = filters.into_iter().map(|filter| json!({ "filter": filter })).collect();
            let variables = combine(&[filters, orders.to_vec(), vec![json!({ "first": 25 })]]);
            Self { name, query: TOKENS, variables, deep: false }
        };
        let tokens = |name, filters| ordered(name, filters, &main);
        let all_orders = [main.clone(), keyed.clone()].concat();
        let conditions = vec![
            json!({ "scope": "orders:read" }),
            json!({ "scope": "none" }),
            json!({ "permission": "API_TOKEN_READ" }),
            json!({ "metadata": { "key": "stage", "value": "production" } }),
            json!({ "metadata": { "key": "customer", "value": "customer 7" } }),
            json!({ "metadata": { "key": "customer", "value": "none" } }),
            json!({ "createdBy": seed::id(7) }),
            json!({ "createdBy": seed::id(8) }),
            json!({ "expiresAfter": "2030-01-01T00:00:00Z" }),
            json!({ "expiresBefore": "2024-01-01T00:00:00Z" }),
            json!({ "expiresBefore": "2034-01-01T00:00:00Z" }),
            json!({ "rotateByBefore": "2024-01-01T00:00:00Z" }),
            json!({ "rotateByBefore": "2100-01-01T00:00:00Z" }),
            json!({ "unusedSince": "2024-01-01T00:00:00Z" }),
            json!({ "unusedSince": "2025-12-01T00:00:00Z" }),
            json!({ "unusedSince": "2100-01-01T00:00:00Z" }),
            json!({ "overlapRunning": true }),
            json!({ "overlapRunning": false }),
            json!({ "previousValueUsedWithinMinutes": 600 }),
            json!({ "text": "quarterly" }),
            json!({ "text": "no such text" }),
            json!({ "text": "customer" }),
            json!({ "text": "customer 999" }),
        ];
        let mut all = vec![
            Self {
                name: "`apiTokens`, the first page",
                query: TOKENS,
                variables: vec![json!({ "first": 25 })],
                deep: false,
            },
            Self {
                name: "`apiTokens`, the last page but seven",
                query: TOKENS,
                variables: vec![json!({ "first": 25 })],
                deep: true,
            },
            tokens("`apiTokens` by status, kind, owner", own.clone()),
            tokens(
                "`apiTokens` by part of a name that few tokens have",
                combine(&[own.clone(), names(&["token 999", "no such name"])]),
            ),
            tokens("`apiTokens` by part of a name that all tokens have", names(&["token"])),
            ordered("`apiTokens` by expiry, rotation or last use", vec![json!({})], &keyed),
            ordered("`apiTokens` by what few tokens have, or nearly all", conditions, &all_orders),
        ];
        if events {
            let token = json!(seed::id(7));
            let filters = |fields: &[Vec<Value>]| {
                let filters = combine(fields).into_iter().map(|filter| json!({ "filter": filter })).collect();
                combine(&[filters, vec![json!({ "first": 25 })]])
            };
            let actions = optional(
                "actions",
                vec![
                    json!(["API_TOKEN_REVOKED"]),
                    json!(["API_TOKEN_CREATED", "API_TOKEN_UPDATED"]),
                    json!(["API_TOKEN_OVERLAP_ENDED"]),
                ],
            );
            let times = optional("since", vec![json!("2024-07-01T00:00:00Z"), json!("2026-01-01T00:00:00Z")]);
            let about = |field| {
                combine(&[
                    actions.clone(),
                    times.clone(),
                    optional(field, vec![token.clone(), json!("tok_01JZZZZZZZ9999999999999999")]),
                ])
            };
            all.push(Self {
                name: "`auditEvents`, the first page",
                query: EVENTS,
                variables: vec![json!({ "first": 25 })],
                deep: false,
            });
            all.push(Self {
                name: "`auditEvents` by action, time, token",
                query: EVENTS,
                variables: filters(&[about("tokenId")]),
                deep: false,
            });
            all.push(Self {
                name: "`auditEvents` by action, time, actor",
                query: EVENTS,
                variables: filters(&[about("actorId")]),
                deep: false,
            });
        }
        all
    }

    /// What the requests ask for.
    pub fn variables(&self) -> &[Value] {
        &self.variables
    }

    /// Their requests. A deep page begins where the last 200 do.
    pub async fn pages(&self, host: &str, admin: &str) -> Vec<String> {
        let mut pages = Vec::new();
        for variables in &self.variables {
            let mut variables = variables.clone();
            if self.deep {
                let last = client::graphql(admin, self.query, &json!({ "last": 200 }));
                variables["after"] = json!(client::ask_for(host, &last, "/data/apiTokens/pageInfo/startCursor").await);
            }
            pages.push(client::graphql(admin, self.query, &variables));
        }
        pages
    }
}

/// Asks for each page several times, over one connection.
pub async fn measure(host: &str, pages: &[String]) -> Times {
    let mut connection = Connection::open(host).await;
    let mut medians = Vec::new();
    for page in pages {
        let mut times = Vec::new();
        for _ in 0..=TIMES {
            let started = Instant::now();
            let (status, body) = connection.exchange(page.as_bytes()).await;
            times.push(started.elapsed());
            if body.contains(r#""errors""#) {
                assert!(body.contains("UNAVAILABLE"), "{status}: {body}");
                times.clear();
                break;
            }
        }
        // The first has warmed the caches.
        medians.push(times.get_mut(1..).map(|times| {
            times.sort();
            times[times.len() / 2]
        }));
    }
    let mut read: Vec<_> = medians.iter().flatten().copied().collect();
    read.sort();
    let slowest = read.last().copied().unwrap_or_default();
    let median = read.get(read.len() / 2).copied().unwrap_or_default();
    Times { pages: pages.len(), median, slowest, timeouts: pages.len() - read.len(), medians }
}

/// An object with this field for each of these values.
fn choices(field: &str, values: Vec<Value>) -> Vec<Value> {
    values.into_iter().map(|value| json!({ field: value })).collect()
}

/// The same, and an object without the field.
fn optional(field: &str, values: Vec<Value>) -> Vec<Value> {
    let mut all = vec![json!({})];
    all.extend(choices(field, values));
    all
}

/// Each of the first objects, with the fields of each of the second, and so on.
fn combine(fields: &[Vec<Value>]) -> Vec<Value> {
    fields.iter().fold(vec![json!({})], |combined, next| {
        let merged = |left: &Value, right: &Value| -> Value {
            let both = [left, right].into_iter().filter_map(Value::as_object).flatten();
            Value::Object(both.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
        };
        combined.iter().flat_map(|left| next.iter().map(|right| merged(left, right)).collect::<Vec<_>>()).collect()
    })
}
