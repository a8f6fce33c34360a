//! The context of a request in which a value is presented: what the judgement and the audit log need to know about it.
//!
//! It borrows what only the audit log needs, because few requests are recorded there.

use crate::domain::audit::Provenance;
use crate::domain::id::RequestId;
use crate::domain::restriction::Source;
use crate::domain::text::plain_line;
use crate::domain::value::redact;

/// The context of a request in which a value is presented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestContext<'a> {
    /// Where the value was presented from.
    pub source: Source,
    /// The `User-Agent` header, as it was sent.
    pub user_agent: Option<&'a [u8]>,
    /// The id of the request.
    pub request_id: Option<RequestId>,
}

impl RequestContext<'_> {
    pub(crate) fn provenance(&self) -> Provenance {
        let user_agent = self.user_agent.map(|agent| {
            // The audit log keeps it, so it must not contain a value, and must be one line.
            let agent = plain_line(&redact(&String::from_utf8_lossy(agent)));
            agent.chars().take(Provenance::MAX_USER_AGENT_LENGTH).collect()
        });
        Provenance { address: self.source.address, user_agent, request_id: self.request_id }
    }
}
