//! The request in which a value is presented: what of it the judgement and the audit log need.
//!
//! Separate, because a value also comes by way of somebody who asks about it. It borrows what only the audit log needs, because
//! hardly any request has something to tell there.

use crate::domain::audit::Provenance;
use crate::domain::id::RequestId;
use crate::domain::restriction::Source;
use crate::domain::text::plain_line;
use crate::domain::value::redact;

/// The request in which a value is presented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestContext<'a> {
    /// Where it comes from.
    pub source: Source,
    /// With which program, as it says itself: the bytes that it sent.
    pub user_agent: Option<&'a [u8]>,
    /// The request's own identity.
    pub request_id: Option<RequestId>,
}

impl RequestContext<'_> {
    pub(crate) fn provenance(&self) -> Provenance {
        let user_agent = self.user_agent.map(|agent| {
            // It is kept in the audit log, where a value must never be, and shown in one line with others.
            let agent = plain_line(&redact(&String::from_utf8_lossy(agent)));
            agent.chars().take(Provenance::MAX_USER_AGENT_LENGTH).collect()
        });
        Provenance { address: self.source.address, user_agent, request_id: self.request_id }
    }
}
