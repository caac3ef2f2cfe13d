//! A partition whose files move to another tablespace: its tables and indexes one after another, each in a transaction for which
//! others wait no longer than they may. Whoever reads or writes the partition waits while one of them is copied.

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, TableName};
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::identifier;
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use serde::Deserialize;

use super::brief::Brief;
use super::statement::{fill, quoted};
use super::{Postgres, key, of_item};
use crate::facts::{Files, Partition, Piece, PieceKind, Table};
use crate::strategy::{Target, problem};

/// How often one that took too long is tried again: a lock may have taken most of it.
const TRIES: u32 = 2;

/// A row of `pieces.sql`.
#[derive(Debug, Deserialize)]
struct Found {
    partition: u32,
    schema: String,
    name: String,
    kind: PieceKind,
    tablespace: String,
}

/// The statements that move what is not there yet.
pub(super) fn statements(facts: &Table, partition: u32, tablespace: &str) -> Vec<String> {
    let files = facts.whereabouts.files.as_ref();
    let pieces = files.and_then(|files| files.pieces.get(&partition));
    let pieces = pieces.map(Vec::as_slice).unwrap_or_default();
    misplaced(pieces, tablespace)
        .map(|piece| moving(piece, tablespace))
        .collect()
}

/// What is to be moved: what is kept apart goes with its table.
fn misplaced<'a>(pieces: &'a [Piece], tablespace: &'a str) -> impl Iterator<Item = &'a Piece> {
    pieces
        .iter()
        .filter(move |piece| piece.kind != PieceKind::Apart && piece.tablespace != tablespace)
}

fn moving(piece: &Piece, tablespace: &str) -> String {
    let template = match piece.kind {
        PieceKind::Index => include_str!("queries/relocate_index.sql"),
        PieceKind::Table | PieceKind::Apart => include_str!("queries/relocate_table.sql"),
    };
    let places = [
        ("piece", quoted(&piece.name)),
        ("tablespace", identifier(tablespace)),
    ];
    let places: Vec<(&str, &str)> = places.iter().map(|(name, text)| (*name, text.as_str())).collect();
    fill(template, &places)
}

impl Postgres {
    /// Where files are.
    pub(super) async fn files(&self, partitions: &[Partition]) -> Result<Files, Failure> {
        let mut files = Files::default();
        for row in self
            .session
            .query(include_str!("queries/tablespaces.sql"), &[])
            .await?
        {
            files.tablespaces.insert(row.get(0), row.get(1));
        }
        let attached = partitions.iter().filter_map(|it| Some(it.attached()?.id));
        for found in self.found_pieces(&attached.collect::<Vec<_>>()).await? {
            files
                .pieces
                .entry(found.partition)
                .or_default()
                .push(found.into());
        }
        Ok(files)
    }

    async fn found_pieces(&self, partitions: &[u32]) -> Result<Vec<Found>, Failure> {
        self.documents(
            include_str!("queries/pieces.sql"),
            &[(&partitions as _, Type::OID_ARRAY)],
        )
        .await
    }

    /// What a partition has in files by now.
    async fn pieces(&self, target: &Target) -> Result<Vec<Piece>, Failure> {
        let Target::Partition { id, .. } = target else {
            return Ok(Vec::new());
        };
        let found = self.found_pieces(&[*id]).await?;
        Ok(found.into_iter().map(Piece::from).collect())
    }

    pub(super) async fn relocate(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (target, tablespace): (&Target, &str),
        pace: Pace,
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        let key = key(item);
        let relocate =
            |step: Step| async move { of_item(self.move_pieces(target, tablespace, pace, &step).await) };
        let moved: Result<(), RetentionProblem> = op
            .step("move")
            .key(&key)
            .unit(Unit::Objects)
            .leaves(format!(
                "tables and indexes of {} that were moved stay in tablespace {tablespace}",
                item.table
            ))
            .run(relocate)
            .await?;
        let prove = |_| async { of_item(self.placed(target, tablespace).await) };
        let placed: Result<(usize, usize), RetentionProblem> =
            op.step("prove").key(&key).retries(3).run(prove).await?;
        proof.problem = moved.err();
        match placed {
            Err(problem) => proof.problem = proof.problem.or(Some(problem)),
            Ok((there, all)) => {
                let are = if all == 1 { "relation is" } else { "relations are" };
                proof.note = Some(format!("{there} of {all} {are} in tablespace {tablespace}"));
                if there < all && proof.problem.is_none() {
                    let reason = "not all of it is there: somebody moved or made some of it meanwhile";
                    proof.problem = Some(problem(ErrorKind::Conflict, reason));
                }
            }
        }
        Ok(proof)
    }

    /// Moves one after another what is not there yet.
    async fn move_pieces(
        &self,
        target: &Target,
        tablespace: &str,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let pieces = self.pieces(target).await?;
        step.progress
            .add_total(misplaced(&pieces, tablespace).count() as u64);
        for piece in misplaced(&pieces, tablespace) {
            let what = format!("{} cannot be copied", piece.name);
            let mut brief = Brief::new(&self.session, pace, TRIES, what);
            let statement = moving(piece, tablespace);
            while !brief.attempt(&statement, &step.cancelled).await? {}
            step.progress.add_done(1);
        }
        Ok(())
    }

    /// How many relations of a partition are in a tablespace, by `pg_class`, and how many there are.
    async fn placed(&self, target: &Target, tablespace: &str) -> Result<(usize, usize), Failure> {
        let pieces = self.pieces(target).await?;
        let there = pieces.iter().filter(|piece| piece.tablespace == tablespace);
        Ok((there.count(), pieces.len()))
    }
}

impl From<Found> for Piece {
    fn from(found: Found) -> Self {
        Self {
            name: TableName {
                schema: found.schema,
                name: found.name,
            },
            kind: found.kind,
            tablespace: found.tablespace,
        }
    }
}
