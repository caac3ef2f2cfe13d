//! The journal's queries, each in a file that says what it does and what its parameters are.

macro_rules! queries {
    ($($name:ident: $file:literal,)*) => {
        $(pub(crate) const $name: &str = include_str!(concat!("queries/", $file));)*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

queries! {
    ACQUIRE_LEASE: "acquire_lease.sql",
    ADD_AUDIT: "add_audit.sql",
    ADD_MESSAGE: "add_message.sql",
    AUDIT: "audit.sql",
    BEGIN_STEP: "begin_step.sql",
    CHANGES: "changes.sql",
    CLAIM_OPERATION: "claim_operation.sql",
    COMMIT_OPERATION: "commit_operation.sql",
    CONFIRM_LEASE: "confirm_lease.sql",
    CREATE_OPERATION: "create_operation.sql",
    END_OPERATION: "end_operation.sql",
    END_STEP: "end_step.sql",
    FORGET_OTHER_STEP: "forget_other_step.sql",
    HEARTBEAT: "heartbeat.sql",
    LEASE: "lease.sql",
    MESSAGES: "messages.sql",
    NEWEST_CHANGE: "newest_change.sql",
    NEWEST_CHANGE_POSTGRES: "newest_change.postgres.sql",
    NEWEST_OPERATIONS: "newest_operations.sql",
    NEWEST_PROGRESS: "newest_progress.sql",
    OPERATION: "operation.sql",
    OPERATION_HEAD: "operation_head.sql",
    OPERATION_IDS: "operation_ids.sql",
    PAGE_BELOW: "page_below.sql",
    PRUNE_HISTORY: "prune_history.sql",
    RECORD_PROGRESS: "record_progress.sql",
    RELEASE_OPERATION: "release_operation.sql",
    REQUEST_CANCEL: "request_cancel.sql",
    REQUEST_LEAVE: "request_leave.sql",
    REQUESTS: "requests.sql",
    REWIND: "rewind.sql",
    STEPS: "steps.sql",
    SURRENDER_LEASE: "surrender_lease.sql",
    UNDONE_FROM_FIRST: "undone_from_first.sql",
    UNDO_FAILED: "undo_failed.sql",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use rusqlite::Connection;

    use ostler_state::Database;

    use super::super::file::KIND;
    use super::{ALL, NEWEST_OPERATIONS, OPERATION};

    fn migrated(directory: &Path) -> Connection {
        let made = Database::open(&KIND, &directory.into()).expect("a new journal");
        Connection::open(made.path().expect("a file")).expect("that file")
    }

    #[test]
    fn every_query_fits_the_schema_and_names_its_parameters() {
        let directory = tempfile::tempdir().expect("a directory");
        let db = migrated(directory.path());
        for (file, sql) in ALL.iter().filter(|(file, _)| !file.ends_with(".postgres.sql")) {
            let (says, _) = sql.split_at(
                sql.lines()
                    .take_while(|line| line.starts_with("-- "))
                    .map(|line| line.len() + 1)
                    .sum(),
            );
            let statement = db.prepare(sql).unwrap_or_else(|e| panic!("{file}: {e}"));
            for number in 1..=statement.parameter_count() {
                assert!(
                    says.contains(&format!("?{number} ")),
                    "{file} does not say what ?{number} is"
                );
            }
            let more = format!("?{} ", statement.parameter_count() + 1);
            assert!(
                !says.is_empty() && !says.contains(&more),
                "{file} says more than there is"
            );
        }
    }

    #[test]
    fn every_file_is_a_query_in_use() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/journal/stored/queries");
        let files: BTreeSet<String> = folder
            .read_dir()
            .expect("the folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .collect();
        assert_eq!(files, ALL.iter().map(|(file, _)| (*file).to_owned()).collect());
    }

    #[test]
    fn both_queries_for_operations_give_the_same_columns() {
        let directory = tempfile::tempdir().expect("a directory");
        let db = migrated(directory.path());
        let [one, newest] = [OPERATION, NEWEST_OPERATIONS].map(|sql| {
            let statement = db.prepare(sql).expect("a query");
            statement
                .column_names()
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        assert_eq!(one, newest);
    }
}
