//! GraphQL over WebSockets: the protocol `graphql-transport-ws`, and that every rule of the other endpoints holds on it.

use futures_util::{SinkExt, StreamExt};
use rotakey::service::Policy;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};

use crate::support::client::{Client, ROTATE};
use crate::support::deadline::soon;
use crate::support::server::Server;

const PROTOCOL: &str = "graphql-transport-ws";

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(url: &str, headers: &[(&'static str, &str)]) -> Self {
        let mut request = format!("{}/graphql", url.replace("http://", "ws://")).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Self(connect_async(request).await.unwrap().0)
    }

    /// A socket whose server has said nothing yet.
    async fn plain(server: &Server) -> Self {
        Self::open(&server.url, &[("sec-websocket-protocol", PROTOCOL)]).await
    }

    /// A socket of this client, which has said who it is.
    async fn of(client: &Client, server: &Server) -> Self {
        let mut socket = Self::plain(server).await;
        socket.init(json!({ "X-API-Key": client.value })).await;
        assert_eq!(socket.next().await, Ok(json!({ "type": "connection_ack" })));
        socket
    }

    /// A socket of this client, of whose answers little fits on the way.
    async fn narrow(client: &Client, server: &Server) -> Self {
        let address = server.url.trim_start_matches("http://").parse().unwrap();
        let tcp = TcpSocket::new_v4().unwrap();
        tcp.set_recv_buffer_size(4096).unwrap();
        let stream = MaybeTlsStream::Plain(tcp.connect(address).await.unwrap());
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", PROTOCOL.parse().unwrap());
        let mut socket = Self(client_async(request, stream).await.unwrap().0);
        socket.init(json!({ "X-API-Key": client.value })).await;
        assert_eq!(socket.next().await, Ok(json!({ "type": "connection_ack" })));
        socket
    }

    async fn init(&mut self, payload: Value) {
        self.say(json!({ "type": "connection_init", "payload": payload })).await;
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    /// The next message, or the code with which the socket was closed.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            match soon(self.0.next()).await.unwrap().unwrap() {
                Message::Text(text) => return Ok(serde_json::from_str(text.as_str()).unwrap()),
                Message::Close(frame) => {
                    let frame = frame.unwrap();
                    assert!(!frame.reason.is_empty());
                    return Err(frame.code.into());
                }
                _ => {}
            }
        }
    }

    /// The code of the error that the next message holds.
    async fn error(&mut self) -> (String, String) {
        let message = self.next().await.unwrap();
        let errors = if message["type"] == "error" { &message["payload"] } else { &message["payload"]["errors"] };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&message["type"]), text(&errors[0]["extensions"]["code"]))
    }
}

#[tokio::test]
async fn a_value_is_presented_in_the_payload_or_in_the_handshake() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let bearer = format!("Bearer {value}");
    for payload in [
        json!({ "X-API-Key": value }),
        json!({ "x-api-key": value }),
        json!({ "apiKey": value }),
        json!({ "Authorization": bearer }),
        json!({ "authorization": bearer, "apiKey": value, "other": 1 }),
        json!({ "headers": { "X-API-Key": value } }),
        json!({ "headers": { "Authorization": bearer, "other": 1 }, "apiKey": value }),
        json!({ "headers": null, "apiKey": value, "authorization": null }),
    ] {
        let mut socket = Socket::plain(&server).await;
        socket.init(payload.clone()).await;
        assert_eq!(
            socket.next().await,
            Ok(json!({ "type": "connection_ack" })),
            "{:?}",
            payload.as_object().unwrap().keys()
        );
    }
    for (name, text) in [("x-api-key", &value), ("authorization", &bearer)] {
        let mut socket = Socket::open(&server.url, &[("sec-websocket-protocol", PROTOCOL), (name, text)]).await;
        socket.init(json!({ "authorization": null, "headers": { "apiKey": null } })).await;
        assert_eq!(socket.next().await, Ok(json!({ "type": "connection_ack" })), "{name}");
    }
}

#[tokio::test]
async fn a_foreign_credential_beside_a_value_is_ignored() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let jwt = "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";
    for foreign in [jwt, "Basic YTpi", "Bearer", ""] {
        let headers = [("sec-websocket-protocol", PROTOCOL), ("authorization", foreign)];
        let mut socket = Socket::open(&server.url, &headers).await;
        socket.init(json!({ "X-API-Key": value })).await;
        assert_eq!(socket.next().await, Ok(json!({ "type": "connection_ack" })), "{foreign}");
        let mut socket = Socket::plain(&server).await;
        socket.init(json!({ "Authorization": foreign, "X-API-Key": value })).await;
        assert_eq!(socket.next().await, Ok(json!({ "type": "connection_ack" })), "{foreign}");
        let mut socket = Socket::plain(&server).await;
        socket.init(json!({ "Authorization": foreign })).await;
        assert_eq!(socket.next().await, Err(4401), "{foreign}");
    }
}

