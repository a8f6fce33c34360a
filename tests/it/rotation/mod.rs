//! Rotation: who wins, what comes back twice, how long the old value works, and what a crash leaves.

mod brown_out;
mod crash;
mod due_soon;
mod endpoints;
mod idempotency;
mod leak;
mod overlap;
mod rehearse;
mod reuse;
mod revive;
mod rotate;
mod rotate_many;
mod rotate_optimistically;
mod still_in_use;
mod when_silent;
mod when_silent_stepped;
