//! The flags of `healthcheck`.

use std::path::PathBuf;

use clap::Args;

use crate::config::listen::{Listen, MalformedListen};
use crate::config::problems::Problems;

/// The flags of `healthcheck`, which are those of the server that it asks.
#[derive(Args, Clone, Debug)]
pub struct HealthCheckFlags {
    /// The address or host name and the port of the server
    #[arg(long, env = "ROTAKEY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The address or name and port of its metrics; if it is set, this one is asked
    #[arg(long, env = "ROTAKEY_METRICS_LISTEN")]
    pub metrics_listen: Option<String>,
    /// The certificate of the server. With it, --listen speaks HTTPS, and only --metrics-listen can be asked
    #[arg(long, env = "ROTAKEY_TLS_CERTIFICATE", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
}

impl HealthCheckFlags {
    /// Where to ask for `/readyz`.
    ///
    /// # Errors
    /// What is wrong.
    pub fn validate(&self) -> Result<Listen, Problems> {
        let (flag, text) = match &self.metrics_listen {
            Some(text) => ("--metrics-listen", text),
            None if self.tls_certificate.is_some() => {
                let problem = "With --tls-certificate, --listen speaks HTTPS. Set --metrics-listen, which healthcheck asks by plain HTTP.";
                return Err(Problems(vec![problem.to_owned()]));
            }
            None => ("--listen", &self.listen),
        };
        let listen: Listen = text
            .parse()
            .map_err(|malformed: MalformedListen| Problems(vec![format!("{flag} must be {malformed}.")]))?;
        if listen.takes_any_port() {
            return Err(Problems(vec![format!("{flag} must name the port of the server, and 0 means any.")]));
        }
        Ok(listen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_metrics_is_asked_if_there_is_one() {
        let asked_of = |listen: &str, metrics_listen: Option<&str>, tls_certificate| {
            let metrics_listen = metrics_listen.map(str::to_owned);
            let flags = HealthCheckFlags { listen: listen.to_owned(), metrics_listen, tls_certificate };
            flags.validate().map(|listen| listen.to_string()).map_err(|Problems(problems)| problems.concat())
        };
        let asked = |listen: &str, metrics_listen: Option<&str>| asked_of(listen, metrics_listen, None);
        let certificate = Some(PathBuf::from("certificate.pem"));
        assert!(asked_of("8080", None, certificate.clone()).unwrap_err().contains("Set --metrics-listen"));
        assert_eq!(asked_of("8080", Some("8081"), certificate).unwrap(), "127.0.0.1:8081");
        assert_eq!(asked("8080", None).unwrap(), "127.0.0.1:8080");
        assert_eq!(asked("8080", Some("[::]:9090")).unwrap(), "[::]:9090");
        assert!(asked("8080", Some("here")).unwrap_err().starts_with("--metrics-listen must be an address"));
        assert!(asked("0.0.0.0:0", None).unwrap_err().starts_with("--listen must name the port"));
    }
}
