//! Addresses of servers, for people.

use sea_orm::sqlx::postgres::PgConnectOptions;

/// Hosts, ports and name.
pub(super) fn place(servers: &[PgConnectOptions]) -> String {
    let addresses: Vec<_> = servers.iter().map(address).collect();
    let database = servers.first().and_then(PgConnectOptions::get_database).unwrap_or_default();
    format!("{}/{database}", addresses.join(","))
}

/// The host and the port of a server, or the folder of its socket and the port.
pub(super) fn address(server: &PgConnectOptions) -> String {
    match server.get_socket() {
        Some(folder) => format!("{}:{}", folder.display(), server.get_port()),
        None => format!("{}:{}", server.get_host(), server.get_port()),
    }
}
