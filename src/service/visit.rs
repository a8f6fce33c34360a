//! The request in which a value is presented: what of it the judgement and the audit log need.
//!
//! Separate, because a value also comes by way of somebody who asks about it.

use crate::domain::audit::Provenance;
use crate::domain::id::RequestId;
use crate::domain::restriction::Source;

/// The request in which a value is presented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// Where it comes from.
    pub source: Source,
    /// With which program, as it says itself.
    pub user_agent: Option<String>,
    /// The request's own identity.
    pub request_id: Option<RequestId>,
}

impl Visit {
    pub(super) fn provenance(&self) -> Provenance {
        let address = self.source.address;
        Provenance { address, user_agent: self.user_agent.clone(), request_id: self.request_id }
    }
}
