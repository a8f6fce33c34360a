//! Why a database cannot be used, as messages for the operator: which database, what is wrong, and what to do.

use std::io::ErrorKind;

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::store::Error;

use super::schema::Schema;

/// The message if there are no tables, but some are needed.
pub(super) const MISSING: &str = "it holds no tables of Rotakey. Name the database of your server with --database-url, or start \
                                  the server once, which creates them: rotakey serve";
/// The message for a standby or a read-only server.
pub(in crate::store) const STANDBY: &str = "the server is a standby, or read-only. Name the primary.";
/// The message if a connection pooler has connected to another server.
pub(super) const ELSEWHERE: &str = "another server answers than before, or it is a standby or read-only by now.";

/// The error for this database, whose name comes before the message.
pub(in crate::store) fn unusable(place: &str, words: &str) -> Error {
    Error::Unsuitable(format!("{place}: {words}"))
}

/// What is wrong with the tables, unless they can be used, migrated or created.
pub(super) fn of_schema(schema: &Schema) -> Option<String> {
    match schema {
        Schema::Missing | Schema::Behind | Schema::Current | Schema::Ahead => None,
        Schema::Newer(migration) => Some(format!(
            "a newer version of Rotakey has changed it ({migration}). Start that version, or a later one; to go back, restore \
             the backup that was made before the change."
        )),
        Schema::Foreign(table) => Some(format!(
            "it holds tables of another program ({table}). Give Rotakey a separate database with --database-url."
        )),
    }
}

/// What is wrong when a statement or a connection failed.
pub(in crate::store) fn of_error(err: &DbErr) -> String {
    match err {
        DbErr::Conn(RuntimeErr::SqlxError(err))
        | DbErr::Exec(RuntimeErr::SqlxError(err))
        | DbErr::Query(RuntimeErr::SqlxError(err)) => of_sqlx_error(err),
        DbErr::ConnectionAcquire(_) => {
            "it did not answer in time. Check that it is running and not overloaded.".to_owned()
        }
        _ => format!("{err}."),
    }
}

/// What is wrong when a connection failed.
pub(super) fn of_sqlx_error(err: &sqlx::Error) -> String {
    match err {
        sqlx::Error::Io(err) => of_io_error(err),
        sqlx::Error::Tls(cause) => format!(
            "no TLS connection could be established ({cause}). Turn on TLS at the server and check its certificate, or choose another \
             sslmode in the URL."
        ),
        sqlx::Error::Protocol(cause) if [STANDBY, ELSEWHERE].contains(&cause.as_str()) => cause.clone(),
        sqlx::Error::Protocol(cause) => {
            format!("the server there does not seem to be PostgreSQL ({cause}). Check the host and the port.")
        }
        sqlx::Error::PoolTimedOut => {
            "it did not answer in time. Check that it is running and not overloaded.".to_owned()
        }
        sqlx::Error::Database(err) => {
            let code = err.code().unwrap_or_default();
            let advice = match code.parse::<u32>() {
                Ok(number) if code.len() < 5 => of_sqlite_code(number),
                _ => of_sqlstate(&code, err.message()),
            };
            advice.map_or_else(|| format!("{err}."), |advice| format!("{advice} ({})", err.message()))
        }
        _ => format!("{err}."),
    }
}

fn of_io_error(err: &std::io::Error) -> String {
    let advice = match err.kind() {
        ErrorKind::InvalidData if err.to_string().contains("peer certificate") => of_certificate(&err.to_string()),
        ErrorKind::ConnectionRefused => {
            "no server accepts connections there. Start PostgreSQL, or check the host and the port."
        }
        ErrorKind::NotFound => "there is no such socket. Start PostgreSQL, or check the folder that is named as host.",
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            "the connection was closed. Check that PostgreSQL answers there, and what its log says."
        }
        // The standard library has no error kind for this.
        _ if err.to_string().contains("lookup") => "the host name cannot be resolved. Check it.",
        _ => "it cannot be reached. Check the host, the port, the network and the firewall.",
    };
    format!("{advice} ({err})")
}

/// Why the driver rejects the certificate of a server. It only has words for that.
fn of_certificate(words: &str) -> &'static str {
    if words.contains("not valid for name") || words.contains("NotValidForName") {
        "the certificate of the server is for another name than the host in the URL. Use a name of the certificate as host, or issue one \
         for this host."
    } else if words.contains("UnknownIssuer") {
        "the certificate of the server is signed by an authority that is not trusted. Name the file of the authority in the URL: \
         sslrootcert=FILE."
    } else if words.contains("xpired") {
        "the certificate of the server has expired. Renew it."
    } else {
        "the certificate of the server cannot be verified. Let an authority issue one for the host in the URL."
    }
}

/// By the primary code, the low byte (SQLite documentation, "Result and Error Codes").
fn of_sqlite_code(code: u32) -> Option<&'static str> {
    Some(match code & 0xff {
        5 | 6 => "another process has locked it. End that process, or wait until it has finished.",
        3 | 8 | 14 => "it cannot be written. Let the user that runs Rotakey write the file and its folder.",
        10 => "reading or writing it failed. Check the disk and the log of the system.",
        11 => "it is damaged. Restore a backup.",
        13 => "the disk is full. Free some space on it.",
        26 => "it is not a SQLite database, or it is encrypted. Name another file with --database-url.",
        _ => return None,
    })
}

/// PostgreSQL documentation, appendix A.
fn of_sqlstate(code: &str, message: &str) -> Option<&'static str> {
    Some(match code {
        "08P01" if message.contains("startup parameter") => {
            "a connection pooler there refuses the options of the startup message. Let it ignore them: for PgBouncer, set \
             ignore_startup_parameters = options."
        }
        "28P01" => "the password is wrong. Check user and password in the URL.",
        "28000" if message.contains("no encryption") => {
            "the server accepts only TLS connections. Add sslmode=require to the URL, or change its pg_hba.conf."
        }
        "28000" => "the server rejects this user. Check the user in the URL, and the server's pg_hba.conf.",
        "3D000" => {
            "the server has no database of this name. Create it (CREATE DATABASE), or check the name in the URL."
        }
        "3F000" => "the user has no schema to create tables in. Create one, or set the search_path of the user.",
        "42501" => {
            "the user lacks a privilege on it. Let the user connect and create tables: GRANT CONNECT ON DATABASE, GRANT CREATE, \
             USAGE ON SCHEMA."
        }
        "53300" => "the server has no free connection. Raise its max_connections, or stop what uses them.",
        "55P03" | "40P01" => {
            "another transaction kept a lock on one of its tables for too long. Wait until it is over, such as a backup by pg_dump, or \
             end it (pg_stat_activity names it). Then start Rotakey again, which goes on from here."
        }
        "57014" => {
            "a statement was cancelled, such as by statement_timeout. Turn that off for the user: ALTER ROLE … SET statement_timeout = 0. \
             Then start Rotakey again, which goes on from here."
        }
        "57P03" => "the server is starting or stopping. Try again in a moment.",
        "25006" => "the server is a standby, or read-only. Name the primary.",
        _ => return None,
    })
}
