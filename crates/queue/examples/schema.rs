//! Prints PgQ's whole schema, for `psql`.

#![expect(clippy::print_stdout, reason = "an example prints")]

fn main() {
    print!("{}", ostler_queue::schema::script(true));
}
