//! Tracing with OpenTelemetry.

use std::collections::HashSet;
use std::path::PathBuf;

use clap::Args;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::problems::Problems;
use crate::traces::{Header, header};

/// The path of OTLP over HTTP for traces.
const PATH: &str = "/v1/traces";

/// The headers that say where a request goes and where it ends. A wrong one would break every export.
const FRAMING_HEADERS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

/// The flags of tracing.
#[derive(Args, Clone)]
pub struct TracesFlags {
    /// The collector that receives traces over OTLP/HTTP, such as https://collector.example.com:4318. /v1/traces is added. Without it,
    /// nothing is traced
    // A URL may contain a password. It is refused then, but it must not be shown either.
    #[arg(long, env = "ROTAKEY_OTLP_ENDPOINT", value_name = "URL", hide_env_values = true)]
    pub otlp_endpoint: Option<String>,
    /// Headers for the collector, separated by commas, such as authorization=Bearer%20SECRET; percent-encoded
    #[arg(long, env = "ROTAKEY_OTLP_HEADERS", value_name = "HEADERS", hide_env_values = true)]
    pub otlp_headers: Option<String>,
    /// The authorities that may sign the certificate of an https collector, in a PEM file, such as /etc/rotakey/collector-ca.pem. Default:
    /// those that are publicly trusted
    #[arg(long, env = "ROTAKEY_OTLP_CA", value_name = "FILE")]
    pub otlp_ca: Option<PathBuf>,
    /// Resource attributes that identify this server, separated by commas, such as deployment.environment.name=production. Default for
    /// service.name: rotakey; for service.version: the version; for service.instance.id: the name of the host and the port
    #[arg(long, env = "ROTAKEY_OTLP_RESOURCE", value_name = "ATTRIBUTES")]
    pub otlp_resource: Option<String>,
    /// The share of requests that are traced, from 0 to 1, unless their traceparent decides
    #[arg(long, env = "ROTAKEY_TRACE_RATIO", default_value = "0.01", value_name = "RATIO")]
    pub trace_ratio: String,
    /// How many requests in a second are traced because their traceparent asks for it. Anyone can send one; 0 ignores the flag
    #[arg(long, env = "ROTAKEY_TRACE_FOLLOWED_PER_SECOND", default_value = "100", value_name = "COUNT")]
    pub trace_followed_per_second: String,
}

impl std::fmt::Debug for TracesFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TracesFlags(…)")
    }
}

/// The settings of tracing, validated.
#[derive(Clone)]
pub struct TraceSettings {
    /// The URL that traces are sent to.
    pub url: Url,
    /// The headers for the collector.
    pub headers: Vec<Header>,
    /// The file of the authorities.
    pub ca: Option<PathBuf>,
    /// Resource attributes that identify this server. No name is repeated.
    pub resource: Vec<(String, String)>,
    /// The share of requests that are traced.
    pub ratio: f64,
    /// How many requests in a second are traced because their client asks for it.
    pub followed_per_second: u32,
}

impl std::fmt::Debug for TraceSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TraceSettings(…)")
    }
}

