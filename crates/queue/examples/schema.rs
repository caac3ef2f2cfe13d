//! Prints PgQ's whole schema, for `psql`.

fn main() {
    print!("{}", ostler_queue::schema::script(true));
}
