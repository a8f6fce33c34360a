//! Sending one mail.

use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::outgoing::Resolve;
use crate::tls::Connector;

use super::error::{Error, Status};
use super::message::Mail;
use super::server::MailServer;

/// How mails are sent. Clones share all of it.
#[derive(Clone)]
pub struct Client {
    /// The mail server.
    pub server: Arc<MailServer>,
    /// Where the addresses of names come from.
    pub resolver: Arc<dyn Resolve>,
    /// The TLS of encrypted connections.
    pub tls: Connector,
    /// The name of this machine.
    pub host: Option<String>,
    /// How long everything may take, from the lookup of the name to the last answer.
    pub timeout: Duration,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client(…)")
    }
}

impl Client {
    /// Sends a mail. If the server has it although this fails, it gets it twice with the same `Message-ID`.
    ///
    /// # Errors
    /// When the server did not say in time that it has the mail.
    pub async fn send(&self, mail: &Mail<'_>) -> Result<(), Error> {
        let (to, message) = mail.message(&self.server.from)?;
        let sent = self.send_message(to, &message);
        timeout(self.timeout, sent).await.unwrap_or(Err(Error::TimedOut(self.timeout)))
    }

    async fn send_message(&self, to: Address, message: &[u8]) -> Result<(), Error> {
        let mut connection =
            super::connect::connect(&self.server, self.resolver.as_ref(), &self.tls, self.host.as_deref()).await?;
        if let Some((user, password)) = &self.server.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            signed_in.map_err(|err| match status(&err) {
                None if err.is_client() => Error::NoAuthentication,
                None => Error::Protocol,
                status => Error::Authentication(Status(status)),
            })?;
        }
        // Whoever runs the server can mend what is wrong with the sender.
        let from = self.server.from.email.clone();
        connection.command(MailFrom::new(Some(from), Vec::new())).await.map_err(|err| not_accepted(&err))?;
        connection.command(Rcpt::new(to, Vec::new())).await.map_err(|err| refused(&err))?;
        connection.command(Data).await.map_err(|err| refused(&err))?;
        connection.message(message).await.map_err(|err| refused(&err))?;
        // The server has the mail, whatever follows.
        quit(&mut connection).await;
        Ok(())
    }
}

/// Says goodbye, but does not wait for long.
async fn quit(connection: &mut AsyncSmtpConnection) {
    const QUIT_TIMEOUT: Duration = Duration::from_secs(1);
    let _ = timeout(QUIT_TIMEOUT, connection.quit()).await;
}

fn status(err: &lettre::transport::smtp::Error) -> Option<u16> {
    err.status().map(Into::into)
}

fn not_accepted(err: &lettre::transport::smtp::Error) -> Error {
    status(err).map_or(Error::Protocol, |status| Error::NotAccepted(Status(Some(status))))
}

fn refused(err: &lettre::transport::smtp::Error) -> Error {
    if err.is_permanent() { Error::Refused(Status(status(err))) } else { not_accepted(err) }
}
