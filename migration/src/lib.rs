//! The schema of Rotakey's database, one step a file. Steps are run at start, in order, each once; a released step never
//! changes.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m0001_tokens;
mod m0002_change;
mod m0003_logged_change;
mod m0004_listing_indexes;
mod m0005_retired_values;

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
            Box::new(m0004_listing_indexes::Migration),
            Box::new(m0005_retired_values::Migration),
        ]
    }
}
