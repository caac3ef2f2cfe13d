//! Events of an operation, from the stream of a server.

use std::time::Duration;

use http::Method;
use ostler_api::Event;
use ostler_vocabulary::{ErrorKind, OperationId};
use reqwest::Response;
use tokio::sync::mpsc;

use super::{Query, Remote};

/// How often a stream that broke off is asked for again, and the first pause between; each is twice the one before.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of an event at most.
const LONGEST: usize = 1 << 20;

/// The events in this answer, and in those that follow when it breaks off: a server may be started anew.
pub fn follow(remote: Remote, operation: OperationId, response: Response) -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(64);
    // Ends with the last event, with the attempts, or when nobody listens any more.
    drop(tokio::spawn(async move {
        let mut response = Some(response);
        let mut attempt = 0;
        while attempt < ATTEMPTS {
            if let Some(stream) = response.take() {
                match pass_on(stream, &sender).await {
                    Ended::Last | Ended::Unheard => return,
                    Ended::BrokenOff { any: true } => attempt = 0,
                    Ended::BrokenOff { any: false } => {}
                }
            }
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt)) => {}
            }
            attempt += 1;
            let path = ["operations", &operation.to_string(), "events"];
            match remote
                .send(remote.request(Method::GET, &path, &Query::new()))
                .await
            {
                Ok(next) => response = Some(next),
                Err(failure) if matches!(failure.kind(), ErrorKind::Unavailable | ErrorKind::Timeout) => {}
                Err(_) => return,
            }
        }
    }));
    receiver
}

/// How a stream ended.
enum Ended {
    /// With the last event.
    Last,
    /// Nobody listens.
    Unheard,
    /// In the middle.
    BrokenOff {
        /// Whether there was an event before.
        any: bool,
    },
}

async fn pass_on(mut response: Response, sender: &mpsc::Sender<Event>) -> Ended {
    let mut lines = Lines::default();
    let mut any = false;
    loop {
        let piece = tokio::select! {
            () = sender.closed() => return Ended::Unheard,
            piece = response.chunk() => piece,
        };
        let Ok(Some(piece)) = piece else {
            return Ended::BrokenOff { any };
        };
        for event in lines.events(&piece) {
            any = true;
            let last = matches!(event, Event::Ended { .. });
            if sender.send(event).await.is_err() {
                return Ended::Unheard;
            }
            if last {
                return Ended::Last;
            }
        }
    }
}

/// Lines of an event stream, which come in pieces of any size.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// The events that end in this piece. An event of ours is one line of data; those that are not known are of a newer
    /// server, and left out.
    fn events(&mut self, piece: &[u8]) -> Vec<Event> {
        self.begun.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            let data = line.strip_prefix(b"data:").unwrap_or_default();
            events.extend(serde_json::from_slice::<Event>(data).ok());
        }
        if self.begun.len() > LONGEST {
            self.begun.clear();
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use ostler_api::Event;

    use super::Lines;

    #[test]
    fn events_come_out_whole_whatever_the_pieces() {
        let text = b": a comment\n\ndata: {\"event\":\"message\",\"text\":\"a\"}\n\ndata: {\"event\":\"unheard of\"}\n\n\
                     data: {\"event\":\"ended\",\"state\":\"succeeded\"}\n\n";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let events: Vec<Event> = text.chunks(size).flat_map(|piece| lines.events(piece)).collect();
            assert_eq!(events.len(), 2, "{events:?}");
            assert!(matches!(events[1], Event::Ended { .. }));
        }
    }
}
