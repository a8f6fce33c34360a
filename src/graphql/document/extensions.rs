//! The end of a response: what it says besides data and errors, in `extensions` (GraphQL, section 7.1).

use crate::domain::timestamp::Timestamp;

/// Ends the object of a response, which has data or errors. If the caller's token must be rotated soon, `extensions.rotateBy` says until when.
pub(crate) fn end_response(rotate_soon_by: Option<Timestamp>, body: &mut Vec<u8>) {
    if let Some(rotate_by) = rotate_soon_by {
        body.extend_from_slice(format!(r#","extensions":{{"rotateBy":"{rotate_by}"}}"#).as_bytes());
    }
    body.push(b'}');
}
