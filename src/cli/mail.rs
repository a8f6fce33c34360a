//! From the settings of mail to how it is sent.

use std::sync::Arc;
use std::time::Duration;

use crate::app;
use crate::config::MailSettings;
use crate::mail::Client;
use crate::outgoing::SystemResolver;

/// How long an attempt may take, from the lookup of the name to the last answer. A server may look closely at a mail before it accepts it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How mails are sent, if they are.
pub(super) async fn client(settings: Option<MailSettings>) -> Result<Option<Client>, app::Error> {
    let Some(MailSettings { server, ca }) = settings else { return Ok(None) };
    let tls = app::load_connector("--smtp-ca", ca).await?;
    let resolver = Arc::new(SystemResolver::default());
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    Ok(Some(Client { server: Arc::new(server), resolver, tls, host, timeout: TIMEOUT }))
}
