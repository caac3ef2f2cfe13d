//! Quoted names and texts mean themselves to the server.

use std::fmt::Write as _;

use ostler_postgres::quote;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::random::Random;
use ostler_testkit::servers::shared_postgres;

const HARD: &[char] = &[
    '\'', '"', '\\', '$', ';', '-', '\n', '\t', '\r', ' ', '%', '\u{1}', 'ü', '\u{2028}', '🐘', 'a', 'E', '0',
];

#[test]
fn what_is_quoted_comes_back_whatever_it_is() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let seed = std::env::var("OSTLER_TEST_SEED")
        .map_or_else(|_| u64::from(std::process::id()), |text| text.parse().unwrap());
    let mut random = Random::new(seed);
    let mut wire = server.wire("postgres").unwrap();
    for setting in ["on", "off"] {
        let mut statement = String::from("SELECT");
        let mut expected = Vec::new();
        for at in 0..400 {
            let text: String = (0..random.below(12))
                .map(|_| HARD[random.below(HARD.len() as u64) as usize])
                .collect();
            let comma = if at == 0 { "" } else { "," };
            write!(statement, "{comma}{}", quote::literal(&text)).unwrap();
            expected.push(Some(text));
        }
        wire.query(&format!("SET standard_conforming_strings = {setting}"))
            .unwrap();
        assert_eq!(wire.query(&statement).unwrap(), [expected.clone()], "seed {seed}");

        let names: Vec<&str> = expected
            .iter()
            .flatten()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        for name in names.into_iter().take(100) {
            let quoted = quote::identifier(name);
            let rows = wire.query(&format!("CREATE TEMP TABLE {quoted} (); SELECT relname FROM pg_class WHERE relname = {}; DROP TABLE {quoted}", quote::literal(name)));
            assert_eq!(rows.unwrap(), [[Some(name.to_owned())]], "seed {seed}");
        }
    }
}
