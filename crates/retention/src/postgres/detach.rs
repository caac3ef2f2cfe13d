//! A partition that goes: detached, counted, dropped; attached again when that fails.

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, TableName};
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_vocabulary::{ErrorKind, Failure};
use serde::{Deserialize, Serialize};

use super::catalogue::CONCURRENTLY;
use super::patience::Patience;
use super::statement::{fill, quoted};
use super::{Postgres, key, of_item};
use crate::Database;
use crate::strategy::{Target, problem};

/// How a partition stands to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Attached,
    /// Somebody began to detach it and did not end.
    Detaching,
    Detached,
    Gone,
}

/// What `standing.sql` says.
struct Found {
    table: TableName,
    standing: Standing,
    bounds: String,
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

/// The statement that drops.
pub(super) fn drop_statement(partition: &TableName) -> String {
    fill(
        include_str!("queries/drop.sql"),
        &[("partition", &quoted(partition))],
    )
}

fn named(template: &str, parent: &TableName, partition: &TableName) -> String {
    let (parent, partition) = (quoted(parent), quoted(partition));
    fill(template, &[("parent", &parent), ("partition", &partition)])
}

impl Postgres {
    pub(super) async fn remove_partition(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
    ) -> Result<RetentionProof, Failure> {
        let key = key(item);
        let mut proof = RetentionProof {
            policy: item.policy.clone(),
            table: item.table.clone(),
            action: item.action.clone(),
            planned: item.rows,
            before: 0,
            removed: 0,
            after: 0,
            problem: None,
            note: None,
        };
        let look = |_| async { of_item(self.look(item, target).await) };
        match op.step("look").key(&key).retries(3).run(look).await? {
            Err(problem) => {
                proof.problem = Some(problem);
                return Ok(proof);
            }
            Ok(Standing::Gone) => {
                proof.note = Some("it was gone already".to_owned());
                return Ok(proof);
            }
            Ok(_) => {}
        }
        let detach = |step: Step| async move { of_item(self.detach(item, target, pace, &step).await) };
        let detached: Result<(), RetentionProblem> = op.step("detach").key(&key).run(detach).await?;
        if let Err(problem) = detached {
            proof.problem = Some(problem);
            return Ok(proof);
        }
        let count = |_| async { of_item(self.measure(&item.table, target).await.map(|found| found.rows)) };
        let counted: Result<u64, RetentionProblem> = op.step("count").key(&key).retries(3).run(count).await?;
        let counted = counted.and_then(|rows| match item.max_rows {
            Some(most) if rows > most => Err(problem(
                ErrorKind::Refused,
                format!("{rows} rows would go by now, more than max_rows {most}"),
            )),
            _ => Ok(rows),
        });
        let dropped = match counted {
            Err(problem) => Err(problem),
            Ok(rows) => {
                proof.before = rows;
                let drop =
                    |step: Step| async move { of_item(self.drop_partition(item, target, pace, &step).await) };
                op.step("drop").key(&key).run(drop).await?
            }
        };
        match dropped {
            Ok(()) => proof.removed = proof.before,
            Err(problem) => {
                proof.problem = Some(problem);
                proof.after = proof.before;
                let attach =
                    |step: Step| async move { of_item(self.attach(item, target, pace, &step).await) };
                let attached: Result<(), RetentionProblem> = op.step("attach").key(&key).run(attach).await?;
                proof.note = Some(match attached {
                    Ok(()) => "it is attached again".to_owned(),
                    Err(problem) => format!("it is detached and still there: {}", problem.reason),
                });
            }
        }
        Ok(proof)
    }

    /// How the partition stands now, by the id that the plan has.
    async fn find(&self, target: &Target) -> Result<Option<Found>, ostler_postgres::Error> {
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
            concurrently: row.get::<_, i32>(6) >= CONCURRENTLY && !row.get::<_, bool>(5),
        }))
    }

    /// Whether the partition is still what the plan says.
    async fn look(&self, item: &RetentionItem, target: &Target) -> Result<Standing, Failure> {
        let Target::Partition { parent, bounds, .. } = target else {
            return Ok(Standing::Gone);
        };
        let changed = |what: String| {
            Err(Failure::new(
                ErrorKind::Conflict,
                format!("it has changed since the plan: {what}"),
            ))
        };
        match self.find(target).await? {
            None => Ok(Standing::Gone),
            Some(found) if found.table != item.table => changed(format!("its name is {}", found.table)),
            Some(found) if found.standing == Standing::Detached => {
                changed(format!("it is no partition of {parent}"))
            }
            Some(found) if found.bounds != *bounds => changed(format!("its bounds are {}", found.bounds)),
            Some(found) => Ok(found.standing),
        }
    }

    /// Detaches it, whatever came of earlier tries.
    async fn detach(
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
                Standing::Detached | Standing::Gone => return Ok(()),
                Standing::Detaching => {
                    named(include_str!("queries/detach_finalize.sql"), parent, &item.table)
                }
                Standing::Attached => statement(found.concurrently, parent, &item.table),
            };
            if let Err(error) = self.session.batch(&sql).await {
                patience.after(error, step).await?;
            }
        }
    }

    async fn drop_partition(
        &self,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let mut patience = Patience::new(pace.lock_wait_ms);
        while let Some(found) = self.find(target).await? {
            if found.standing != Standing::Detached || found.table != item.table {
                return Err(Failure::new(
                    ErrorKind::Conflict,
                    "somebody attached or renamed it meanwhile",
                ));
            }
            if let Err(error) = self.session.batch(&drop_statement(&item.table)).await {
                patience.after(error, step).await?;
            }
        }
        Ok(())
    }

    /// Puts it back where it was.
    async fn attach(
        &self,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let Target::Partition { parent, bounds, .. } = target else {
            return Ok(());
        };
        let mut patience = Patience::new(pace.lock_wait_ms);
        loop {
            match self.find(target).await? {
                Some(found) if found.standing == Standing::Detached => {}
                _ => return Ok(()),
            }
            let (parent, partition) = (quoted(parent), quoted(&item.table));
            let places = [
                ("parent", parent.as_str()),
                ("partition", &partition),
                ("bounds", bounds),
            ];
            let sql = fill(include_str!("queries/attach.sql"), &places);
            if let Err(error) = self.session.batch(&sql).await {
                patience.after(error, step).await?;
            }
        }
    }
}
