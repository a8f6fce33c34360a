//! `rotakey retire-values`: retires the values that work again because an older backup was restored.

use std::io::Write;

use crate::app;
use crate::config::{RetireValuesFlags, Sources};
use crate::service::{Policy, RetiredValues};

use crate::cli::clock_and_entropy::system;
use crate::cli::error::Error;

pub(crate) async fn run(flags: &RetireValuesFlags, sources: &Sources) -> Result<(), Error> {
    let (database_url, issued_before) = sources.check(flags.validate())?;
    let (clock, entropy) = system();
    let service = app::open_existing(&database_url, clock, entropy, Policy::default()).await?;
    let retired = service.retire_values(issued_before).await?;
    report_retired(retired)?;
    service.close().await.map_err(app::Error::Closing)?;
    Ok(())
}

/// Prints what was retired.
pub(super) fn report_retired(retired: RetiredValues) -> Result<(), std::io::Error> {
    let RetiredValues { values, tokens_without_value } = retired;
    writeln!(
        std::io::stdout(),
        "Retired {values} values. {tokens_without_value} tokens have no value that a client knows, until you rotate them by their id."
    )
}
