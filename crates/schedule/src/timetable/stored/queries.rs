//! The timetable's queries, each in a file that says what it does and what its parameters are.

macro_rules! queries {
    ($($name:ident: $file:literal,)*) => {
        $(pub(super) const $name: &str = include_str!(concat!("queries/", $file));)*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

queries! {
    ADD_FIRING: "add_firing.sql",
    ADD_SCHEDULE: "add_schedule.sql",
    ADOPT: "adopt.sql",
    ADVANCE: "advance.sql",
    BEAT: "beat.sql",
    CHANGE_SCHEDULE: "change_schedule.sql",
    DECIDE: "decide.sql",
    FIRING: "firing.sql",
    FIRINGS: "firings.sql",
    FORGET: "forget.sql",
    HEAR: "hear.sql",
    LAST_BEAT: "last_beat.sql",
    RAN: "ran.sql",
    REMOVE_SCHEDULE: "remove_schedule.sql",
    REWIND: "rewind.sql",
    SCHEDULES: "schedules.sql",
    UNFINISHED: "unfinished.sql",
}

#[cfg(test)]
mod tests {
    use ostler_state::Database;

    use super::super::KIND;
    use super::ALL;

    #[test]
    fn every_query_fits_the_schema() {
        let directory = tempfile::tempdir().expect("a directory");
        let made = Database::open(&KIND, &directory.path().into()).expect("a new timetable");
        let db = rusqlite::Connection::open(made.path().expect("a file")).expect("that file");
        for (file, sql) in ALL {
            assert!(sql.starts_with("-- "), "{file} does not say what it does");
            db.prepare(sql).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
}
