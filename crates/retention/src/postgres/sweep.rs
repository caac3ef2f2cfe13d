//! Rows of one table that go in batches: each a range of rows that follow one another, as quick as one `DELETE`. Where somebody holds
//! one of them for longer than a lock may be waited for, those that nobody holds go.

use std::time::Duration;

use ostler_api::document::RetentionItem;
use ostler_api::retention::Pace;
use ostler_operations::{Operation, Step};
use ostler_postgres::quote::identifier;
use ostler_postgres::{Error, Type};
use ostler_vocabulary::Failure;
use tokio::time::Instant;

use super::catalogue::Leaf;
use super::patience::{Patience, is_lock, rest};
use super::statement::{Naming, condition, fill, quoted, ranked};
use super::{Postgres, key};
use crate::strategy::{Form, Target};

const FIRST_ROWS: i64 = 1_000;
const FEWEST_ROWS: i64 = 50;
const MOST_ROWS: i64 = 100_000;
const FIRST_BLOCKS: i64 = 32;
/// More rows than so many blocks can hold are more than a batch may have.
const MOST_BLOCKS: i64 = 256;

/// In which order a table's rows are gone through, and how far.
#[derive(Debug)]
enum Way {
    /// By time, along an index; on from this value.
    Time(Option<String>),
    /// Block by block, from this one on.
    Blocks(i64),
    /// As they come.
    Any,
}

/// Rows of one table that go.
pub(super) struct Sweep<'a> {
    pub database: &'a Postgres,
    pub op: &'a Operation,
    pub item: &'a RetentionItem,
    pub target: &'a Target,
    pub pace: Pace,
    pub leaf: &'a Leaf,
}

