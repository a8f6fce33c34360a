//! The schema of Rotakey's database, one step a file. Steps are run at start, in order, each once; a released step never
//! changes.
//!
//! Each step is a separate transaction, and replicas of the previous version keep serving in the meantime. So a step that blocks
//! reads of a table (`ALTER TABLE`, `DROP INDEX`) does nothing that takes long, and no step blocks changes to two tables, which
//! could deadlock. An index of a large table is built before its step, without blocking changes: see [`ConcurrentIndex`].
//!
//! From m0012 on, the name of a step ends in the oldest version that can use the database after it, such as
//! `m0012_contact_usable_from_m0011`: one that knows all steps up to m0011.

pub use compatibility::{is_usable_after, oldest_user};
pub use concurrent_index::{ConcurrentIndex, IndexState, index_before};
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod compatibility;
mod concurrent_index;
mod m0001_tokens;
mod m0002_change;
mod m0003_logged_change;
mod m0004_swept_status;
mod m0005_overdue_at;
mod m0006_swept;
mod m0007_token_indexes;
mod m0008_value_indexes;
mod m0009_event_indexes;
mod m0010_name_search;
mod m0011_old_event_indexes;
mod m0012_value_use;
mod m0013_suspended_at;
mod m0014_suspended_index;
mod m0015_not_before;
mod m0016_not_before_index;
mod m0017_event_reason;
mod m0018_metadata;
mod m0019_silence;
mod m0020_silence_index;
mod m0021_sort_keys;
mod m0022_unsorted_index;
mod m0023_missed_rotation;
mod m0024_grants;
mod m0025_text_search;
mod m0026_text_search_name;
mod m0027_webhooks;
mod m0028_foreign_value;
mod m0029_rotation_campaign;
mod m0030_rotation_period_index;
mod m0031_brown_out;
mod m0032_pending_delivery_index;
mod m0034_mail_digests;
mod m0035_on_leak;
mod statements;

/// All steps, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_tokens::Migration),
            Box::new(m0002_change::Migration),
            Box::new(m0003_logged_change::Migration),
            Box::new(m0004_swept_status::Migration),
            Box::new(m0005_overdue_at::Migration),
            Box::new(m0006_swept::MIGRATION),
            Box::new(m0007_token_indexes::MIGRATION),
            Box::new(m0008_value_indexes::MIGRATION),
            Box::new(m0009_event_indexes::MIGRATION),
            Box::new(m0010_name_search::Migration),
            Box::new(m0011_old_event_indexes::MIGRATION),
            Box::new(m0012_value_use::Migration),
            Box::new(m0013_suspended_at::MIGRATION),
            Box::new(m0014_suspended_index::MIGRATION),
            Box::new(m0015_not_before::MIGRATION),
            Box::new(m0016_not_before_index::MIGRATION),
            Box::new(m0017_event_reason::Migration),
            Box::new(m0018_metadata::Migration),
            Box::new(m0019_silence::Migration),
            Box::new(m0020_silence_index::MIGRATION),
            Box::new(m0021_sort_keys::Migration),
            Box::new(m0022_unsorted_index::MIGRATION),
            Box::new(m0023_missed_rotation::Migration),
            Box::new(m0024_grants::Migration),
            Box::new(m0025_text_search::Migration),
            Box::new(m0026_text_search_name::Migration),
            Box::new(m0027_webhooks::Migration),
            Box::new(m0028_foreign_value::Migration),
            Box::new(m0029_rotation_campaign::Migration),
            Box::new(m0030_rotation_period_index::MIGRATION),
            Box::new(m0031_brown_out::Migration),
            Box::new(m0032_pending_delivery_index::MIGRATION),
            Box::new(m0034_mail_digests::Migration),
            Box::new(m0035_on_leak::Migration),
        ]
    }
}
