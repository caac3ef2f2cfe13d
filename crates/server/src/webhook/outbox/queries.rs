//! The outbox's queries, each in a file that says what it does and what its parameters are.

macro_rules! queries {
    ($($name:ident: $file:literal,)*) => {
        $(pub(super) const $name: &str = include_str!(concat!("queries/", $file));)*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

queries! {
    ADD_CALLBACK: "add_callback.sql",
    ADD_DELIVERY: "add_delivery.sql",
    ADD_WEBHOOK: "add_webhook.sql",
    ADVANCE: "advance.sql",
    BEGIN_AT: "begin_at.sql",
    CALLBACK: "callback.sql",
    CLAIM: "claim.sql",
    COUNTS: "counts.sql",
    CURSOR: "cursor.sql",
    DELIVERIES: "deliveries.sql",
    DUE: "due.sql",
    FORGET: "forget.sql",
    RECEIVER: "receiver.sql",
    REMOVE_CALLBACK: "remove_callback.sql",
    REMOVE_WEBHOOK: "remove_webhook.sql",
    SETTLE: "settle.sql",
    WEBHOOK_EXISTS: "webhook_exists.sql",
    WEBHOOKS: "webhooks.sql",
}

#[cfg(test)]
mod tests {
    use ostler_state::Database;

    use super::super::KIND;
    use super::ALL;

    #[test]
    fn every_query_fits_the_schema() {
        let directory = tempfile::tempdir().expect("a directory");
        let made = Database::open(&KIND, &directory.path().into()).expect("a new outbox");
        let db = rusqlite::Connection::open(made.path().expect("a file")).expect("that file");
        for (file, sql) in ALL {
            assert!(sql.starts_with("-- "), "{file} does not say what it does");
            db.prepare(sql).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
}
