//! How much memory a consumer needs for one large batch. There is no contender: it is a promise of ours.

use std::process::Command;

use anyhow::{Context, Result};

use super::Size;
use super::place::{OURS, Place, text};
use crate::bench::compared::Rows;
use crate::bench::measure;

pub fn round(place: &Place, size: &Size, rows: &mut Rows) -> Result<()> {
    let url = place.server.url(OURS);
    let target = place.server.url("postgres");
    let ways: [(&str, &str, Vec<&str>); 3] = [
        (
            "by a command",
            "consume",
            vec!["--per", "batch", "--", "sh", "-c", "cat > /dev/null"],
        ),
        (
            "by a command, exactly once",
            "consume",
            vec![
                "--per",
                "batch",
                "--target",
                &target,
                "--",
                "sh",
                "-c",
                "wc -l | sed 's/^/-- /'",
            ],
        ),
        (
            "moved into another queue",
            "move",
            vec!["--to", "copy", "--create-queues"],
        ),
    ];
    place.install("postgres")?;
    for (what, verb, words) in ways {
        let scenario = format!("one batch of {} events, {what}", size.events);
        let mut session = place.session(OURS)?;
        session.run("select pgq.create_queue('large'); select pgq.register_consumer('large', 'c')")?;
        let table = text(&session.run("begin; select pgq.current_event_table('large')")?)?;
        session.run(&format!(
            "insert into {table} (ev_time, ev_type, ev_data) select now(), 'type', repeat('x', 100) from generate_series(1, {})",
            size.events
        ))?;
        session.run("commit; select pgq.force_tick('large')")?;
        session.run("select pgq.ticker('large')")?;
        let directory = place.server.directory().join("consumer");
        std::fs::create_dir_all(&directory)?;
        let mut command = Command::new(place.ostler());
        command
            .args([
                "queue",
                verb,
                "large",
                "--consumer",
                "c",
                "--until-idle",
                "--dsn",
                &url,
            ])
            .args(words)
            .env("HOME", &directory)
            .env("OSTLER_STATE_DIR", &directory);
        let taken =
            measure::used(&command, &directory.join("log")).with_context(|| format!("a batch {what}"))?;
        rows.add(
            &scenario,
            "MiB",
            "ostler",
            f64::NAN,
            taken.peak as f64 / f64::from(1 << 20),
        );
        let rate = size.events as f64 / taken.wall;
        rows.add(&scenario, "events/s", "ostler", f64::NAN, rate);
        session.run("select pgq.drop_queue('large', true)")?;
        session.run("select pgq.drop_queue(queue_name, true) from pgq.queue where queue_name = 'copy'")?;
    }
    Ok(())
}
