//! `rotakey bootstrap`: creates an admin token, also if the first one is lost.

use std::io::Write;

use crate::app;
use crate::config::{DatabaseFlags, Sources};
use crate::service::Policy;

use crate::cli::clock_and_entropy::system;
use crate::cli::error::Error;

pub(crate) async fn run(flags: &DatabaseFlags, sources: &Sources) -> Result<(), Error> {
    let (clock, entropy) = system();
    let service = app::open_existing(&sources.check(flags.validate())?, clock, entropy, Policy::default()).await?;
    let issued = service.bootstrap().await?;
    writeln!(std::io::stdout(), "{}", issued.value.expose())?;
    service.close().await.map_err(app::Error::Closing)?;
    Ok(())
}
