//! Walking along the order of a listing, and where a page stops if it has found too little by then.

pub(super) mod horizon;
pub(super) mod range;
