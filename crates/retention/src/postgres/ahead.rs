//! A partition that is made before its rows come, and filled with those that came already.

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, TableName};
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::{identifier, literal};
use ostler_vocabulary::{ErrorKind, Failure};

use super::brief::Brief;
use super::statement::{Naming, condition, fill, quoted};
use super::{Postgres, key, of_item};
use crate::Database;
use crate::strategy::{Target, problem};

/// How often rows are moved that take too long: others may have kept the server busy.
const TRIES: u32 = 6;

/// What `room.sql` says of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    /// Attached with these bounds.
    Same,
    Other,
}

impl Postgres {
    /// Rows that wait in the default partition; `None` when the partition is there already.
    pub(super) async fn look_at_room(
        &self,
        item: &RetentionItem,
        target: &Target,
    ) -> Result<Option<u64>, Failure> {
        match self.room(&item.table, target).await? {
            There::Nothing => Ok(Some(self.measure(&item.table, target).await?.rows)),
            There::Same => Ok(None),
            There::Other => Err(Failure::new(
                ErrorKind::Conflict,
                format!("there is something else called {}", item.table),
            )),
        }
    }

    pub(super) async fn make_room(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        let key = key(item);
        let create = |step: Step| async move { of_item(self.create(item, target, pace, &step).await) };
        let created: Result<(), RetentionProblem> = op.step("create").key(&key).run(create).await?;
        let prove = |_| async {
            let there = self.room(&item.table, target).await;
            let left = self.measure(&item.table, target).await;
            of_item(there.and_then(|there| Ok((there == There::Same, left?.rows))))
        };
        let proven: Result<(bool, u64), RetentionProblem> =
            op.step("prove").key(&key).retries(3).run(prove).await?;
        proof.after = proof.before;
        match (created, proven) {
            (Err(problem), _) | (_, Err(problem)) => proof.problem = Some(problem),
            (Ok(()), Ok((true, 0))) => {
                proof.after = 0;
                proof.note = Some(match proof.before {
                    0 => "created".to_owned(),
                    rows => format!("created; rows moved from the default partition: {rows}"),
                });
            }
            (Ok(()), Ok((_, left))) => {
                proof.after = left;
                proof.problem = Some(problem(ErrorKind::Conflict, "it is not there as it was made"));
            }
        }
        Ok(proof)
    }

    async fn room(&self, name: &TableName, target: &Target) -> Result<There, Failure> {
        let Target::Room {
            parent_id,
            from,
            to,
            type_name,
            ..
        } = target
        else {
            return Ok(There::Other);
        };
        let parameters = [
            (&name.schema as _, Type::TEXT),
            (&name.name as _, Type::TEXT),
            (parent_id as _, Type::OID),
        ];
        let rows = self
            .session
            .query(include_str!("queries/room.sql"), &parameters)
            .await?;
        let Some(row) = rows.first() else {
            return Ok(There::Nothing);
        };
        let (attached, found): (bool, String) = (row.get(0), row.get(1));
        Ok(
            match attached && self.same_bounds(&found, from, to, type_name).await? {
                true => There::Same,
                false => There::Other,
            },
        )
    }

    /// Whether bounds that the server wrote are those that we wrote.
    async fn same_bounds(&self, found: &str, from: &str, to: &str, type_name: &str) -> Result<bool, Failure> {
        let Some((start, end)) = crate::bounds::range_of(found) else {
            return Ok(false);
        };
        let value = |text: &str| format!("{}::{type_name}", literal(text).trim_start());
        let statement = format!(
            "SELECT {} = {} AND {} = {}",
            value(&start),
            value(from),
            value(&end),
            value(to)
        );
        Ok(self.session.one(&statement, &[]).await?.get(0))
    }

    async fn create(
        &self,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let Target::Room {
            parent,
            from,
            to,
            default,
            ..
        } = target
        else {
            return Ok(());
        };
        let make = making(&item.table, parent);
        let attach = attaching(&item.table, parent, from, to);
        let moved = match default {
            Some(default) => self.moving(item, target, default).await?,
            None => String::new(),
        };
        let path = include_str!("queries/path_default.sql");
        let statements = format!("{path}; {make}; {moved}{attach}");
        let what = "its rows cannot be moved out of the default partition".to_owned();
        let mut brief = Brief::new(&self.session, pace, TRIES, what);
        while self.room(&item.table, target).await? != There::Same {
            brief.attempt(&statements, &step.cancelled).await?;
        }
        Ok(())
    }

    /// The statement that moves rows out of the default partition.
    async fn moving(
        &self,
        item: &RetentionItem,
        target: &Target,
        default: &TableName,
    ) -> Result<String, Failure> {
        let now = self.columns_now(default).await?;
        let columns: Vec<String> = now
            .iter()
            .filter(|column| !column.generated)
            .map(|column| identifier(&column.name))
            .collect();
        Ok(fill(
            include_str!("queries/move_rows.sql"),
            &[
                ("default", &quoted(default)),
                ("partition", &quoted(&item.table)),
                ("columns", &columns.join(", ")),
                ("condition", &condition(target, Naming::Qualified)),
            ],
        ))
    }
}

/// The statement that makes a table like its parent.
pub(super) fn making(partition: &TableName, parent: &TableName) -> String {
    let (parent, partition) = (quoted(parent), quoted(partition));
    fill(
        include_str!("queries/make_partition.sql"),
        &[("partition", &partition), ("parent", &parent)],
    )
}

/// The statement that attaches it.
pub(super) fn attaching(partition: &TableName, parent: &TableName, from: &str, to: &str) -> String {
    let (parent, partition) = (quoted(parent), quoted(partition));
    let bounds = format!(
        "FOR VALUES FROM ({}) TO ({})",
        literal(from).trim_start(),
        literal(to).trim_start()
    );
    fill(
        include_str!("queries/attach.sql"),
        &[
            ("parent", &parent),
            ("partition", &partition),
            ("bounds", &bounds),
        ],
    )
}
