//! From the settings of tracing to what is traced.

use std::net::SocketAddr;

use crate::app;
use crate::clock::SharedClock;
use crate::config::TraceSettings;
use crate::entropy::SharedEntropy;
use crate::tls::Connector;
use crate::traces::{Collector, Settings, Traces};

/// The TLS to a collector that has an `https` URL.
pub(super) async fn connector(settings: Option<&TraceSettings>) -> Result<Option<Connector>, app::Error> {
    match settings.filter(|settings| settings.url.scheme() == "https") {
        Some(settings) => app::load_connector("--otlp-ca", settings.ca.clone()).await.map(Some),
        None => Ok(None),
    }
}

/// Tracing of the server that has this scheme and listens on this address.
pub(super) fn traces(
    (settings, tls): (TraceSettings, Option<Connector>),
    (scheme, address): (&str, SocketAddr),
    (clock, entropy): (SharedClock, SharedEntropy),
) -> Traces {
    let TraceSettings { url, headers, ca: _, resource: given, ratio, followed_per_second } = settings;
    tracing::info!(name: "traces_exporting", collector = %url, "exporting traces");
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let instance = format!("{}:{}", host.as_deref().unwrap_or("localhost"), address.port());
    let defaults = [
        ("service.name", "rotakey".to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", instance),
    ];
    let missing = defaults.into_iter().filter(|(name, _)| given.iter().all(|(other, _)| other != name));
    let mut resource: Vec<(String, String)> = missing.map(|(name, text)| (name.to_owned(), text)).collect();
    resource.extend(given);
    let collector = Collector { url, headers, tls };
    let host = address.ip().to_string();
    Traces::new(
        Settings { collector, ratio, followed_per_second, resource },
        (scheme, &host, address.port()),
        clock,
        entropy,
    )
}
