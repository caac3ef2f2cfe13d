//! A partition that goes when the first level has its sums. Nobody can write to it meanwhile.

use ostler_api::retention::TableName;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::super::CrateDb;
use super::super::statement::{Bound, of_partition, quoted};
use super::sheet::Sheet;
use crate::facts::{Known, Table, Values};
use crate::item::one_line;
use crate::rollup::{Compared, Window, unlike};
use crate::strategy::{Proven, Target, Task};

impl CrateDb {
    /// From when on the rollup says that raw rows are kept.
    pub(in super::super) async fn raw_kept_from(
        &self,
        proven: &Proven,
    ) -> Result<Option<Timestamp>, Failure> {
        let (_, states) = self.rollup(&proven.rollup).await?;
        Ok(states.first().and_then(|state| state.kept_from))
    }

    /// Whether the first level has the sums of a partition that nobody can write to; it is given what came late. Tells its rows.
    pub(in super::super) async fn prove_partition(
        &self,
        (table, partition): (&TableName, &Values),
        proven: &Proven,
    ) -> Result<u64, Failure> {
        let (sheet, window) = self.partition_window((table, partition), proven).await?;
        let (source, condition) = source(table, partition);
        let compared = self
            .compare_or_mend(&sheet, &window, (&source, &condition))
            .await?;
        Ok(compared.rows)
    }

    /// The same just before it goes, when nothing is made anew any more.
    pub(in super::super) async fn prove_partition_again(
        &self,
        (table, partition): (&TableName, &Values),
        proven: &Proven,
        rows: u64,
    ) -> Result<(), Failure> {
        let (sheet, window) = self.partition_window((table, partition), proven).await?;
        let (source, condition) = source(table, partition);
        let compared: Compared = self
            .compare_sealed(&sheet, &window, (&source, &condition))
            .await?;
        match compared.different == 0 && compared.rows == rows {
            true => Ok(()),
            false => Err(unlike(&window, compared)),
        }
    }

    /// Says that the raw rows up to the end of a partition go: from now on no bucket is made from them. It is said before they go,
    /// so that there is no moment at which buckets could be made from a table that has not all of their rows any more.
    pub(in super::super) async fn let_partition_go(
        &self,
        (table, partition): (&TableName, &Values),
        proven: &Proven,
    ) -> Result<(), Failure> {
        let (_, window) = self.partition_window((table, partition), proven).await?;
        self.keep_from((&proven.rollup, 0), window.to).await
    }

    /// Takes that back: the partition stays.
    pub(in super::super) async fn keep_partition(
        &self,
        (table, partition): (&TableName, &Values),
        proven: &Proven,
        before: Option<Timestamp>,
    ) -> Result<(), Failure> {
        if !self.is_there(table, partition).await? {
            return Ok(());
        }
        let window = match self.partition_window((table, partition), proven).await {
            Ok((_, window)) => window,
            // Somebody removed the rollup: nothing is written of it any more.
            Err(failure) if failure.kind() == ErrorKind::NotFound => return Ok(()),
            Err(failure) => return Err(failure),
        };
        if before.is_some_and(|before| before >= window.to) {
            return Ok(());
        }
        self.keep_again((&proven.rollup, 0), window.to, before).await
    }

    /// The window of a partition's values.
    async fn partition_window(
        &self,
        (table, partition): (&TableName, &Values),
        proven: &Proven,
    ) -> Result<(Sheet, Window), Failure> {
        let (sheet, _) = self.rollup(&proven.rollup).await?;
        let facts = self.read_facts(table).await?;
        let window = facts.and_then(|facts| window_of(&sheet, &facts, partition));
        let window = window.ok_or_else(|| {
            let reason = "its values do not tell which buckets it has";
            Failure::new(ErrorKind::Invalid, reason)
        })?;
        Ok((sheet, window))
    }

    /// What shows that the next level has the sums of what goes, and removes it, for people.
    pub(in super::super) fn proving(&self, facts: &Table, task: &Task) -> Vec<String> {
        let known = facts.rollup.as_ref();
        let known = known.and_then(|defined| Some((&defined.name, defined.definition.rollup()?.clone())));
        let sheet = known.and_then(|(name, rollup)| self.sheet(name, rollup).ok());
        match (&task.target, sheet) {
            (Target::Values { table, partition, .. }, Some(sheet)) => {
                let window = window_of(&sheet, facts, partition);
                let (source, condition) = source(table, partition);
                let compared = window.map(|window| sheet.compared(&window, (&source, &condition)));
                compared.map(|text| one_line(&text)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The window of a partition, by what the catalogue says of it.
fn window_of(sheet: &Sheet, facts: &Table, partition: &Values) -> Option<Window> {
    let mut all = facts.partitions.iter();
    let known =
        all.find(|it| matches!(&it.known, Known::Values(values) if values.ident == partition.ident))?;
    let utc = jiff::tz::TimeZone::UTC;
    let moment = |text: &Option<String>| sheet.time.moment(text.as_deref()?, &utc);
    let range = known.range(&sheet.rollup.column)?;
    (partition.values.len() == 1).then_some(Window {
        rollup: sheet.name.clone(),
        level: 1,
        from: moment(&range.from)?,
        to: moment(&range.to)?,
    })
}

/// The rows of a partition, as part of statements that are made of texts only.
fn source(table: &TableName, partition: &Values) -> (String, String) {
    let (sql, args) = of_partition(partition);
    let condition = Bound { sql, args };
    (quoted(table), condition.written())
}
