//! Executes requests: from a request to its answer, or to the answers of a subscription.

pub(crate) mod answer;
pub(crate) mod execute;
pub(crate) mod ready;
pub(crate) mod request;
pub(crate) mod size;
pub(crate) mod subscriptions;
pub(crate) mod written;
