//! The `rotakey` binary. All of its code is in the library.

use std::process::ExitCode;

/// A request makes dozens of short-lived allocations, which is what mimalloc is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rotakey::cli::run()
}
