//! The `rotakey` binary: all of it is in the library.

use std::process::ExitCode;

/// A request asks for memory some dozens of times, and gives all of it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    rotakey::cli::run().await
}
