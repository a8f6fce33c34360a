//! The HTTP baselines: the minimum that a server with the same framework does for the same request.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sea_orm::sqlx::{Row, SqlitePool, query};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// Serves the baseline of this name until the process is killed.
pub fn serve(arguments: &[String]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let router = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["static"] => Router::new().route("/verify", get(|| async { "ok\n" })),
            ["echo"] => Router::new().route("/graphql", post(echo)),
            ["look-up", database] => Router::new().route("/verify", get(look_up)).with_state(open(database).await),
            _ => panic!("no such baseline: {arguments:?}"),
        };
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        println!("listening on http://{}", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

/// Parses JSON and serialises it again.
async fn echo(body: Bytes) -> Response {
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    ([(header::CONTENT_TYPE, "application/json")], serde_json::to_vec(&json).unwrap()).into_response()
}

async fn open(database: &str) -> SqlitePool {
    // As many readers as the server has.
    let options: SqliteConnectOptions = database.parse().unwrap();
    SqlitePoolOptions::new().max_connections(4).connect_with(options.read_only(true)).await.unwrap()
}

/// Looks up the hash of the presented value in its index, and responds with the row.
async fn look_up(State(pool): State<SqlitePool>, headers: HeaderMap) -> Response {
    let hash = Sha256::digest(headers.get("x-api-key").unwrap().as_bytes()).to_vec();
    let sql = "SELECT token_id, generation FROM api_token_value WHERE hash = ?";
    match query(sql).bind(hash).fetch_optional(&pool).await.unwrap() {
        Some(row) => ([("x-token-id", row.get::<String, _>(0))]).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
