//! All rows of one subject: column by column, each counted before and after; in the end all are looked for again.

use ostler_api::retention::TableColumn;
use ostler_api::tables::{Erase, Evidence, SubjectColumn, TableItem, TableProof, TablesWork};
use ostler_cratedb::quote::identifier;
use ostler_operations::Operation;
use ostler_vocabulary::{Failure, Unit};
use serde::{Deserialize, Serialize};

use super::statement::{Bound, filled, quoted};
use super::{CrateDb, of_item};
use crate::erasure;
use crate::item::{detail_of, planned};
use crate::tables::begun;

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
enum Part {
    /// Rows go.
    Remove {
        /// By which column.
        by: SubjectColumn,
    },
    /// They are looked for again.
    Look {
        /// Where.
        of: Vec<SubjectColumn>,
    },
}

impl CrateDb {
    pub(super) async fn plan_erasure(&self, request: &Erase) -> Result<TablesWork, Failure> {
        erasure::valid(self, request).await?;
        let mut counted = Vec::new();
        for place in &request.of {
            counted.push(self.rows_of_subject(place, &request.subject).await?);
        }
        erasure::found(self, &counted)?;
        let mut items = Vec::new();
        for (place, count) in request.of.iter().zip(counted) {
            let object = TableColumn {
                table: place.table.clone(),
                column: Some(place.column.clone()),
            };
            let erase = about(include_str!("queries/erase_rows.sql"), place, &request.subject);
            items.push(TableItem {
                object: object.to_string(),
                action: "erase rows".to_owned(),
                reason: format!("its {} is the subject", place.column),
                rows: Some(count),
                statements: vec![erase.written()],
                detail: detail_of(&Part::Remove { by: place.clone() })?,
            });
        }
        let look = Part::Look {
            of: request.of.clone(),
        };
        let reason = "no row of it may be left; each table is looked at by itself";
        items.push(erasure::look_again(request, reason, detail_of(&look)?));
        Ok(TablesWork {
            database: self.client.name(),
            items,
            notes: erasure::copies(self, &request.of).await?,
        })
    }

    pub(super) async fn erase(
        &self,
        op: &Operation,
        request: &Erase,
        item: &TableItem,
    ) -> Result<TableProof, Failure> {
        match planned(&item.detail)? {
            Part::Remove { by } => self.erase_rows(op, request, item, &by).await,
            Part::Look { of } => self.look_again(op, request, item, &of).await,
        }
    }

    async fn erase_rows(
        &self,
        op: &Operation,
        request: &Erase,
        item: &TableItem,
        place: &SubjectColumn,
    ) -> Result<TableProof, Failure> {
        let mut proof = begun(item);
        let count = |_| async { of_item(self.rows_of_subject(place, &request.subject).await) };
        let before: Result<u64, _> = op.step("count").key(&item.object).retries(3).run(count).await?;
        let erase = |_| async {
            of_item(
                async {
                    self.confirm_lease().await?;
                    let erase = about(include_str!("queries/erase_rows.sql"), place, &request.subject);
                    self.ask(&erase).await?;
                    self.rows_of_subject(place, &request.subject).await
                }
                .await,
            )
        };
        let erased = match before {
            Err(problem) => Err(problem),
            Ok(before) => {
                let left: Result<u64, _> = op
                    .step("erase")
                    .key(&item.object)
                    .unit(Unit::Rows)
                    .retries(3)
                    .leaves(format!("rows of {} that were erased stay erased", item.object))
                    .run(erase)
                    .await?;
                left.map(|left| (before, left))
            }
        };
        match erased {
            Err(problem) => proof.problem = Some(problem),
            Ok((before, left)) => {
                proof.rows = before.saturating_sub(left);
                proof.evidence = vec![Evidence::equal("rows left", 0, left)];
            }
        }
        Ok(proof)
    }

    async fn look_again(
        &self,
        op: &Operation,
        request: &Erase,
        item: &TableItem,
        of: &[SubjectColumn],
    ) -> Result<TableProof, Failure> {
        let mut proof = begun(item);
        let look = |_| async {
            of_item(
                async {
                    let mut left = Vec::new();
                    for place in of {
                        left.push(self.rows_of_subject(place, &request.subject).await?);
                    }
                    Ok(left)
                }
                .await,
            )
        };
        let left: Result<Vec<u64>, _> = op
            .step("look again")
            .key(&item.object)
            .retries(3)
            .run(look)
            .await?;
        match left {
            Err(problem) => proof.problem = Some(problem),
            Ok(left) => proof.evidence = erasure::nothing_left(of, &left),
        }
        Ok(proof)
    }

    async fn rows_of_subject(&self, place: &SubjectColumn, subject: &str) -> Result<u64, Failure> {
        self.refresh(&place.table).await?;
        self.number(&about(include_str!("queries/erase_count.sql"), place, subject))
            .await
    }
}

/// A statement about the rows of the subject. The server makes its value one of the column's type.
fn about(template: &str, place: &SubjectColumn, subject: &str) -> Bound {
    let places = [
        ("table", quoted(&place.table)),
        ("column", identifier(&place.column)),
    ];
    Bound {
        sql: filled(template, &places),
        args: vec![subject.into()],
    }
}
