//! The record's queries, each in a file that says what it does and what its parameters are.

macro_rules! queries {
    ($($name:ident: $file:literal,)*) => {
        $(pub(super) const $name: &str = include_str!(concat!("queries/", $file));)*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

queries! {
    ADD_OBSERVATION: "add_observation.sql",
    ADD_TOTAL: "add_total.sql",
    ADVANCE: "advance.sql",
    CURSOR: "cursor.sql",
    FORGET: "forget.sql",
    OBSERVATIONS: "observations.sql",
    THIN: "thin.sql",
    TOTALS: "totals.sql",
}

#[cfg(test)]
mod tests {
    use super::super::DATABASE;
    use super::ALL;

    #[test]
    fn every_query_fits_the_schema() {
        let directory = tempfile::tempdir().expect("a directory");
        let db = DATABASE.open(directory.path(), "NORMAL").expect("a new record");
        for (file, sql) in ALL {
            assert!(sql.starts_with("-- "), "{file} does not say what it does");
            db.prepare(sql).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
}
