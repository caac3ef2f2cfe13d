//! *undo*: archived rows brought back. The plan names files; the run adds those of their rows that the table has not, so it
//! can be run as often as one likes.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use jiff::tz::TimeZone;
use ostler_api::document::{Outcome, RetentionProblem};
use ostler_api::request::{Plan, Request, Work};
use ostler_api::retention::{Policy, Undo, UndoItem, UndoProof, UndoReport, UndoWork};
use ostler_operations::{Finished, Operation, Step, plan_digest};
use ostler_store::{Key, Store};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp, Unit};

use crate::archive::{self, Manifest, Names, Rows, Shelves, time_of};
use crate::{Database, Error, cutoff};

/// The kind's name in the journal.
pub const KIND: &str = "retention-undo";
/// The version of its steps.
pub const VERSION: u32 = 1;

/// Works out what would come back.
///
/// # Errors
/// `NotFound` when nothing is archived that is asked for; of the store.
pub async fn plan(
    database: &dyn Database,
    shelves: &dyn Shelves,
    mut request: Undo,
    now: Timestamp,
) -> Result<Plan, Failure> {
    let zone = cutoff::zone(request.time_zone.as_deref().unwrap_or("UTC"))?;
    let moment = |text: &Option<String>| match text {
        Some(text) => cutoff::read(Some(text), &zone, now).map(Some),
        None => Ok(None),
    };
    let (since, until) = (moment(&request.since)?, moment(&request.until)?);
    request.since = since.map(|since| since.to_string());
    request.until = until.map(|until| until.to_string());
    let from = match &request.from {
        Some(from) => from.clone(),
        None => target(&database.policies().await?, &request)?,
    };
    request.from = Some(from.clone());
    let store = shelves.shelf(&from).await?;
    let names = Names::new(&database.database().await?, &request.table);
    let mut items = Vec::new();
    for (key, manifest) in archive::list(store.as_ref(), &names).await? {
        if request
            .archive
            .as_ref()
            .is_none_or(|wanted| *wanted == manifest.archive)
        {
            items.extend(chosen(&key, &manifest, since, until)?);
        }
    }
    if items.is_empty() {
        return Err(Error::NothingArchived {
            table: request.table,
            from,
        }
        .into());
    }
    let work = UndoWork {
        database: database.name(),
        table: request.table.clone(),
        from,
        since,
        until,
        items,
    };
    let place = serde_json::to_vec(&(&work.database, &work.table, since, until)).unwrap_or_default();
    let named: Vec<String> = work
        .items
        .iter()
        .map(|item| format!("{}\0{}", item.file, item.blake3))
        .collect();
    let digest = plan_digest(
        KIND,
        &[&place],
        named.iter().map(|item| (item.as_bytes(), "bring back")),
    );
    let rows: u64 = work.items.iter().map(|item| item.rows).sum();
    Ok(Plan {
        made: now,
        vault: String::new(),
        subject: format!("{rows} archived rows of {} in {}", work.table, work.database),
        backups: Vec::new(),
        digest,
        request: Request::Undo(request),
        work: Work::Undo(work),
    })
}

/// Where the table's policies keep what they archive.
fn target(policies: &[Policy], request: &Undo) -> Result<String, Error> {
    let mut targets: Vec<&String> = policies
        .iter()
        .filter(|policy| policy.table == request.table)
        .filter_map(|policy| policy.target.as_ref())
        .collect();
    targets.sort();
    targets.dedup();
    match targets.as_slice() {
        [only] => Ok((*only).clone()),
        _ => Err(Error::WhichShelf {
            table: request.table.clone(),
            known: targets.into_iter().cloned().collect(),
        }),
    }
}

