//! Members of a cooperative consumer, a process each; one is killed in the middle of its batch.

use std::process::{Child, Stdio};

use crate::queue::until;
use crate::queue_consume::{Place, place};

const BATCHES: usize = 12;
const EVENTS: usize = 20;

/// A process, killed when dropped.
struct Member(Child);

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A member whose command prints SQL for the target, which is the same database.
fn start(place: &Place, name: &str, dead_after: &str, script: &str) -> Member {
    let url = place.server.url(&place.database);
    let member = ["--sub", name, "--dead-after", dead_after, "--poll", "100ms"];
    let work = ["--per", "batch", "--target", &url, "--", "sh", "-c", script];
    let mut words = place.words(&url, "consume", &[&member[..], &work].concat());
    words.retain(|word| *word != "--until-idle");
    let mut command = place.ostler.command(words);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    Member(command.spawn().expect("it starts"))
}

#[test]
fn what_a_killed_member_had_is_done_by_another_and_nothing_twice() {
    let Some(place) = place() else { return };
    let sql = |text: &str| place.server.sql(&place.database, text);
    sql("create table got (data text)");
    for member in ["one", "two", "three"] {
        sql(&format!(
            "select pgq_coop.register_subconsumer('q', 'c', '{member}')"
        ));
    }
    for batch in 0..BATCHES {
        sql(&format!(
            "select pgq.insert_event('q', 'test', '{batch}_' || n) from generate_series(1, {EVENTS}) n"
        ));
        sql("select pgq.ticker('q')");
    }
    // It begins with its batch and does not come to an end.
    let hangs = "cat > begun; n=0; while [ ! -e over ] && [ $n -lt 3000 ]; do sleep 0.1; n=$((n + 1)); done";
    let mut killed = start(&place, "one", "1h", hangs);
    let begun = place.ostler.home().join("begun");
    until("the first member has a batch", || {
        std::fs::read_to_string(&begun).is_ok_and(|text| text.lines().count() == EVENTS)
    });
    killed.0.kill().expect("killed");
    killed.0.wait().expect("it ends");

    let insert = "sed 's/.*\"ev_data\":\"\\([0-9_]*\\)\".*/insert into got values ('\"'\\1'\"');/'";
    let others = ["two", "three"].map(|name| start(&place, name, "1s", insert));
    let wanted = (BATCHES * EVENTS).to_string();
    until("all is done", || {
        sql("select count(distinct data) from got") == [[Some(wanted.clone())]]
    });
    // Until everybody has nothing more to do.
    until("no batch is open", || {
        sql("select count(*) from pgq.subscription where sub_batch is not null") == [[Some("0".to_owned())]]
    });
    drop(others);
    assert_eq!(sql("select count(*) from got"), [[Some(wanted)]]);
    let gone = "select count(*) from pgq.subscription join pgq.consumer on co_id = sub_consumer where co_name = 'c.one'";
    assert_eq!(sql(gone), [[Some("0".to_owned())]], "its place was taken over");
    std::fs::write(place.ostler.home().join("over"), "").expect("written");
}