#[tokio::test]
async fn a_credential_that_is_not_good_closes_the_socket() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let bound = server.admin.create(json!({ "name": "n", "allowedOrigins": ["https://a.example"] })).await.unwrap();
    let bound = bound.client.value.unwrap();
    for (payload, code) in [
        (json!({}), 4401),
        (json!({ "apiKey": "rk_wrong" }), 4401),
        (json!({ "apiKey": 1 }), 4401),
        (json!({ "authorization": "Basic x" }), 4401),
        (json!({ "apiKey": value, "authorization": format!("Bearer {bound}") }), 4400),
        (json!({ "apiKey": bound }), 4403),
        (json!({ "headers": { "apiKey": "rk_wrong" } }), 4401),
        (json!({ "headers": { "apiKey": value }, "authorization": format!("Bearer {bound}") }), 4400),
    ] {
        let mut socket = Socket::plain(&server).await;
        socket.init(payload.clone()).await;
        assert_eq!(socket.next().await, Err(code), "{:?}", payload.as_object().unwrap().keys());
    }
    // R12: the origin that binds is that of the handshake.
    for (origin, expected) in
        [("https://a.example", Ok(json!({ "type": "connection_ack" }))), ("https://b.example", Err(4403))]
    {
        let mut socket = Socket::open(&server.url, &[("sec-websocket-protocol", PROTOCOL), ("origin", origin)]).await;
        socket.init(json!({ "apiKey": bound })).await;
        assert_eq!(socket.next().await, expected, "{origin}");
    }
}

#[tokio::test]
async fn what_is_not_of_the_protocol_closes_the_socket_with_its_code() {
    let server = Server::start().await;
    assert_eq!(Socket::open(&server.url, &[]).await.next().await, Err(4406));
    let subscribe =
        |id: &str| json!({ "id": id, "type": "subscribe", "payload": { "query": "{ currentAPIToken { id } }" } });
    let mut early = Socket::plain(&server).await;
    early.say(subscribe("1")).await;
    assert_eq!(early.next().await, Err(4401));
    for message in [json!("x"), json!({ "type": "start" }), json!({ "id": "1", "type": "subscribe", "payload": {} })] {
        let mut socket = Socket::of(&server.admin, &server).await;
        socket.say(message.clone()).await;
        assert_eq!(socket.next().await, Err(4400), "{message}");
    }
    let mut repeated = Socket::plain(&server).await;
    repeated.0.send(Message::text(r#"{"type":"connection_init","payload":{"apiKey":1,"apiKey":null}}"#)).await.unwrap();
    assert_eq!(repeated.next().await, Err(4400));
    let mut repeated = Socket::of(&server.admin, &server).await;
    let text = r#"{"id":"1","type":"subscribe","payload":{"query":5,"query":"{ __typename }"}}"#;
    repeated.0.send(Message::text(text)).await.unwrap();
    assert_eq!(repeated.next().await, Err(4400));
    let mut binary = Socket::plain(&server).await;
    binary.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(binary.next().await, Err(4400));
    let mut large = Socket::plain(&server).await;
    let _ = large.0.send(Message::text("x".repeat(2 * 1024 * 1024))).await;
    assert_eq!(large.next().await, Err(4400));
    let mut twice = Socket::of(&server.admin, &server).await;
    twice.init(json!({})).await;
    assert_eq!(twice.next().await, Err(4429));
    let mut doubled = Socket::of(&server.admin, &server).await;
    doubled.subscribe("1", "subscription { auditEvents { id } }").await;
    doubled.subscribe("1", "subscription { auditEvents { id } }").await;
    assert_eq!(doubled.next().await, Err(4409));
}

#[tokio::test]
async fn sockets_are_bounded_for_each_token() {
    let server = Server::start_with(Policy { max_streams_per_token: 1, ..Policy::default() }).await;
    let mut first = Socket::of(&server.admin, &server).await;
    let mut second = Socket::plain(&server).await;
    second.init(json!({ "X-API-Key": server.admin.value })).await;
    assert_eq!(second.next().await, Err(1013));
    // A subscription is one more.
    first.subscribe("1", "subscription { auditEvents { id } }").await;
    let refused = &first.next().await.unwrap()["payload"]["errors"][0]["extensions"];
    assert_eq!(*refused, json!({ "code": "RATE_LIMITED", "retryAfterSeconds": 2 }));
    drop(first);
    let again = async {
        loop {
            let mut socket = Socket::plain(&server).await;
            socket.init(json!({ "X-API-Key": server.admin.value })).await;
            if socket.next().await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), again).await.unwrap();
}

#[tokio::test]
async fn a_socket_without_connection_init_is_closed() {
    let server = Server::start().await;
    assert_eq!(Socket::plain(&server).await.next().await, Err(4408));
}

#[tokio::test]
async fn queries_mutations_and_refusals_are_answered_as_everywhere() {
    let server = Server::start().await;
    let mut socket = Socket::of(&server.admin, &server).await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await, Ok(json!({ "type": "pong" })));
    let named = json!({ "query": "query A { __typename }", "operationName": "" });
    socket.say(json!({ "id": "0", "type": "subscribe", "payload": named })).await;
    assert_eq!(socket.next().await.unwrap()["payload"], json!({ "data": { "__typename": "Query" } }));
    assert_eq!(socket.next().await.unwrap()["type"], json!("complete"));
    // The same id again and again: an operation that is done does not hold it.
    for _ in 0..3 {
        socket.subscribe("1", "query() { currentAPIToken() { generation } }").await;
        let next = socket.next().await.unwrap();
        assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!("1")));
        assert_eq!(next["payload"], json!({ "data": { "currentAPIToken": { "generation": 1 } } }));
        assert_eq!(socket.next().await, Ok(json!({ "type": "complete", "id": "1" })));
    }
    for (query, kind, code) in [
        ("{", "error", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "error", "GRAPHQL_VALIDATION_FAILED"),
        (r#"{ apiToken(id: "x") { id } }"#, "next", "NOT_FOUND"),
        (
            "mutation { a: rotateAPIToken { token { id } } b: rotateAPIToken { token { id } } }",
            "error",
            "BAD_USER_INPUT",
        ),
    ] {
        socket.subscribe("2", query).await;
        assert_eq!(socket.error().await, (kind.to_owned(), code.to_owned()), "{query}");
        if kind == "next" {
            assert_eq!(socket.next().await, Ok(json!({ "type": "complete", "id": "2" })));
        }
    }
    let subscription = "subscription { auditEvents { id } }";
    for number in 0..33 {
        socket.subscribe(&number.to_string(), subscription).await;
    }
    assert_eq!(socket.error().await, ("error".to_owned(), "BAD_USER_INPUT".to_owned()));
    socket.say(json!({ "type": "complete", "id": "0" })).await;
    socket.subscribe("q", "{ currentAPIToken { generation } }").await;
    assert_eq!(socket.next().await.unwrap()["id"], json!("q"), "room for one again");
}

