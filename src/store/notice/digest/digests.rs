//! Mail digests: adding, changing, reading and deleting them.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::domain::id::MailDigestId;
use crate::domain::notice::MailDigest;
use crate::domain::timestamp::Timestamp;
use crate::store::entity::mail_digest::{ActiveModel, Column, Entity};
use crate::store::{Error, Store, Transaction};

use super::row;

impl Store {
    /// The mail digest of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mail_digest(&self, id: MailDigestId) -> Result<Option<MailDigest>, Error> {
        Entity::find_by_id(id.to_string()).one(&self.read).await?.map(row::digest).transpose()
    }

    /// The oldest mail digests, or those after this one, and whether there are more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mail_digests(&self, after: Option<MailDigestId>, size: u32) -> Result<(Vec<MailDigest>, bool), Error> {
        let mut wanted = Entity::find();
        if let Some(after) = after {
            wanted = wanted.filter(Column::Id.gt(after.to_string()));
        }
        let rows = wanted.order_by_asc(Column::Id).limit(u64::from(size) + 1).all(&self.read).await?;
        let mut digests = rows.into_iter().map(row::digest).collect::<Result<Vec<_>, _>>()?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = digests.len() > size;
        digests.truncate(size);
        Ok((digests, more))
    }

    /// The mail digests that are due, those that wait longest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_mail_digests(&self, now: Timestamp) -> Result<Vec<MailDigestId>, Error> {
        let due = Entity::find().select_only().column(Column::Id).filter(Column::DueAt.lte(now.unix_millis()));
        let ids: Vec<String> =
            due.order_by_asc(Column::DueAt).order_by_asc(Column::Id).into_tuple().all(&self.read).await?;
        let unreadable = |id: String| Error::Unreadable(format!("mail_digest {id}: id"));
        ids.into_iter().map(|id| MailDigestId::parse(&id).ok_or_else(|| unreadable(id))).collect()
    }
}

impl Transaction {
    /// How many mail digests there are. None is added by others while this transaction runs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_mail_digests(&self) -> Result<u64, Error> {
        if self.connection().get_database_backend() == DbBackend::Postgres {
            // Notices are written meanwhile.
            self.connection().execute_unprepared("LOCK TABLE mail_digest IN SHARE ROW EXCLUSIVE MODE").await?;
        }
        Ok(Entity::find().count(self.connection()).await?)
    }

    /// Adds a mail digest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_mail_digest(&self, digest: &MailDigest) -> Result<(), Error> {
        Entity::insert(row::row(digest)).exec_without_returning(self.connection()).await?;
        Ok(())
    }

    /// Locks and reads a mail digest. Notices for it are written meanwhile: no revocation waits for this.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_mail_digest_to_change(&self, id: MailDigestId) -> Result<Option<MailDigest>, Error> {
        let mut found = Entity::find_by_id(id.to_string());
        if self.connection().get_database_backend() == DbBackend::Postgres {
            found = found.lock(LockType::NoKeyUpdate);
        }
        found.one(self.connection()).await?.map(row::digest).transpose()
    }

    /// Writes the settings of a mail digest, and when it is due. If its mail begins anew, what becomes of an attempt that is on its way is not
    /// noted, and the same mail is sent for another three days.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_mail_digest(&self, digest: &MailDigest, begins_anew: bool) -> Result<(), Error> {
        let mut change = row::changed(digest);
        if begins_anew {
            change = ActiveModel { claim: Set(None), first_attempt_at: Set(None), ..change };
        }
        let id = digest.id.to_string();
        Entity::update_many().set(change).filter(Column::Id.eq(id)).exec(self.connection()).await?;
        Ok(())
    }

    /// Makes a mail digest due at once, unless its mail is on its way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn make_mail_digest_due(&self, id: MailDigestId, now: Timestamp) -> Result<(), Error> {
        let due = ActiveModel { due_at: Set(now.unix_millis()), ..Default::default() };
        let change = Entity::update_many().set(due).filter(Column::Id.eq(id.to_string()));
        change.filter(Column::Claim.is_null()).exec(self.connection()).await?;
        Ok(())
    }

    /// Deletes a mail digest with the notices that are left; on PostgreSQL, what writes notices waits meanwhile. Returns whether there was
    /// one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_mail_digest(&self, id: MailDigestId) -> Result<bool, Error> {
        Ok(Entity::delete_by_id(id.to_string()).exec(self.connection()).await?.rows_affected > 0)
    }
}
