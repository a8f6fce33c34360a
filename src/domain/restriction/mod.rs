//! Where a token may be used from (R12), and where a request comes from.

mod cidr;
mod origin;
mod source;
mod trusted_proxies;

pub use cidr::{CidrBlock, CidrBlocks, MAX_CIDR_BLOCKS};
pub use origin::{AllowedOrigins, MAX_ALLOWED_ORIGINS, MAX_ORIGIN_LENGTH};
pub use source::{Source, admit};
pub use trusted_proxies::TrustedProxies;