impl Sweep<'_> {
    /// Goes once through the table. `blocks_are_ranges` says that the server finds the rows of a range of blocks without looking at
    /// all others.
    pub async fn run(&self, blocks_are_ranges: bool, step: &Step) -> Result<(), Failure> {
        let Target::Rows { form, last, .. } = self.target else {
            return Ok(());
        };
        let mut way = match (last, form) {
            (Some(_), _) => Way::Any,
            // An index of text is not in the order of bytes.
            (None, form) if self.leaf.has_order && *form != Some(Form::Ulid) => Way::Time(None),
            (None, _) if blocks_are_ranges => Way::Blocks(0),
            (None, _) => Way::Any,
        };
        let (mut size, least, most) = match way {
            Way::Blocks(_) => (FIRST_BLOCKS, 1, MOST_BLOCKS),
            Way::Time(_) | Way::Any => (FIRST_ROWS, FEWEST_ROWS, MOST_ROWS),
        };
        let mut patience = Patience::new(self.pace.lock_wait_ms);
        loop {
            let start = Instant::now();
            let (gone, is_over) = match self.batch(&mut way, size).await {
                Ok(done) => done,
                Err(error) => {
                    patience.after(error, &step.cancelled).await?;
                    continue;
                }
            };
            patience = Patience::new(self.pace.lock_wait_ms);
            let took = start.elapsed();
            step.progress.add_done(gone);
            if is_over {
                return Ok(());
            }
            size = match way {
                // What takes its time where nothing goes is the way to the server.
                Way::Blocks(_) if gone == 0 => size * 2,
                _ => next_size(size, took, Duration::from_millis(self.pace.batch_ms)),
            }
            .clamp(least, most);
            // Nothing was deleted, nobody was disturbed.
            let pause = match gone {
                0 => Duration::ZERO,
                _ => took.mul_f64(self.pace.rest.clamp(0.0, 100.0)),
            };
            rest(pause, &step.cancelled).await?;
        }
    }

    /// Deletes the next rows; how many went, and whether that was the end.
    async fn batch(&self, way: &mut Way, size: i64) -> Result<(u64, bool), Error> {
        let condition = condition(self.target, Naming::Qualified);
        let (from_on, before) = (Naming::Qualified.operator(">="), Naming::Qualified.operator("<"));
        match way {
            Way::Time(from) => {
                let here = match from {
                    Some(from) => format!("{condition} AND {} {from_on} {}", self.column(), self.value(from)),
                    None => condition,
                };
                let edge = self.edge(&here, size).await?;
                // Of so many rows of the same time, not all go together.
                let gone = match &edge {
                    Some(edge) if from.as_ref() == Some(edge) => None,
                    Some(edge) => {
                        let range = format!("{here} AND {} {before} {}", self.column(), self.value(edge));
                        self.delete_range(&range).await?
                    }
                    None => self.delete_range(&here).await?,
                };
                match gone {
                    Some(gone) => {
                        let is_over = edge.is_none();
                        *from = edge;
                        Ok((gone, is_over))
                    }
                    None => {
                        let order = format!("ORDER BY {}", self.column());
                        let (gone, newest) = self.delete_free(&here, &order, size).await?;
                        *from = newest;
                        Ok((gone, gone == 0))
                    }
                }
            }
            Way::Blocks(first) => {
                let end = *first + size;
                let block = |number: i64| Naming::Qualified.value(&format!("({number},0)"), "tid");
                let here = format!(
                    "{condition} AND ctid {from_on} {} AND ctid {before} {}",
                    block(*first),
                    block(end)
                );
                let gone = match self.delete_range(&here).await? {
                    Some(gone) => gone,
                    None => self.delete_free(&here, "", MOST_ROWS).await?.0,
                };
                *first = end;
                Ok((gone, end >= self.leaf.blocks))
            }
            Way::Any => {
                let here = match ranked(&quoted(&self.leaf.table), self.target, Naming::Qualified) {
                    Some(ranked) => {
                        let equal = Naming::Qualified.operator("=");
                        format!(
                            "ctid {equal} ANY (ARRAY(SELECT ostler_row FROM ({ranked} LIMIT {size}) AS old))"
                        )
                    }
                    None => condition,
                };
                let (gone, _) = self.delete_free(&here, "", size).await?;
                Ok((gone, gone == 0))
            }
        }
    }

    fn column(&self) -> String {
        identifier(self.target.column().0)
    }

    /// A value of the column.
    fn value(&self, text: &str) -> String {
        Naming::Qualified.value(text, self.target.column().1)
    }

    /// The time of the row that so many others are before, if there is one.
    async fn edge(&self, condition: &str, rows: i64) -> Result<Option<String>, Error> {
        let places = [
            ("column", self.column()),
            ("table", quoted(&self.leaf.table)),
            ("condition", condition.to_owned()),
            ("rows", rows.to_string()),
        ];
        let places = places.each_ref().map(|(place, value)| (*place, value.as_str()));
        let statement = fill(include_str!("queries/delete_edge.sql"), &places);
        let found = self.database.session.query(&statement, &[]).await?;
        Ok(found.first().and_then(|row| row.get(0)))
    }

    /// Deletes all rows of a range and writes how many, in one transaction; `None` when somebody holds one of them.
    async fn delete_range(&self, condition: &str) -> Result<Option<u64>, Error> {
        let begin = include_str!("queries/begin_removal.sql");
        let transaction = self.database.session.begin(begin).await?;
        match self.delete_counted(condition).await {
            Err(error) if is_lock(&error) => transaction.rollback().await.map(|()| None),
            deleted => {
                let rows = deleted?;
                transaction.commit().await?;
                Ok(Some(rows))
            }
        }
    }

    async fn delete_counted(&self, condition: &str) -> Result<u64, Error> {
        let places = [
            ("table", quoted(&self.leaf.table)),
            ("condition", condition.to_owned()),
        ];
        let places = places.each_ref().map(|(place, value)| (*place, value.as_str()));
        let statement = fill(include_str!("queries/delete_range.sql"), &places);
        let session = &self.database.session;
        let rows = session.execute(&statement, &[]).await?;
        if rows > 0 {
            let (operation, place) = (self.op.id().to_string(), key(self.item));
            let number = i64::try_from(rows).unwrap_or(i64::MAX);
            let parameters = [
                (&operation as _, Type::TEXT),
                (&place as _, Type::TEXT),
                (&number as _, Type::INT8),
            ];
            let add = self.database.own(include_str!("queries/more_progress.sql"));
            session.execute(&add, &parameters).await?;
        }
        Ok(rows)
    }

    /// Deletes so many rows that nobody holds; how many went, and the newest of them.
    async fn delete_free(
        &self,
        condition: &str,
        order: &str,
        rows: i64,
    ) -> Result<(u64, Option<String>), Error> {
        let places = [
            ("table", quoted(&self.leaf.table)),
            ("column", self.column()),
            ("condition", condition.to_owned()),
            ("order", order.to_owned()),
            ("rows", rows.to_string()),
            ("schema", identifier(&self.database.schema)),
        ];
        let places = places.each_ref().map(|(place, value)| (*place, value.as_str()));
        let statement = fill(include_str!("queries/delete_free.sql"), &places);
        let (operation, place) = (self.op.id().to_string(), key(self.item));
        let parameters = [(&operation as _, Type::TEXT), (&place as _, Type::TEXT)];
        let session = &self.database.session;
        session.batch(include_str!("queries/begin_removal.sql")).await?;
        let row = match session.one(&statement, &parameters).await {
            Ok(row) => row,
            Err(error) => {
                session.batch("ROLLBACK").await?;
                return Err(error);
            }
        };
        session.batch("COMMIT").await?;
        Ok((u64::try_from(row.get::<_, i64>(0)).unwrap_or(0), row.get(1)))
    }
}

/// The size of the next batch: what would have taken as long as it should, at most twice as much, at least half.
pub(super) fn next_size(size: i64, took: Duration, wanted: Duration) -> i64 {
    let ratio = wanted.as_secs_f64() / took.as_secs_f64().max(0.000_1);
    if ratio >= 2.0 {
        size * 2
    } else if ratio <= 0.5 {
        size / 2
    } else if ratio < 0.9 {
        size * 9 / 10
    } else if ratio > 1.1 {
        size * 11 / 10
    } else {
        size
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, next_size};

    #[test]
    fn batches_grow_and_shrink_towards_the_time_they_may_take() {
        for (took, next) in [
            (1, 2_000),
            (50, 2_000),
            (80, 1_100),
            (100, 1_000),
            (120, 900),
            (500, 500),
        ] {
            let found = next_size(1_000, Duration::from_millis(took), Duration::from_millis(100));
            assert_eq!(found, next, "{took} ms");
        }
    }
}
