//! `queue top` on a terminal.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::binary::Ostler;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use rustix::process::{Pid, Signal, kill_process};

fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn top_draws_again_and_leaves_the_terminal_as_it_was() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = server.database();
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let url = server.url(&database);
    ostler.ok(["queue", "install", "--dsn", &url]);
    ostler.ok([
        "queue",
        "create",
        "orders",
        "a_queue_with_quite_a_long_name_for_a_table",
        "--dsn",
        &url,
    ]);
    // `script` gives it a terminal, and keeps what is written there.
    let inside = format!(
        "stty cols 80 rows 24; echo $$ > pid; exec {} queue top --every 100ms --dsn {url}",
        env!("CARGO_BIN_EXE_ostler")
    );
    let mut terminal = Command::new("script");
    terminal
        .args(["-q", "-e", "-f", "-c", &inside, "screen"])
        .current_dir(ostler.home())
        .env("HOME", ostler.home())
        .env("TERM", "xterm")
        .env_remove("COLUMNS")
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut terminal = terminal.spawn().expect("script (util-linux) runs");
    let screen = || {
        let bytes = fs::read(ostler.home().join("screen")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    until("it shows the queue", || screen().contains("orders"));
    ostler.ok(["queue", "create", "later", "--dsn", &url]);
    until("it shows the new queue too", || screen().contains("later"));
    let pid = fs::read_to_string(ostler.home().join("pid")).unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert!(terminal.wait().unwrap().success(), "{}", screen());
    let text = screen();
    let (before, last) = text.rsplit_once("\x1b[?1049l").expect("the screen is left");
    assert!(
        before.contains("\x1b[?1049h") && before.ends_with("\x1b[?25h"),
        "{text:?}"
    );
    assert!(!last.contains("orders"), "{last:?}");
    // No line is wider than the terminal.
    let page = before.rsplit("\x1b[2J").next().unwrap();
    let plain = |line: &str| {
        let mut width = 0;
        let mut in_code = false;
        for character in line.trim_end().chars() {
            match character {
                '\x1b' => in_code = true,
                c if in_code => in_code = !c.is_ascii_alphabetic(),
                _ => width += 1,
            }
        }
        width
    };
    for line in page.lines() {
        assert!(plain(line) <= 80, "{} columns: {line}", plain(line));
    }
}
