//! What a rollup sums up goes: buckets of a level, when the level after has the same sums. What goes is marked after it was
//! compared, and only what is marked is deleted; who makes a bucket anew takes the mark away.

use std::time::Duration;

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::super::rows::rest;
use super::super::statement::filled;
use super::super::{CrateDb, begun, key, of_item, too_many};
use super::sheet::{Sheet, moment};
use crate::column::TimeColumn;
use crate::passes::Pass;
use crate::rollup::{Compared, Window, align, mended, unlike};
use crate::strategy::{Proven, Target, problem};
use crate::{Database, Error};

impl CrateDb {
    /// Buckets that go, window by window.
    pub(in super::super) async fn remove_summed(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (target, proven): (&Target, &Proven),
    ) -> Result<RetentionProof, Failure> {
        let mut proof = begun(item);
        if proven.level == 0 {
            // No plan has such an item.
            return Err(Error::ForeignPlan.into());
        }
        let count = || async { of_item(self.measure(&item.table, target).await.map(|found| found.rows)) };
        let found: Result<u64, RetentionProblem> =
            op.step("look").key(key(item)).retries(3).run(|_| count()).await?;
        let before = match found.and_then(|rows| too_many(item, rows).map_or(Ok(rows), Err)) {
            Ok(rows) => rows,
            Err(problem) => {
                proof.problem = Some(problem);
                return Ok(proof);
            }
        };
        (proof.before, proof.after) = (before, before);
        let pass = Pass {
            delete: |before: u64, step: Step| async move {
                step.progress.add_total(before);
                of_item(self.delete_summed((target, proven), &step).await)
            },
            prove: count,
            tell: |proof, left: u64| {
                proof.after = left;
                proof.removed = proof.before.saturating_sub(left);
            },
            leaves: format!(
                "buckets of {} that were deleted stay deleted, and stay in the next level",
                item.table
            ),
        };
        pass.once(op, &key(item), before, &mut proof).await?;
        if proof.problem.is_none() && proof.after > 0 {
            let reason = format!("{} such buckets are left: they were made meanwhile", proof.after);
            proof.problem = Some(problem(ErrorKind::Conflict, reason));
        }
        if proof.problem.is_none() {
            proof.note = Some(format!("the sums are in rollup {}", proven.rollup));
        }
        Ok(proof)
    }

    async fn delete_summed(&self, (target, proven): (&Target, &Proven), step: &Step) -> Result<(), Failure> {
        let (sheet, states) = self.rollup(&proven.rollup).await?;
        let (level, next) = (proven.level as usize, proven.level as usize + 1);
        let width = sheet.widths.get(next - 1).copied().unwrap_or(1);
        let Target::Rows {
            boundary: Some(boundary),
            ..
        } = target
        else {
            return Err(Failure::new(ErrorKind::Invalid, "rows without a boundary"));
        };
        let end = TimeColumn::Moment
            .moment(boundary, &jiff::tz::TimeZone::UTC)
            .map(|end| align(end, width))
            .ok_or_else(|| Failure::new(ErrorKind::Invalid, format!("{boundary} is no moment")))?;
        // What an earlier try proved and did not remove.
        if let Some(kept) = states.get(level).and_then(|state| state.kept_from) {
            self.delete_proven(&sheet, level, kept.min(end)).await?;
        }
        self.refresh_quoted(&sheet.table(level)).await?;
        let Some(oldest) = self.oldest(&sheet, level).await?.filter(|oldest| *oldest < end) else {
            return Ok(());
        };
        let all = Window {
            rollup: proven.rollup.clone(),
            level: proven.level + 1,
            from: align(oldest, width),
            to: end,
        };
        for window in self.parts(&sheet, &all).await? {
            rest(Duration::ZERO, step).await?;
            let compared = self.prove_window(&sheet, &window).await?;
            self.keep_from((&proven.rollup, proven.level), window.to).await?;
            self.delete_proven(&sheet, level, window.to).await?;
            step.progress.add_done(compared.groups);
        }
        Ok(())
    }

    /// Compares the buckets of a window with what they are made from, and marks that as proven.
    async fn prove_window(&self, sheet: &Sheet, window: &Window) -> Result<Compared, Failure> {
        let level = window.level as usize;
        let (source, condition) = sheet.source(window);
        let span = (window.from, window.to);
        let compared = self.compare_or_mend(sheet, window, (&source, &condition)).await?;
        // No row of a level is of a later generation than its own runner's.
        let generation = self.generation(std::slice::from_ref(&source)).await?;
        self.confirm_lease().await?;
        self.ask(&sheet.seal(level - 1, span, generation)).await?;
        self.refresh_quoted(&source).await?;
        let again = self.compare(sheet, window, (&source, &condition)).await?;
        if again.different > 0 || again.rows != compared.rows {
            return Err(unlike(window, again));
        }
        self.confirm_lease().await?;
        self.ask(&sheet.prove(level - 1, span, generation)).await?;
        self.refresh_quoted(&source).await?;
        Ok(again)
    }

    /// Deletes buckets that are proven.
    async fn delete_proven(&self, sheet: &Sheet, level: usize, to: Timestamp) -> Result<(), Failure> {
        self.refresh_quoted(&sheet.table(level)).await?;
        self.confirm_lease().await?;
        let places = [("table", sheet.table(level)), ("to", moment(to))];
        let gone = filled(include_str!("../queries/rollup_gone.sql"), &places);
        self.client.execute(&gone, &[]).await?;
        self.refresh_quoted(&sheet.table(level)).await
    }

    /// Makes the level's buckets of a window this runner's, and compares them; once more after they were made anew, where they differ
    /// and all that they are made from is there.
    pub(super) async fn compare_or_mend(
        &self,
        sheet: &Sheet,
        window: &Window,
        source: (&str, &str),
    ) -> Result<Compared, Failure> {
        let found = self.compare_sealed(sheet, window, source).await?;
        if found.different == 0 {
            return Ok(found);
        }
        let (_, states) = self.rollup(&sheet.name).await?;
        for part in mended(window, &sheet.widths, &states) {
            self.make_window(sheet, &part).await?;
        }
        let found = self.compare_sealed(sheet, window, source).await?;
        match found.different {
            0 => Ok(found),
            _ => Err(unlike(window, found)),
        }
    }

    /// The same, and nothing is made anew.
    pub(super) async fn compare_sealed(
        &self,
        sheet: &Sheet,
        window: &Window,
        source: (&str, &str),
    ) -> Result<Compared, Failure> {
        let level = window.level as usize;
        let table = sheet.table(level);
        self.refresh_quoted(&table).await?;
        let generation = self.generation(std::slice::from_ref(&table)).await?;
        self.confirm_lease().await?;
        let sealed = sheet.seal(level, (window.from, window.to), generation);
        self.ask(&sealed).await?;
        self.refresh_quoted(&table).await?;
        self.refresh_quoted(source.0).await?;
        self.compare(sheet, window, source).await
    }

    /// Compares a level with what it is made from, group by group.
    async fn compare(
        &self,
        sheet: &Sheet,
        window: &Window,
        source: (&str, &str),
    ) -> Result<Compared, Failure> {
        let [groups, different, rows] = self.numbers(sheet.compared(window, source)).await?;
        let mut compared = Compared {
            groups,
            different,
            rows,
        };
        for value in sheet.sketched() {
            let [_, different, _] = self.numbers(sheet.compared_sketch(window, value, source)).await?;
            // Places were compared, and not buckets.
            compared.different = compared.different.max(u64::from(different > 0));
        }
        Ok(compared)
    }
}
