//! Lists of operations, and which are forgotten.

use ostler_vocabulary::OperationCursor;

use super::{at, create, ending, living};
use crate::journal::{Journal, Ownership};
use crate::record::State;

pub(super) fn a_list_goes_on_where_a_page_ended_though_its_end_is_gone(journal: &dyn Journal) {
    // Clocks of two servers differ: what was begun later may have started earlier.
    let all: Vec<_> = [3, 1, 4, 5]
        .map(|second| create(journal, &living(), second))
        .into();
    let after = |by: &Ownership, second: i64| {
        let cursor = OperationCursor {
            started: at(second),
            id: by.id,
        };
        let page = journal.list(2, Some(&cursor)).unwrap();
        page.iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(after(&all[3], 5), [all[2].id, all[1].id]);
    assert_eq!(after(&all[1], 1), [all[0].id]);
    assert!(after(&all[0], 3).is_empty());
    journal
        .end(&all[2], &ending(State::Succeeded), 0, at(10))
        .unwrap();
    assert_eq!(journal.prune(at(11), 0).unwrap(), 1);
    assert_eq!(after(&all[2], 4), [all[1].id, all[0].id]);
    assert!(after(&all[2], 0).is_empty());
}

pub(super) fn history_is_pruned_by_age_and_number(journal: &dyn Journal) {
    let all: Vec<_> = (0..5).map(|n| create(journal, &living(), n)).collect();
    for (by, state) in
        all[1..]
            .iter()
            .zip([State::Succeeded, State::Failed, State::Cancelled, State::Partial])
    {
        journal.end(by, &ending(state), 0, at(10)).unwrap();
    }
    assert_eq!(journal.prune(at(10), 0).unwrap(), 0);
    assert_eq!(journal.prune(at(11), 2).unwrap(), 2);
    let left: Vec<_> = journal
        .list(9, None)
        .unwrap()
        .iter()
        .map(|record| record.id)
        .collect();
    assert_eq!(left, [all[4].id, all[3].id, all[0].id]);
    assert_eq!(journal.prune(at(11), 0).unwrap(), 2);
    // What is not over is in nobody's way, and there may be much to forget.
    for _ in 0..120 {
        create(journal, &living(), 20);
    }
    for _ in 0..250 {
        let by = create(journal, &living(), 20);
        journal.end(&by, &ending(State::Succeeded), 0, at(30)).unwrap();
    }
    assert_eq!(journal.prune(at(31), 10).unwrap(), 240);
    assert_eq!(journal.list(500, None).unwrap().len(), 1 + 120 + 10);
}
