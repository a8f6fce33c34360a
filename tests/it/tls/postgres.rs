//! PostgreSQL by TLS, whose server is verified.

use std::path::Path;
use std::process::Command;

use crate::support::certificates::Authority;
use crate::support::cluster::PostgresServer;
use crate::support::process::{Process, command};

fn serve(folder: &Path, database_url: &str) -> Command {
    let mut command = command(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database_url]);
    command
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_only_a_server_with_the_right_certificate_is_used() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = authority.folder.path();
    let postgres = PostgresServer::primary().await;
    let url = |host: &str, options: &str| format!("postgres://rotakey@{host}:{}/rotakey?{options}", postgres.port);
    let verified = |by: &Authority| format!("sslmode=verify-full&sslrootcert={}", by.path("ca.pem").display());
    let refused = |url: String, words: &str| {
        let (status, stdout, stderr) = Process::spawn(serve(folder, &url)).ended();
        assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{url}");
        assert!(stderr.contains(words), "{url}: {stderr}");
    };
    refused(url("localhost", &verified(&authority)), "server does not support TLS");
    refused(
        url("localhost", "sslmode=verify-full&sslrootcert=/not/there.pem"),
        "whose sslrootcert cannot be read (/not/there.pem)",
    );

    authority.issue("postgres", "DNS:localhost", 20);
    postgres.use_tls(&authority.path("postgres.pem"), &authority.path("postgres.key")).await;
    refused(url("localhost", &verified(&stranger)), "signed by an authority that is not trusted");
    refused(url("localhost", "sslmode=verify-full"), "signed by an authority that is not trusted");
    refused(url("127.0.0.1", &verified(&authority)), "is for another name than the host in the URL");

    let server = Process::listening(serve(folder, &url("localhost", &verified(&authority))));
    server.client().ready().await;
    assert_eq!(server.client().with(server.first_value()).check().await, Ok(1));
    // The connection that polls, too.
    let encrypted = "SELECT bool_and(ssl) AND count(*) FILTER (WHERE query LIKE '%pg_current_snapshot%') > 0 AND count(*) > 1 \
                     FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    postgres.wait_for(encrypted).await;
}
