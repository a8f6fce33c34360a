//! Values that were issued elsewhere, and imported by their hash: how they are recognised, and how their hash is computed.
//!
//! Such a value has no checksum. So it is looked for only if it matches the pattern of a format that the operator has named. By
//! default there is none.

mod digest;
mod format;
mod formats;
mod name;

pub use digest::{Algorithm, ForeignDigest};
pub use format::{Decoding, ForeignFormat, MalformedFormat, Secret};
pub use formats::{ForeignFormats, MAX_FORMATS, Presentable};
pub use name::FormatName;
