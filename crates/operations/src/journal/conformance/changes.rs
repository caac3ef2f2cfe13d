//! What became of operations is told in order, and nothing of it is missing.

use super::{SILENCE, at, create, ending, living};
use crate::journal::Journal;
use crate::record::State;
use crate::testing::dead_process;

pub(super) fn every_change_of_state_has_its_line(journal: &dyn Journal) {
    assert_eq!(journal.newest_change().unwrap(), 0);
    let one = create(journal, &dead_process(7), 0);
    let two = create(journal, &living(), 1);
    // What changes no state has no line.
    journal.look(&two, &[], Some(5), at(2)).unwrap();
    let one = journal.claim(one.id, &living(), SILENCE, at(3)).unwrap();
    journal.release(&one, 0, at(4)).unwrap();
    let one = journal.claim(one.id, &living(), SILENCE, at(5)).unwrap();
    journal.end(&one, &ending(State::Failed), 0, at(6)).unwrap();
    journal.request(two.id, false).unwrap();
    journal.request(two.id, false).unwrap();
    journal.end(&two, &ending(State::Cancelled), 0, at(7)).unwrap();
    let told: Vec<_> = journal
        .changes(0, 100)
        .unwrap()
        .into_iter()
        .map(|change| (change.operation, change.epoch, change.state, change.at))
        .collect();
    let expected = [
        (one.id, 1, State::Running, at(0)),
        (two.id, 1, State::Running, at(1)),
        (one.id, 2, State::Running, at(3)),
        (one.id, 2, State::Interrupted, at(4)),
        (one.id, 3, State::Running, at(5)),
        (one.id, 3, State::Failed, at(6)),
        (two.id, 1, State::Cancelling, at(2)),
        (two.id, 1, State::Cancelled, at(7)),
    ];
    assert_eq!(told, expected);
    let all = journal.changes(0, 100).unwrap();
    assert!(all.windows(2).all(|pair| pair[0].number < pair[1].number));
    assert_eq!(journal.changes(all[2].number, 3).unwrap(), all[3..6]);
    assert_eq!(journal.newest_change().unwrap(), all[7].number);
    // They go with their operation, and their numbers are never given again.
    journal.prune(at(100), 0).unwrap();
    assert_eq!(journal.changes(0, 100).unwrap(), []);
    assert_eq!(journal.newest_change().unwrap(), all[7].number);
    create(journal, &living(), 8);
    assert!(journal.changes(0, 100).unwrap()[0].number > all[7].number);
}
