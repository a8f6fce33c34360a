//! The servers in a PostgreSQL URL: one, or several that are tried in turn, in the syntax of libpq (PostgreSQL documentation,
//! "Specifying Multiple Hosts"): `postgres://USER@HOST:PORT,HOST:PORT/NAME?target_session_attrs=read-write`.
//!
//! The driver supports only one host. No message here quotes the URL, because it may contain a password.

use sea_orm::sqlx::postgres::PgConnectOptions;

use crate::store::Error;

use super::tls::{check_files, check_mode};

const UNREADABLE: &str = "at this URL, which cannot be read. Write it as postgres://USER:PASSWORD@HOST:PORT/NAME, and percent-encode \
                          everything but letters and digits in a password, such as %40 for @ and %2F for /. Several hosts are separated \
                          by commas.";
const WANTED: &str = "at this URL, whose target_session_attrs must be read-write, primary or any: Rotakey needs the server that may \
                      write, and finds out which that is.";

/// How to connect to each server, in the order in which they are tried.
pub(super) fn parse(url: &str) -> Result<Vec<PgConnectOptions>, Error> {
    let unreadable = || Error::Unsuitable(UNREADABLE.to_owned());
    let (scheme, rest) = url.split_once("://").ok_or_else(unreadable)?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
    let rest = without_target(rest)?;
    if let Some((_, query)) = rest.split_once('?') {
        check_mode(query)?;
        check_files(query)?;
    }
    let connect_options = |host: &str| {
        let at = user.map_or_else(String::new, |user| format!("{user}@"));
        let options = format!("{scheme}://{at}{host}{rest}").parse().map_err(|_| unreadable())?;
        if is_whole(&options) { Ok(options) } else { Err(unreadable()) }
    };
    let several = hosts.contains(',');
    let hosts = hosts.split(',');
    hosts.map(|host| if several && host.is_empty() { Err(unreadable()) } else { connect_options(host) }).collect()
}

/// Whether no character of the password was mistaken for the end of the host.
fn is_whole(options: &PgConnectOptions) -> bool {
    !options.get_database().unwrap_or_default().contains(['@', '/']) && !options.get_host().contains('@')
}

/// The path and the query without `target_session_attrs`. The values that ask for a server that may write all mean the same here.
fn without_target(rest: &str) -> Result<String, Error> {
    let Some((path, query)) = rest.split_once('?') else { return Ok(rest.to_owned()) };
    let mut kept = Vec::new();
    for parameter in query.split('&') {
        match parameter.strip_prefix("target_session_attrs=") {
            None => kept.push(parameter),
            Some("read-write" | "primary" | "any") => {}
            Some(_) => return Err(Error::Unsuitable(WANTED.to_owned())),
        }
    }
    Ok(if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Vec<(String, u16)> {
        let options = parse(url).unwrap();
        options.iter().map(|options| (options.get_host().to_owned(), options.get_port())).collect()
    }

    #[test]
    fn every_host_of_a_url_is_named_with_all_else_the_same() {
        let one = |host: &str, port| (host.to_owned(), port);
        assert_eq!(hosts("postgres://u@db/name"), [one("db", 5432)]);
        assert_eq!(hosts("postgresql://a,b:5433/name"), [one("a", 5432), one("b", 5433)]);
        assert_eq!(
            hosts("postgres://u:p%2C@a:1,10.0.0.1:2,[::1]:3/name?target_session_attrs=read-write&sslmode=disable"),
            [one("a", 1), one("10.0.0.1", 2), one("[::1]", 3)]
        );
        for options in parse("postgres://user:a%2Cb@a:1,b:2/name?target_session_attrs=any&application_name=x").unwrap()
        {
            assert_eq!((options.get_username(), options.get_database()), ("user", Some("name")));
            assert_eq!(options.get_application_name(), Some("x"));
        }
        let sockets = parse("postgres://u@%2Frun%2Fa,%2Frun%2Fb/name").unwrap();
        let sockets: Vec<_> = sockets.iter().map(|options| options.get_socket().unwrap().to_str().unwrap()).collect();
        assert_eq!(sockets, ["/run/a", "/run/b"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_the_password() {
        for url in [
            "postgres://u:secret@a,/name",
            "postgres://u:secret@a:x,b/name",
            "postgres://u:secret@a:1:2/name",
            "postgres:u:secret@a/name",
            "postgres://u:secret@a/name?target_session_attrs=standby",
            "postgres://u:secret@a/name?target_session_attrs=prefer-standby",
        ] {
            let err = parse(url).unwrap_err().to_string();
            assert!(!err.contains("secret") && err.ends_with('.'), "{url}: {err}");
        }
    }
}
