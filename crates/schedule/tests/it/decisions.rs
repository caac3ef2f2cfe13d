//! What is done at a moment, by the facts: a golden table, and what holds for all histories.

use ostler_api::document::Cause;
use ostler_api::schedule::{Definition, Missed, Overlap, Pause, Schedule, Trigger};
use ostler_schedule::timetable::conformance::definition;
use ostler_schedule::{Facts, Rule, Running, Verdict, decide, overdue};
use ostler_vocabulary::Timestamp;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

/// Every day at 02:00 UTC, made on the first of November.
fn daily() -> Definition {
    Definition {
        zone: "UTC".into(),
        ..definition(Trigger::Cron("0 2 * * *".into()))
    }
}

fn rule(definition: Definition, pause: Option<Pause>) -> Rule {
    Rule::of(&Schedule {
        name: "nightly".into(),
        version: 1,
        created: at("01T00:00"),
        pause,
        definition,
    })
    .unwrap()
}

fn facts(decided: &str) -> Facts {
    Facts {
        decided: at(decided),
        running: None,
        parent: None,
    }
}

fn shown(rule: &Rule, facts: &Facts, now: Timestamp) -> String {
    let decision = decide(rule, facts, now);
    let verdict = match &decision.verdict {
        Verdict::Nothing => "nothing".to_owned(),
        Verdict::Hold(at) => format!("hold what was due at {at}"),
        Verdict::Fire(due) => {
            let missed = due.missed.as_ref().map_or(String::new(), |passed| {
                format!(", {} missed ({})", passed.count, passed.reason)
            });
            format!("run ({:?}) due at {}{missed}", due.cause, due.at)
        }
        Verdict::Pass(passed) => format!("pass {} until {}", passed.count, passed.at),
    };
    let next = decision.next.map_or("–".to_owned(), |next| next.to_string());
    let overdue = overdue(&decision, now).map_or(String::new(), |since| format!("; overdue since {since}"));
    format!("{verdict}; next {next}; {}{overdue}", decision.reasons.join(", "))
}

#[test]
fn decisions_say_what_and_why() {
    let span = |text: &str| Some(text.parse().unwrap());
    let with = |missed: Missed| Definition { missed, ..daily() };
    let wait = || Definition {
        overlap: Overlap::Wait,
        ..daily()
    };
    let after = || definition(Trigger::After("backup".into()));
    let runs = |decided: &str| Facts {
        running: Some(Running {
            due: at("09T02:00"),
            began: at("09T02:00"),
        }),
        ..facts(decided)
    };
    let parent = |decided: &str, ended: &str| Facts {
        parent: Some(at(ended)),
        ..facts(decided)
    };
    let paused = || {
        Some(Pause {
            since: at("05T00:00"),
            reason: Some("holidays".into()),
        })
    };
    let mut text = String::new();
    let mut row = |what: &str, rule: Rule, facts: Facts, now: &str| {
        text.push_str(&format!(
            "{what}, at {now}\n  {}\n",
            shown(&rule, &facts, at(now))
        ));
    };
    row(
        "before the first",
        rule(daily(), None),
        facts("01T00:00"),
        "01T01:59",
    );
    row("on time", rule(daily(), None), facts("01T00:00"), "01T02:00");
    row(
        "decided already",
        rule(daily(), None),
        facts("01T02:00"),
        "01T02:00",
    );
    row(
        "the clock went back",
        rule(daily(), None),
        facts("05T02:00"),
        "02T12:00",
    );
    row("paused", rule(daily(), paused()), facts("04T02:00"), "10T12:00");
    for missed in [Missed::Skip, Missed::Once, Missed::All] {
        row(
            &format!("away for three days, {missed:?}"),
            rule(with(missed), None),
            facts("07T02:00"),
            "10T02:00",
        );
        row(
            &format!("back at noon, {missed:?}"),
            rule(with(missed), None),
            facts("07T02:00"),
            "10T12:00",
        );
    }
    let deadline = || Definition {
        deadline: span("1h"),
        ..daily()
    };
    row(
        "within its deadline",
        rule(deadline(), None),
        facts("09T02:00"),
        "10T02:59",
    );
    row(
        "past its deadline",
        rule(deadline(), None),
        facts("09T02:00"),
        "10T03:01",
    );
    row(
        "one still runs, skip",
        rule(daily(), None),
        runs("09T02:00"),
        "10T02:00",
    );
    row(
        "one still runs, wait",
        rule(wait(), None),
        runs("09T02:00"),
        "10T02:00",
    );
    let late = |decided: &str| Facts {
        running: Some(Running {
            due: at("07T02:00"),
            began: at("09T12:00"),
        }),
        ..facts(decided)
    };
    row(
        "all are made up for, skip",
        rule(with(Missed::All), None),
        late("07T02:00"),
        "09T12:01",
    );
    row(
        "all are made up for, and one became due meanwhile, skip",
        rule(with(Missed::All), None),
        late("09T02:00"),
        "10T02:00",
    );
    row(
        "it ran for two days, wait",
        rule(wait(), None),
        facts("09T02:00"),
        "11T03:00",
    );
    let bounds = || Definition {
        start: Some(at("05T02:00")),
        end: Some(at("07T02:00")),
        ..daily()
    };
    row(
        "before its start",
        rule(bounds(), None),
        facts("01T00:00"),
        "03T12:00",
    );
    row(
        "at its start",
        rule(bounds(), None),
        facts("01T00:00"),
        "05T02:00",
    );
    row("at its end", rule(bounds(), None), facts("06T02:00"), "07T02:00");
    row(
        "no good run to follow",
        rule(after(), None),
        facts("01T00:00"),
        "03T00:00",
    );
    row(
        "a good run to follow",
        rule(after(), None),
        parent("01T00:00", "03T02:10"),
        "03T02:10",
    );
    row(
        "followed already",
        rule(after(), None),
        parent("03T02:10", "03T02:10"),
        "03T02:11",
    );
    let every = || definition(Trigger::Every("6h".parse().unwrap()));
    row(
        "interval, not yet",
        rule(every(), None),
        facts("01T00:00"),
        "01T05:59",
    );
    row("interval", rule(every(), None), facts("01T00:00"), "01T06:00");
    row(
        "interval, late",
        rule(every(), None),
        facts("01T06:00"),
        "02T07:00",
    );
    insta::assert_snapshot!(text);
}

