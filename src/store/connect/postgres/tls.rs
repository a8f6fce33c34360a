//! TLS to PostgreSQL: the files that the URL names, and whether the identity of a server is verified.

use std::fs::File;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::store::Error;

use super::address::address;

/// The parameters of a URL that name files, as the driver knows them.
const FILES: [&str; 7] = ["sslrootcert", "ssl-root-cert", "ssl-ca", "sslcert", "ssl-cert", "sslkey", "ssl-key"];
/// A certificate itself, which the driver accepts in place of a file.
const PEM: &str = "-----BEGIN";

/// The names of the parameter for the mode, and its values.
const MODE: [&str; 2] = ["sslmode", "ssl-mode"];
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Fails if this query asks for a mode that does not exist. The driver would only say that it cannot read the URL.
pub(super) fn check_mode(query: &str) -> Result<(), Error> {
    let parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    for (name, value) in parameters.filter(|(name, _)| MODE.contains(name)) {
        let mode = percent_decode_str(value).decode_utf8_lossy().to_ascii_lowercase();
        if !MODES.contains(&mode.as_str()) {
            let modes = MODES.join(", ");
            return Err(Error::Unsuitable(format!("at this URL, whose {name} must be one of {modes}.")));
        }
    }
    Ok(())
}

/// Fails if a file that this query names cannot be read. The driver would only say so after connecting, without its name.
pub(super) fn check_files(query: &str) -> Result<(), Error> {
    let parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    for (name, value) in parameters.filter(|(name, _)| FILES.contains(name)) {
        let path = percent_decode_str(value).decode_utf8_lossy();
        if path.trim_start().starts_with(PEM) {
            continue;
        }
        File::open(path.as_ref()).map_err(|cause| {
            Error::Unsuitable(format!("at this URL, whose {name} cannot be read ({path}): {cause}. Name a PEM file."))
        })?;
    }
    Ok(())
}

/// Warns of each server that another machine on the network could pose as.
pub(super) fn warn_of_unverified(servers: &[PgConnectOptions]) {
    for server in servers.iter().filter(|server| !is_verified(server)) {
        let server = address(server);
        tracing::warn!(
            name: "database_connection_unverified",
            %server,
            "the connection to the database is not verified, so an attacker on the network can impersonate it; add sslmode=verify-full to the \
             URL and, if the authority is your own, sslrootcert=FILE"
        );
    }
}

/// Whether only the machine of this name can answer. Only the strictest mode ensures it: the driver adds `sslrootcert` to the public
/// authorities instead of replacing them, so without the name (`verify-ca`) any certificate that they issue to anyone would do.
fn is_verified(server: &PgConnectOptions) -> bool {
    server.get_socket().is_some()
        || is_loopback(server.get_host())
        || matches!(server.get_ssl_mode(), PgSslMode::VerifyFull)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    // A path is the folder of a socket.
    host == "localhost" || host.starts_with('/') || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_verified_and_local_servers_are_trusted() {
        for (url, verified) in [
            ("postgres://u@db/name", false),
            ("postgres://u@db/name?sslmode=disable", false),
            ("postgres://u@db/name?sslmode=allow", false),
            ("postgres://u@db/name?sslmode=prefer", false),
            ("postgres://u@db/name?sslmode=require", false),
            ("postgres://u@db/name?sslmode=verify-ca", false),
            ("postgres://u@db/name?sslmode=verify-full", true),
            ("postgres://u@10.0.0.1/name", false),
            ("postgres://u@localhost/name", true),
            ("postgres://u@127.0.0.1/name", true),
            ("postgres://u@[::1]/name", true),
            ("postgres://u@%2Frun%2Fpostgresql/name", true),
        ] {
            assert_eq!(is_verified(&url.parse().unwrap()), verified, "{url}");
        }
    }

    #[test]
    fn a_mode_that_does_not_exist_is_refused_with_those_that_do() {
        let err = check_mode("application_name=x&sslmode=verify").unwrap_err().to_string();
        assert!(err.contains("whose sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full"));
        for mode in MODES.into_iter().chain(["VERIFY-FULL", "verify%2Dfull"]) {
            assert!(format!("postgres://u@db/name?sslmode={mode}").parse::<PgConnectOptions>().is_ok(), "{mode}");
            assert!(check_mode(&format!("sslmode={mode}")).is_ok(), "{mode}");
        }
        assert!(check_mode("sslrootcert=/sslmode").is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_parameter() {
        for name in FILES {
            let err = check_files(&format!("sslmode=verify-full&{name}=%2Fnot%2Fthere.pem")).unwrap_err().to_string();
            assert!(err.contains(&format!("whose {name} cannot be read (/not/there.pem)")), "{err}");
        }
        assert!(
            check_files("sslmode=verify-full&application_name=x&sslrootcert=-----BEGIN%20CERTIFICATE-----").is_ok()
        );
    }
}
