//! The `rotakey` binary: all of it is in the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    rotakey::cli::run().await
}