proptest! {
    /// However often and however irregularly somebody looks, and whatever the clock does, every moment is decided on
    /// exactly once, in order, and none before it is due.
    #[test]
    fn every_moment_is_decided_on_once(
        steps in proptest::collection::vec(-7200_i64..20_000, 1..60),
        missed in prop_oneof![Just(Missed::Skip), Just(Missed::Once), Just(Missed::All)],
        waits in any::<bool>(),
        runs_for in 0_usize..4,
        jitter in 0_u64..900,
    ) {
        let rule = rule(
            Definition {
                missed,
                overlap: if waits { Overlap::Wait } else { Overlap::Skip },
                jitter: Some(ostler_vocabulary::Span(std::time::Duration::from_secs(jitter))),
                zone: "Europe/Berlin".into(),
                ..definition(Trigger::Cron("*/30 * * * *".into()))
            },
            None,
        );
        let first = at("01T00:00");
        let mut now = first;
        let mut facts = facts("01T00:00");
        let mut still = 0;
        let mut accounted = 0;
        for step in steps {
            now = now.checked_add(jiff::SignedDuration::from_secs(step)).unwrap();
            if still > 0 {
                still -= 1;
                if still == 0 {
                    facts.running = None;
                }
            }
            for round in 0.. {
                prop_assert!(round < 2000);
                match decide(&rule, &facts, now).verdict {
                    Verdict::Fire(due) => {
                        prop_assert!(due.nominal > facts.decided && due.at <= now && facts.running.is_none());
                        prop_assert!(due.cause != Cause::Due || now.duration_since(due.at).as_secs() <= 60);
                        accounted += 1 + due.missed.map_or(0, |passed| passed.count);
                        facts.decided = due.nominal;
                        if runs_for > 0 {
                            facts.running = Some(Running { due: due.at, began: now });
                            still = runs_for;
                        }
                    }
                    Verdict::Pass(passed) => {
                        prop_assert!(passed.nominal > facts.decided && passed.at <= now);
                        accounted += passed.count;
                        facts.decided = passed.nominal;
                    }
                    Verdict::Hold(_) => {
                        prop_assert!((waits || missed == Missed::All) && facts.running.is_some());
                        break;
                    }
                    Verdict::Nothing => break,
                }
            }
        }
        let expected = (facts.decided.as_second() - first.as_second()) / 1800;
        prop_assert_eq!(i64::try_from(accounted).unwrap(), expected);
    }
}
