//! The use cases of tokens, one a file, and the types that they return.

mod create;
mod cut_off;
mod paging;
mod read;
mod revive;
mod rotate;
mod rotate_many;
mod update;
mod view;

pub use create::CreateRequest;
pub use cut_off::{Revocations, RevokeManyRequest};
pub use paging::{Connection, PageRequest, cursor};
pub(crate) use paging::{broken_cursor, end_and_size, neighbours};
pub use revive::ReviveRequest;
pub use rotate::RotateRequest;
pub use rotate_many::{MAX_ROTATIONS, RotateManyRequest, RotationOutcome, Rotations};
pub use view::{Issued, View};
pub(crate) use view::{drop_ended_overlap, token_id};
