//! `rotakey serve`: runs the server. On an empty database, it creates the first admin token and shows how to rotate it.

use std::io::Write;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::config::{NoticeSettings, ServeFlags, Sources, from_this_machine};
use crate::service::Issued;
use crate::systemd::PassedSockets;
use crate::{app, telemetry};
use crate::{http, notice};

use super::clock_and_entropy::system;
use super::error::Error;
use super::mail;
use super::traces;

pub(super) async fn run(flags: &ServeFlags, sources: &Sources, passed: PassedSockets) -> Result<(), Error> {
    let settings = sources.check(flags.validate(app::raise_descriptor_limit()))?;
    telemetry::start(settings.log, settings.log_format);
    if let Some(file) = sources.file() {
        tracing::info!(name: "settings_file_read", path = %file.display(), "settings file read");
    }
    let (clock, entropy) = system();
    let stop = app::stop_signal()?;
    if passed.api.is_some() {
        tracing::info!(name: "socket_passed", "using the socket that the service manager passed instead of --listen");
    }
    let tls = match settings.tls {
        Some(files) => Some(app::load_tls(files).await?),
        None => None,
    };
    if let Some(tls) = &tls {
        tls.log_expiry(u64::try_from(clock.now_unix_millis() / 1000).unwrap_or_default());
    }
    let connector = traces::connector(settings.traces.as_ref()).await?;
    let webhook_tls = app::load_connector("--webhook-ca", settings.notices.ca.clone()).await?;
    let mail = mail::client(settings.notices.mail.clone()).await?;
    let opening = app::open(&settings.database_url, clock.clone(), entropy.clone(), settings.policy);
    // A migration that is cut off leaves nothing, as when the process is killed.
    let Some(service) = app::while_starting(opening, &stop).await else { return Ok(()) };
    let service = service?.with_foreign_formats(settings.foreign_formats).sending_mail(mail.is_some());
    // Bind the ports first: no token must be created by a server that then cannot start.
    let listeners = app::Listeners::open(passed, settings.listen, settings.metrics_listen).await?;
    let address = listeners.api.local_addr()?;
    let metrics_address = listeners.metrics.as_ref().map(TcpListener::local_addr).transpose()?;
    let first = service.bootstrap_if_empty().await?;
    let banner = banner((address, tls.is_some()), metrics_address, service.database(), first.as_ref());
    std::io::stdout().write_all(banner.as_bytes())?;
    std::io::stdout().flush()?;
    tracing::info!(name: "listening", %address, database = service.database(), version = env!("CARGO_PKG_VERSION"), "listening");
    if !is_private(address) && tls.is_none() {
        tracing::warn!(name: "plain_http_exposed", %address, "listening on plain HTTP for other machines; values are readable on the network without TLS");
    }
    if let Some(address) = metrics_address {
        tracing::info!(name: "metrics_listening", %address, "listening for metrics");
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    let traces = settings.traces;
    let traces = traces.map(|settings| traces::traces((settings, connector), (scheme, address), (clock, entropy)));
    let NoticeSettings { networks, ca: _, deadlines, mail: _, announced_refusals: _ } = settings.notices;
    let notices = notice::Settings { networks, tls: Some(webhook_tls), deadlines, mail, ..notice::Settings::default() };
    let http = http::Settings { tls, traces, ..settings.http };
    app::serve(listeners, service, app::Settings { http, notices: Some(notices) }, stop).await?;
    Ok(())
}

/// The URL of the server on this machine.
fn base_url(address: SocketAddr, scheme: &str) -> String {
    format!("{scheme}://{}", from_this_machine(address))
}

/// Whether only this machine can connect to the address.
fn is_private(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn banner(
    (address, uses_tls): (SocketAddr, bool),
    metrics: Option<SocketAddr>,
    database: &str,
    first: Option<&Issued>,
) -> String {
    let scheme = if uses_tls { "https" } else { "http" };
    let url = base_url(address, scheme);
    let mut text = format!("Rotakey is listening on {scheme}://{address}\n");
    if !is_private(address) && !uses_tls {
        text.push_str(
            "Warning: other machines can connect to this address, and it uses plain HTTP. Set --tls-certificate and --tls-key, put TLS \
             in front of it, or listen on 127.0.0.1.\n",
        );
    }
    if let Some(metrics) = metrics {
        text.push_str(&format!("Metrics: {}/metrics\n", base_url(metrics, "http")));
    }
    text.push_str(&format!("Database: {database}\nPlayground: {url}/playground\n"));
    if let Some(issued) = first {
        let value = issued.value.expose();
        text.push_str(&format!(
            "\nThis is the value of the first API token, which may do everything. It is not shown again, so keep it:\n\n  \
             export TOKEN={value}\n\n\
             Rotate it. The answer contains the new value; the old one works for {} more minutes:\n\n  \
             curl -s {url}/graphql -H 'Content-Type: application/json' -H \"X-API-Key: $TOKEN\" \
             -d '{{\"query\":\"mutation rotateAPIToken {{ rotateAPIToken {{ token {{ value }} }} }}\"}}'\n\n\
             Then use the new value: export TOKEN=... \
             Do not rotate again with the old one: that cancels the new value if it has not been used yet.\n\n",
            issued.view.token.settings.overlap_minutes
        ));
    }
    text
}