/// The files of an archive that may hold rows of the range.
fn chosen(
    key: &Key,
    manifest: &Manifest,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<UndoItem>, Failure> {
    let (_, how) = manifest.how()?;
    let zone = cutoff::zone(&manifest.time.zone)?;
    let items = manifest.files.iter().filter(|file| {
        // A time that cannot be told may be in the range: its row is looked at.
        let before = how
            .moment(&file.max, &zone)
            .zip(since)
            .is_some_and(|(max, since)| max < since);
        let after = how
            .moment(&file.min, &zone)
            .zip(until)
            .is_some_and(|(min, until)| min >= until);
        !before && !after
    });
    Ok(items
        .map(|file| UndoItem {
            archive: manifest.archive.clone(),
            made: manifest.made,
            manifest: key.to_string(),
            file: file.key.clone(),
            blake3: file.blake3.clone(),
            rows: file.tally.rows,
            bytes: file.bytes,
            min: file.min.clone(),
            max: file.max.clone(),
            partition: manifest
                .partition
                .as_ref()
                .map(|partition| partition.name.clone()),
        })
        .collect())
}

/// The range in microseconds of the clock of an archive's column: from, and up to.
#[must_use]
pub fn range(manifest: &Manifest, zone: &TimeZone, work: &UndoWork) -> (i64, i64) {
    let civil = matches!(
        manifest.how(),
        Ok((
            _,
            crate::column::TimeColumn::Civil | crate::column::TimeColumn::Date
        ))
    );
    let clock = |moment: Timestamp| match civil {
        true => zone
            .to_datetime(moment)
            .to_zoned(TimeZone::UTC)
            .map_or(moment.as_microsecond(), |there| {
                there.timestamp().as_microsecond()
            }),
        false => moment.as_microsecond(),
    };
    (
        work.since.map_or(i64::MIN, clock),
        work.until.map_or(i64::MAX, clock),
    )
}

/// Runs a plan.
///
/// # Errors
/// [`Error::Busy`]; a database that cannot be reached; what the engine says.
pub async fn run(
    plan: Plan,
    op: Operation,
    database: &dyn Database,
    shelves: &dyn Shelves,
) -> Result<Finished, Failure> {
    let (Request::Undo(request), Work::Undo(work)) = (plan.request, plan.work) else {
        return Err(Error::ForeignPlan.into());
    };
    database.exclude_others(&op).await?;
    let store = shelves.shelf(&work.from).await?;
    let mut archives: BTreeMap<(Timestamp, &str), Vec<&UndoItem>> = BTreeMap::new();
    for item in &work.items {
        archives
            .entry((item.made, &item.manifest))
            .or_default()
            .push(item);
    }
    let mut items: Vec<UndoProof> = Vec::new();
    for ((_, manifest), files) in archives {
        items.extend(
            database
                .bring_back(&op, &work, &files, (manifest, store.as_ref()), request.pace)
                .await?,
        );
    }
    let partial = items
        .iter()
        .filter_map(|proof| {
            let problem = proof.problem.as_ref()?;
            Some(format!("{}: {}", proof.file, problem.reason))
        })
        .collect();
    let report = UndoReport {
        database: work.database.clone(),
        table: work.table.clone(),
        from: work.from.clone(),
        rows_added: items.iter().map(|proof| proof.added).sum(),
        items,
    };
    Ok(Finished {
        outcome: serde_json::to_value(Outcome::Undo(report)).map_err(|error| {
            Failure::new(ErrorKind::Internal, format!("cannot write the report: {error}"))
        })?,
        partial,
    })
}

/// The manifest of a plan's files.
///
/// # Errors
/// `Conflict` when its files are not those of the plan any more; of the store.
pub async fn manifest(store: &dyn Store, key: &str, files: &[&UndoItem]) -> Result<Manifest, Failure> {
    let bytes = store.get(&Key::new(key.to_owned())?).await?;
    let manifest = Manifest::decode(key, &bytes)?;
    let same = |item: &UndoItem| {
        let mut found = manifest.files.iter();
        found.any(|file| file.key == item.file && file.blake3 == item.blake3)
    };
    match files.iter().all(|item| same(item)) {
        true => Ok(manifest),
        false => Err(Failure::new(
            ErrorKind::Conflict,
            format!("{key} has changed since the plan"),
        )),
    }
}

/// Rows that are asked for.
pub(crate) struct Wanted {
    pub rows: u64,
    /// How often each is asked for, by its hash.
    pub hashes: HashMap<[u8; 32], u64>,
}

impl Wanted {
    pub fn of(rows: &Rows, manifest: &Manifest, work: &UndoWork) -> Result<Self, Failure> {
        let (at, how) = manifest.how()?;
        let (since, until) = range(manifest, &cutoff::zone(&manifest.time.zone)?, work);
        let mut wanted = Self {
            rows: 0,
            hashes: HashMap::new(),
        };
        rows.each(|cells, hash| {
            let in_range = time_of(cells, at, how)
                .is_none_or(|time| time >= since && (time < until || until == i64::MAX));
            if in_range {
                wanted.rows += 1;
                *wanted.hashes.entry(hash).or_default() += 1;
            }
        });
        Ok(wanted)
    }
}

/// Brings back file by file, each in a step of its own; what is wrong with one leaves the others be.
pub(crate) async fn each_file<'a, B, F>(
    op: &Operation,
    files: &[&'a UndoItem],
    bring: B,
) -> Result<Vec<UndoProof>, Failure>
where
    B: Fn(&'a UndoItem, Step) -> F + Send + Sync,
    F: Future<Output = Result<Result<UndoProof, RetentionProblem>, Failure>> + Send,
{
    let mut proofs = Vec::new();
    for item in files.iter().copied() {
        let bring = |step: Step| {
            step.progress.add_total(item.rows);
            bring(item, step)
        };
        let brought = op
            .step("bring back")
            .key(&item.file)
            .unit(Unit::Rows)
            .retries(3)
            .run(bring)
            .await?;
        proofs.push(brought.unwrap_or_else(|problem| refused(item, problem)));
    }
    Ok(proofs)
}

/// A proof of a file of which nothing came back.
#[must_use]
pub fn refused(item: &UndoItem, problem: RetentionProblem) -> UndoProof {
    UndoProof {
        archive: item.archive.clone(),
        file: item.file.clone(),
        wanted: 0,
        there: 0,
        added: 0,
        problem: Some(problem),
        note: None,
    }
}