#[tokio::test]
async fn r10_the_value_of_a_socket_is_judged_again_for_every_operation() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "overlapMinutes": 0 })).await.unwrap();
    let mut socket = Socket::of(&token.client, &server).await;
    socket.subscribe("1", ROTATE).await;
    let next = socket.next().await.unwrap();
    let new = token.client.with(next["payload"]["data"]["rotateAPIToken"]["token"]["value"].as_str().unwrap());
    assert_eq!(socket.next().await, Ok(json!({ "type": "complete", "id": "1" })));
    socket.subscribe("2", "{ currentAPIToken { id } }").await;
    assert_eq!(socket.next().await, Err(4401), "the value was retired");

    let mut socket = Socket::of(&new, &server).await;
    server.admin.update(json!({ "id": token.id, "allowedOrigins": ["https://a.example"] })).await.unwrap();
    socket.subscribe("1", "{ currentAPIToken { id } }").await;
    assert_eq!(socket.next().await, Err(4403));
}

#[tokio::test]
async fn r10_a_subscription_on_a_socket_delivers_events_and_ends_with_the_reason() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "permissions": ["AUDIT_LOG_READ"] })).await.unwrap();
    let mut socket = Socket::of(&token.client, &server).await;
    socket.subscribe("1", "subscription { auditEvents(filter: { actions: [API_TOKEN_CREATED] }) { action } }").await;
    // Nothing says that a subscription has begun but its first event; so there are events until it comes.
    let first = {
        let mut first = std::pin::pin!(socket.next());
        loop {
            tokio::select! {
                biased;
                first = &mut first => break first,
                created = server.admin.create(json!({ "name": "x" })) => drop(created.unwrap()),
            }
        }
    };
    assert_eq!(first.unwrap()["payload"]["data"]["auditEvents"]["action"], json!("API_TOKEN_CREATED"));
    server.admin.revoke(&token.id).await.unwrap();
    let last = loop {
        let message = socket.next().await.unwrap();
        if message["payload"]["errors"].is_array() {
            break message;
        }
    };
    assert_eq!(last["payload"]["errors"][0]["extensions"]["code"], json!("TOKEN_REVOKED"));
    assert_eq!(socket.next().await, Ok(json!({ "type": "complete", "id": "1" })));
}

#[tokio::test]
async fn a_socket_that_does_not_read_keeps_no_other_client_from_the_database() {
    let server = Server::start().await;
    let types = "__schema { types { name description fields { name description args { name description } } } }";
    let large = format!("{{ {} }}", (0..12).map(|number| format!("a{number}: {types} ")).collect::<String>());
    let create = r#"mutation { createAPIToken(input: { name: "n" }) { token { value } } }"#;
    let mut sockets = Vec::new();
    for _ in 0..6 {
        let mut socket = Socket::narrow(&server.admin, &server).await;
        for number in 0..10 {
            socket.subscribe(&format!("q{number}"), &large).await;
            socket.subscribe(&format!("m{number}"), create).await;
        }
        sockets.push(socket);
    }
    // A request that waits too long for the database is refused.
    for _ in 0..10 {
        assert_eq!(server.admin.create(json!({ "name": "x" })).await.err(), None);
    }
}
