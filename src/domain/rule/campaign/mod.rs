//! A rotation campaign: a dated order to rotate all tokens that match a filter. Its tokens are fixed once it is prepared, and what has
//! become of each is derived from the facts, so that the report can say that nothing was left out.

mod counts;
mod cut_off;
mod facts;
mod state;

pub use counts::Counts;
pub use cut_off::{CutOff, cut_off, refusal_if_waiting};
pub use facts::{AtDeadline, Campaign, CampaignDraft, CampaignStatus, End, EndReason, MAX_OPEN_CAMPAIGNS, Step};
pub use state::{State, generation_at_start, state};
