//! Answers that are not read, and bodies that do not come, on HTTP/2: they hold little, and not for long.

use axum::body::Bytes;
use futures_util::FutureExt;
use h2::client::ResponseFuture;
use rotakey::http;
use serde_json::json;
use tokio::time::Duration;

use super::pass;
use crate::support::deadline::{soon, within};
use crate::support::http2::{Http2, read};
use crate::support::server::Server;

/// A query whose answer has some hundred kilobytes.
fn large() -> String {
    let of = "type { name kind ofType { name kind ofType { name kind } } }";
    let types =
        format!("types {{ name description fields {{ name description {of} args {{ name description {of} }} }} }}");
    json!({ "query": format!("{{ a: __schema {{ {types} }} b: __schema {{ {types} }} }}") }).to_string()
}

/// How many of these answers have begun.
async fn begun(server: &Server, answers: &mut [ResponseFuture]) -> usize {
    // When others have been answered in between, the server has done what it could.
    for _ in 0..40 {
        server.admin.check().await.unwrap();
    }
    let mut begun = 0;
    for answer in answers {
        begun += usize::from(answer.now_or_never().is_some());
    }
    begun
}

#[tokio::test]
async fn a_client_that_does_not_read_gets_few_answers_and_one_that_reads_gets_all() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let length = server.admin.request("POST", "/graphql").header("Content-Type", "application/json").body(large());
    let length = length.send().await.unwrap().bytes().await.unwrap().len();
    let mut client = Http2::connect(&server.url, 0).await;
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(client.ask("POST", "/graphql", &value, &large()).await);
    }
    let most = 1024 * 1024 / length + 2;
    assert!(most < 25, "the answer is too small to tell: {length}");
    let begun = begun(&server, &mut answers).await;
    assert!((1..=most).contains(&begun), "{begun} answers of {length} bytes");
    // A client that reads.
    let mut client = Http2::connect(&server.url, 65_535).await;
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(client.ask("POST", "/graphql", &value, &large()).await);
    }
    for answer in answers {
        assert_eq!(read(soon(answer).await.unwrap().into_body()).await.unwrap().len(), length);
    }
}

/// So many clients together may cost the server no more memory than a few.
#[tokio::test]
async fn connections_with_unread_answers_are_closed_when_all_together_exceed_the_budget() {
    const BUDGET: usize = 400 * 1024;
    let settings = http::Settings { max_held_bytes: BUDGET, ..Server::settings() };
    let server = Server::start_serving(settings).await;
    let value = server.admin.value.clone().unwrap();
    let length = server.admin.request("POST", "/graphql").header("Content-Type", "application/json").body(large());
    let length = length.send().await.unwrap().bytes().await.unwrap().len();
    // Two answers are held by each connection. One connection is within the budget, and two are not.
    assert!((BUDGET / 4 + 1..BUDGET / 2).contains(&length), "an answer has {length} bytes");
    let mut idle = Http2::connect(&server.url, 65_535).await;
    let healthz = async |client: &mut Http2| soon(client.ask("GET", "/healthz", "", "").await).await.unwrap().status();
    assert_eq!(healthz(&mut idle).await, 200);
    // It is then quiet for longer than all others, and still holds nothing.
    pass(2).await;
    let mut unread = Vec::new();
    for _ in 0..3 {
        let mut client = Http2::connect(&server.url, 0).await;
        let mut answers = Vec::new();
        for _ in 0..2 {
            answers.push(client.try_ask("POST", "/graphql", &value, &large()).await);
        }
        unread.push((client, answers));
    }
    let few_are_open = async {
        let mut open = unread.len();
        while open > 1 {
            tokio::task::yield_now().await;
            open = 0;
            for (client, _) in &unread {
                open += usize::from(client.is_open().await);
            }
        }
    };
    // Two periods would close them all, without any budget.
    within(Duration::from_secs(12), "the end of the connections beyond the budget", few_are_open).await;
    let mut open = 0;
    for (client, _) in &unread {
        open += usize::from(client.is_open().await);
    }
    assert_eq!(open, 1, "what fits into the budget stays open");
    assert_eq!(healthz(&mut idle).await, 200);
}

#[tokio::test]
async fn an_unread_answer_is_dropped_although_its_client_keeps_sending_requests() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let mut client = Http2::connect(&server.url, 0).await;
    let unread = soon(client.ask("POST", "/graphql", &value, &large()).await).await.unwrap();
    // Until the connection is closed, with whatever it held.
    for period in 0.. {
        assert!(period < 4, "asking on keeps it alive");
        if !client.is_open().await {
            break;
        }
        let asked = client.ask("GET", "/verify", &value, "").await;
        let _ = soon(asked).await;
        pass(1).await;
    }
    assert!(read(unread.into_body()).await.is_err());
}

#[tokio::test]
async fn a_stalled_body_times_out_although_another_of_its_connection_arrives() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    // No write of a first use falls into the time that this test lets pass.
    server.admin.check().await.unwrap();
    let mut client = Http2::connect(&server.url, 65_535).await;
    let (mut stalled, mut part) = client.begin("POST", "/graphql", &value).await;
    part.send_data(Bytes::from_static(b"{"), false).unwrap();
    let body = json!({ "query": "{ currentAPIToken { id } }" }).to_string();
    let (steady, mut rest) = client.begin("POST", "/graphql", &value).await;
    rest.send_data(Bytes::copy_from_slice(&body.as_bytes()[..1]), false).unwrap();
    // As much as is expected of it, and more: white space.
    for period in 0..2 {
        rest.send_data(Bytes::from(vec![b' '; 16_384]), false).unwrap();
        // It has come when others have been answered in between.
        for _ in 0..20 {
            server.admin.check().await.unwrap();
        }
        pass(1).await;
        if period == 0 {
            assert_eq!(soon(&mut stalled).await.unwrap().status(), 408);
        }
    }
    rest.send_data(Bytes::copy_from_slice(&body.as_bytes()[1..]), true).unwrap();
    assert_eq!(soon(steady).await.unwrap().status(), 200);
}
