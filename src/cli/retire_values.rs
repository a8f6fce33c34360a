//! `rotakey retire-values`: retires the values that work again because an older backup was restored.

use std::io::Write;

use crate::app;
use crate::config::RetireValuesFlags;
use crate::service::Policy;

use super::clock_and_entropy::system;
use super::error::Error;

pub(super) async fn run(flags: &RetireValuesFlags) -> Result<(), Error> {
    let (database_url, issued_before) = flags.validate()?;
    let (clock, entropy) = system();
    let service = app::open_existing(&database_url, clock, entropy, Policy::default()).await?;
    let retired = service.retire_values(issued_before).await?;
    writeln!(
        std::io::stdout(),
        "Retired {} values. {} tokens have no value that a client knows, until you rotate them by their id.",
        retired.values,
        retired.tokens_without_value
    )?;
    service.close().await.map_err(app::Error::Closing)?;
    Ok(())
}
