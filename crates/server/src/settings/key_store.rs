//! The system's key stores, asked by the programs that belong to them: the desktop's by `secret-tool` (Secret Service
//! over D-Bus), the kernel's by `keyctl`.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ostler_vocabulary::ErrorKind;

/// A key store that is locked may ask somebody who is not there; a backup at night rather fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest secret in bytes.
const LARGEST: u64 = 64 * 1024;

/// What one program said.
enum Answer {
    Found(String),
    /// It works and has no such entry.
    Nothing,
    /// It cannot tell, for this reason.
    Failed(String),
    /// It is not installed.
    Missing,
}

/// The secret of this name: from the first program that has it. Blocks.
pub(super) fn look_up(name: &str) -> Result<String, (ErrorKind, String)> {
    let entry = format!("%user:ostler:{name}");
    let programs: [(&str, &[&str]); 2] = [
        ("secret-tool", &["lookup", "service", "ostler", "account", name]),
        ("keyctl", &["pipe", &entry]),
    ];
    let mut reasons = Vec::new();
    let mut kind = ErrorKind::NotFound;
    for (program, arguments) in programs {
        match ask(program, arguments) {
            Answer::Found(text) => return Ok(text),
            Answer::Nothing => reasons.push(format!("{program} has no such entry")),
            Answer::Failed(reason) => {
                kind = ErrorKind::Unavailable;
                reasons.push(format!("{program} says: {reason}"));
            }
            Answer::Missing => {}
        }
    }
    if reasons.is_empty() {
        return Err((
            ErrorKind::Unsupported,
            "this machine has no key store that we can ask: neither secret-tool nor keyctl is installed"
                .to_owned(),
        ));
    }
    Err((kind, reasons.join("; ")))
}

/// How to put a secret where [`look_up`] finds it.
pub(super) fn hint(name: &str) -> String {
    format!(
        "put it there: `secret-tool store --label ostler service ostler account {name}`, or, for one session, \
         `keyctl padd user ostler:{name} @s`; or refer to a file"
    )
}

fn ask(program: &str, arguments: &[&str]) -> Answer {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Answer::Missing,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let ended = wait(&mut child);
    let text = |stream: Option<&mut dyn Read>| {
        let mut bytes = Vec::new();
        stream
            .map_or(Ok(0), |stream| stream.take(LARGEST).read_to_end(&mut bytes))
            .map(|_| bytes)
    };
    let (Ok(said), Ok(complaint)) = (
        text(child.stdout.as_mut().map(|stream| stream as _)),
        text(child.stderr.as_mut().map(|stream| stream as _)),
    ) else {
        return Answer::Failed("its answer could not be read".to_owned());
    };
    let complaint = String::from_utf8_lossy(&complaint);
    let complaint: String = complaint
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    match ended {
        Some(true) if !said.is_empty() => match String::from_utf8(said) {
            Ok(text) => Answer::Found(text),
            Err(_) => Answer::Failed("what it has is not text".to_owned()),
        },
        Some(_) if complaint.is_empty() || complaint.starts_with("Can't find") => Answer::Nothing,
        Some(_) => Answer::Failed(complaint),
        None => Answer::Failed("it did not answer within a minute; is the key store locked?".to_owned()),
    }
}

/// Whether it ended well; `None` when it had to be ended. Secrets fit into a pipe, so that nobody waits for a reader.
fn wait(child: &mut Child) -> Option<bool> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
