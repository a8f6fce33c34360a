//! The check of histories, on histories written by hand. `model::histories` has those of the model.

mod faulty;
mod good;
mod reuse_and_retirement;
