//! How a partition is detached, dropped and attached again, whatever came of earlier tries.

use ostler_api::document::RetentionItem;
use ostler_api::retention::{Pace, TableName};
use ostler_operations::Step;
use ostler_postgres::Type;
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::Postgres;
use super::catalogue::CONCURRENTLY;
use super::patience::Patience;
use super::statement::{fill, quoted};
use crate::Database;
use crate::strategy::Target;

/// How a partition stands to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Attached,
    /// Somebody began to detach it and did not end.
    Detaching,
    Detached,
}

/// What `standing.sql` says.
pub(super) struct Found {
    pub table: TableName,
    pub standing: Standing,
    bounds: String,
    /// Whether the parent has a default partition.
    pub has_default: bool,
    /// Whether it can be detached while others work.
    concurrently: bool,
}

/// The statement that detaches.
pub(super) fn statement(concurrently: bool, parent: &TableName, partition: &TableName) -> String {
    let template = match concurrently {
        true => include_str!("queries/detach_concurrently.sql"),
        false => include_str!("queries/detach.sql"),
    };
    named(template, parent, partition)
}

/// The statement that ends a detachment which was begun.
pub(super) fn finalize_statement(parent: &TableName, partition: &TableName) -> String {
    named(include_str!("queries/detach_finalize.sql"), parent, partition)
}

/// The statement that drops.
pub(super) fn drop_statement(partition: &TableName) -> String {
    fill(
        include_str!("queries/drop.sql"),
        &[("partition", &quoted(partition))],
    )
}

/// The statement that attaches.
pub(super) fn attach_statement(parent: &TableName, partition: &TableName, bounds: &str) -> String {
    let (parent, partition) = (quoted(parent), quoted(partition));
    let places = [
        ("parent", parent.as_str()),
        ("partition", &partition),
        ("bounds", bounds),
    ];
    fill(include_str!("queries/attach.sql"), &places)
}

fn named(template: &str, parent: &TableName, partition: &TableName) -> String {
    let (parent, partition) = (quoted(parent), quoted(partition));
    fill(template, &[("parent", &parent), ("partition", &partition)])
}

impl Postgres {
    /// How the partition stands now, by the id that the plan has.
    pub(super) async fn find(&self, target: &Target) -> Result<Option<Found>, ostler_postgres::Error> {
        let Target::Partition { id, parent_id, .. } = target else {
            return Ok(None);
        };
        let parameters = [(id as _, Type::OID), (parent_id as _, Type::OID)];
        let rows = self
            .session
            .query(include_str!("queries/standing.sql"), &parameters)
            .await?;
        Ok(rows.first().map(|row| Found {
            table: TableName {
                schema: row.get(0),
                name: row.get(1),
            },
            standing: match (row.get(2), row.get(3)) {
                (false, _) => Standing::Detached,
                (true, true) => Standing::Detaching,
                (true, false) => Standing::Attached,
            },
            bounds: row.get(4),
            has_default: row.get(5),
            concurrently: row.get::<_, i32>(6) >= CONCURRENTLY && !row.get::<_, bool>(5),
        }))
    }

    /// Whether the partition is still what the plan says.
    pub(super) async fn look_at_partition(
        &self,
        item: &RetentionItem,
        target: &Target,
    ) -> Result<bool, Failure> {
        let Target::Partition { parent, bounds, .. } = target else {
            return Ok(false);
        };
        let changed = |what: String| {
            Err(Failure::new(
                ErrorKind::Conflict,
                format!("it has changed since the plan: {what}"),
            ))
        };
        match self.find(target).await? {
            None => Ok(false),
            Some(found) if found.table != item.table => changed(format!("its name is {}", found.table)),
            Some(found) if found.standing == Standing::Detached => {
                changed(format!("it is no partition of {parent}"))
            }
            Some(found) if found.bounds != *bounds => changed(format!("its bounds are {}", found.bounds)),
            Some(_) => Ok(true),
        }
    }

    /// Detaches it, whatever came of earlier tries.
    pub(super) async fn detach(
        &self,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let Target::Partition { parent, .. } = target else {
            return Ok(());
        };
        let mut patience = Patience::new(pace.lock_wait_ms);
        loop {
            let Some(found) = self.find(target).await? else {
                return Ok(());
            };
            let sql = match found.standing {
                Standing::Detached => return Ok(()),
                Standing::Detaching => finalize_statement(parent, &item.table),
                Standing::Attached => statement(found.concurrently, parent, &item.table),
            };
            if let Err(error) = self.session.batch(&sql).await {
                patience.after(error, &step.cancelled).await?;
            }
        }
    }

    /// Drops it; with a number of rows, only if it has that many.
    pub(super) async fn drop_partition(
        &self,
        item: &RetentionItem,
        target: &Target,
        rows: Option<u64>,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let mut patience = Patience::new(pace.lock_wait_ms);
        while let Some(found) = self.find(target).await? {
            if found.standing != Standing::Detached || found.table != item.table {
                return Err(Failure::new(
                    ErrorKind::Conflict,
                    "it was attached or renamed meanwhile",
                ));
            }
            if let Err(error) = self.drop_with(item, rows).await? {
                patience.after(error, &step.cancelled).await?;
            }
        }
        Ok(())
    }

    /// One try to drop it. Its rows are counted while nobody can write, even by its own name.
    async fn drop_with(
        &self,
        item: &RetentionItem,
        rows: Option<u64>,
    ) -> Result<Result<(), ostler_postgres::Error>, Failure> {
        let statement = drop_statement(&item.table);
        let Some(expected) = rows else {
            return Ok(self.session.batch(&statement).await);
        };
        let lock = fill(
            include_str!("queries/lock_table.sql"),
            &[("table", &quoted(&item.table))],
        );
        let transaction = match self.session.begin(&format!("BEGIN; {lock}")).await {
            Ok(transaction) => transaction,
            Err(error) => return Ok(Err(error)),
        };
        let rows = self.count(&item.table).await?;
        if rows != expected {
            let message = format!("it has {rows} rows by now, and {expected} were kept or summed up");
            return Err(Failure::new(ErrorKind::Conflict, message));
        }
        if let Err(error) = self.session.batch(&statement).await {
            return Ok(Err(error));
        }
        Ok(transaction.commit().await)
    }

    /// Puts it back where it was; `false` when it is gone.
    pub(super) async fn attach(
        &self,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        stop: &CancellationToken,
    ) -> Result<bool, Failure> {
        let Target::Partition { parent, bounds, .. } = target else {
            return Ok(true);
        };
        let mut patience = Patience::new(pace.lock_wait_ms);
        loop {
            let Some(found) = self.find(target).await? else {
                return Ok(false);
            };
            let sql = match found.standing {
                Standing::Attached => return Ok(true),
                // New queries do not find its rows any more, and there is no other way back.
                Standing::Detaching => finalize_statement(parent, &item.table),
                Standing::Detached => attach_statement(parent, &item.table, bounds),
            };
            if let Err(error) = self.session.batch(&sql).await {
                patience.after(error, stop).await?;
            }
        }
    }
}
