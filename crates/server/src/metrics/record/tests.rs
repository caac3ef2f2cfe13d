use ostler_vocabulary::Timestamp;

use super::super::observation::{Kind, Observation, Seen, SeenVault};
use super::super::totals::Addition;
use super::Record;
use crate::everywhere;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_057_600 + second).unwrap()
}

fn look(second: i64, packs: Option<u64>) -> Observation {
    Observation {
        kind: Kind::Vault,
        name: "v".to_owned(),
        at: at(second),
        took_ms: 5,
        failure: packs.is_none().then(|| "no answer".to_owned()),
        seen: packs.map(|packs| {
            Seen::Vault(SeenVault {
                packs,
                ..SeenVault::default()
            })
        }),
        seen_at: packs.map(|_| at(second)),
    }
}

#[test]
fn a_look_that_fails_leaves_what_was_seen_before() {
    everywhere(|place| {
        let record = Record::open(place).unwrap();
        record.add(&look(0, Some(3))).unwrap();
        record.add(&look(9, None)).unwrap();
        let seen = Record::open(place).unwrap().observations().unwrap();
        let expected = Observation {
            seen: look(0, Some(3)).seen,
            seen_at: Some(at(0)),
            ..look(9, None)
        };
        assert_eq!(seen, [expected]);
    });
}

#[test]
fn of_days_that_are_over_one_look_stays() {
    everywhere(|place| {
        let record = Record::open(place).unwrap();
        let day = 86_400;
        for (second, packs) in [
            (-2 * day, Some(1)),
            (-2 * day + 5, Some(2)),
            (-2 * day + 9, None),
            (-day, Some(3)),
            (5, Some(4)),
            (6, Some(5)),
        ] {
            record.add(&look(second, packs)).unwrap();
        }
        assert_eq!(record.forget(at(-90 * day), at(10)).unwrap(), 2);
        assert_eq!(record.forget(at(-90 * day), at(10)).unwrap(), 0);
        assert_eq!(record.forget(at(-day), at(10)).unwrap(), 1);
        assert_eq!(record.observations().unwrap(), [look(6, Some(5))]);
    });
}

#[test]
fn what_happened_is_counted_once() {
    everywhere(|place| {
        let record = Record::open(place).unwrap();
        let one = Addition {
            name: "n",
            labels: [("kind".to_owned(), "k".to_owned())].into(),
            value: 2.5,
        };
        record.count(0, 7, &[one.clone(), one.clone()]).unwrap();
        // Another process that read the same changes comes too late.
        record.count(0, 8, std::slice::from_ref(&one)).unwrap();
        assert_eq!(record.cursor().unwrap(), 7);
        let totals = record.totals().unwrap();
        assert_eq!((totals.len(), totals[0].value), (1, 5.0));
        assert_eq!(totals[0].labels, one.labels);
    });
}