impl TracesFlags {
    /// The settings; `None` if nothing is traced. The file is not read here.
    pub(crate) fn validate(&self) -> Result<Option<TraceSettings>, Problems> {
        let mut problems = Vec::new();
        let url = self.otlp_endpoint.as_deref().map(url_of).transpose().unwrap_or_else(|()| {
            // It may contain a password, so it is not repeated.
            problems.push(
                "--otlp-endpoint must be a URL such as http://127.0.0.1:4318 or https://collector.example.com:4318, without user, \
                 password and query. Credentials belong in --otlp-headers."
                    .to_owned(),
            );
            None
        });
        let headers = self.otlp_headers.as_deref().map_or(Some(Vec::new()), headers_of).unwrap_or_else(|| {
            problems.push(
                "--otlp-headers must be names and percent-encoded values of headers, such as authorization=Bearer%20SECRET, separated by \
                 commas."
                    .to_owned(),
            );
            Vec::new()
        });
        if headers.iter().any(|(name, _)| FRAMING_HEADERS.contains(&name.as_str())) {
            problems
                .push(format!("--otlp-headers must not contain {}: the server sets them.", FRAMING_HEADERS.join(", ")));
        }
        let resource = self.otlp_resource.as_deref().map_or(Some(Vec::new()), pairs).unwrap_or_else(|| {
            problems.push(
                "--otlp-resource must be names and percent-encoded texts, such as deployment.environment.name=production, separated by \
                 commas."
                    .to_owned(),
            );
            Vec::new()
        });
        let mut names = HashSet::new();
        if let Some((name, _)) = resource.iter().find(|(name, _)| !names.insert(name)) {
            problems.push(format!("--otlp-resource must contain {name} only once."));
        }
        let ratio = self.trace_ratio.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio)).unwrap_or_else(|| {
            problems.push("--trace-ratio must be a number from 0 to 1, such as 0.01.".to_owned());
            0.0
        });
        let followed_per_second = self.trace_followed_per_second.parse().unwrap_or_else(|_| {
            problems.push("--trace-followed-per-second must be a whole number, such as 100, or 0.".to_owned());
            0
        });
        if self.otlp_ca.is_some() && url.as_ref().is_some_and(|url| url.scheme() != "https") {
            problems.push("--otlp-ca needs an https URL as --otlp-endpoint.".to_owned());
        }
        if self.otlp_endpoint.is_none()
            && (self.otlp_ca.is_some() || self.otlp_headers.is_some() || self.otlp_resource.is_some())
        {
            problems.push("--otlp-headers, --otlp-ca and --otlp-resource need --otlp-endpoint.".to_owned());
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let ca = self.otlp_ca.clone();
        Ok(url.map(|url| TraceSettings { url, headers, ca, resource, ratio, followed_per_second }))
    }
}

fn url_of(text: &str) -> Result<Url, ()> {
    let mut url = Url::parse(text).map_err(|_| ())?;
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
        return Err(());
    }
    let path = url.path().trim_end_matches('/');
    if !path.ends_with(PATH) {
        let path = format!("{path}{PATH}");
        url.set_path(&path);
    }
    Ok(url)
}

fn headers_of(text: &str) -> Option<Vec<Header>> {
    pairs(text)?.into_iter().map(|(name, value)| header(&name, &value)).collect()
}

/// `name=value` pairs, with commas between them and percent-encoded values (as in `OTEL_EXPORTER_OTLP_HEADERS`).
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split(',').map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let name = name.trim();
        (!name.is_empty()).then(|| (name.to_owned(), value.into_owned()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_otlp_is_added_once() {
        for (given, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://a.example/", "https://a.example/v1/traces"),
            ("https://a.example/otlp/", "https://a.example/otlp/v1/traces"),
            ("https://[::1]:1/v1/traces", "https://[::1]:1/v1/traces"),
        ] {
            assert_eq!(url_of(given).unwrap().as_str(), url);
        }
        for bad in ["", "127.0.0.1:4318", "ftp://a", "http://user:secret@a", "http://a/?key=secret", "http://a/#b"] {
            assert_eq!(url_of(bad), Err(()), "{bad}");
        }
    }

    #[test]
    fn headers_are_pairs_whose_values_are_decoded() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("authorization=Bearer%20a, x-team = b=c"),
            Some(vec![pair("authorization", "Bearer a"), pair("x-team", "b=c")])
        );
        assert_eq!((pairs("a"), pairs("=b"), pairs("a=b,")), (None, None, None));
    }

    fn problems(headers: &str, resource: &str) -> Vec<String> {
        let text = |text: &str| Some(text.to_owned());
        let flags = TracesFlags {
            otlp_endpoint: text("http://127.0.0.1:4318"),
            otlp_headers: text(headers),
            otlp_ca: None,
            otlp_resource: text(resource),
            trace_ratio: "1".to_owned(),
            trace_followed_per_second: "0".to_owned(),
        };
        flags.validate().map_or_else(|problems| problems.0, |_| Vec::new())
    }

    #[test]
    fn headers_that_break_the_request_and_repeated_attributes_are_refused() {
        assert_eq!(problems("x-team=a,x-team=b", "service.name=a,service.version=b"), Vec::<String>::new());
        for header in ["Host=a", "x-team=a,content-length=1", "Transfer-Encoding=chunked", "connection=close"] {
            let problems = problems(header, "a=b");
            assert_eq!(
                problems,
                [
                    "--otlp-headers must not contain host, content-length, transfer-encoding, connection: the server sets them."
                ]
            );
        }
        assert_eq!(
            problems("a=b", "service.name=a,b=c,service.name=a"),
            ["--otlp-resource must contain service.name only once."]
        );
    }
}
