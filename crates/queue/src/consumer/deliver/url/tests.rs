use std::sync::Mutex;

use async_trait::async_trait;
use ostler_vocabulary::Timestamp;

use super::{Answer, Arc, Body, Duration, HELD, Http, Posted, Receiver, Reply, Url, shown};
use crate::consumer::BatchInfo;

#[test]
fn passwords_and_tokens_are_not_shown() {
    assert_eq!(
        shown("https://me:secret@host:8/p/a@b?token=x#y"),
        "https://host:8/p/a@b"
    );
    assert_eq!(shown("http://host"), "http://host");
}

/// What a receiver got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Got {
    pieces: usize,
    bytes: usize,
    came_to_its_end: bool,
}

/// Takes at most so many pieces, then answers.
struct Web {
    most: usize,
    got: Arc<Mutex<Got>>,
}

#[async_trait]
impl Http for Web {
    async fn post(&self, _url: &str, _headers: Vec<(&'static str, String)>, body: Body) -> Posted {
        let mut got = Got::default();
        match body {
            Body::Whole(bytes) => (got.bytes, got.came_to_its_end) = (bytes.len(), true),
            Body::Pieces(mut pieces) => {
                while got.pieces < self.most {
                    match pieces.next().await? {
                        None => {
                            got.came_to_its_end = true;
                            break;
                        }
                        Some(piece) => {
                            got.pieces += 1;
                            got.bytes += piece.len();
                            self.got.lock().expect("not poisoned").clone_from(&got);
                        }
                    }
                }
            }
        }
        *self.got.lock().expect("not poisoned") = got;
        Ok(Reply {
            status: 200,
            retry_after: None,
            body: b"taken".to_vec(),
        })
    }
}

fn batch() -> BatchInfo {
    BatchInfo {
        batch_id: 1,
        queue: "q".to_owned(),
        consumer: "c".to_owned(),
        sub: None,
        prev_tick_id: 1,
        tick_id: 2,
        prev_tick_time: Timestamp::UNIX_EPOCH,
        tick_time: Timestamp::UNIX_EPOCH,
        prev_tick_event_seq: 0,
        tick_event_seq: 0,
        lag: Duration::ZERO,
    }
}

/// Sends so many lines of 1000 bytes to a receiver that takes so many pieces.
async fn sent(lines: usize, most: usize) -> (Answer, Got) {
    let got = Arc::default();
    let web = Web {
        most,
        got: Arc::clone(&got),
    };
    let mut url = Url::new(web, "http://host");
    url.begin(&batch(), None).await.expect("begun");
    for _ in 0..lines {
        url.more(&[b'x'; 1_000]).await.expect("taken");
    }
    let answer = url.end().await.expect("an answer");
    let got = got.lock().expect("not poisoned").clone();
    (answer, got)
}

#[tokio::test]
async fn a_small_batch_is_sent_as_a_whole_and_a_large_one_in_pieces() {
    let done = Answer::Done(b"taken".to_vec());
    let whole = Got {
        pieces: 0,
        bytes: 9_000,
        came_to_its_end: true,
    };
    assert_eq!(sent(9, usize::MAX).await, (done.clone(), whole));
    let (answer, got) = sent(10_000, usize::MAX).await;
    assert_eq!(answer, done);
    assert_eq!((got.bytes, got.came_to_its_end), (10_000_000, true));
    assert!(got.pieces <= 1 + got.bytes / HELD, "{got:?}");
}

#[tokio::test]
async fn who_answers_before_the_end_gets_no_more() {
    let (answer, got) = sent(10_000, 2).await;
    assert_eq!(answer, Answer::Done(b"taken".to_vec()));
    assert_eq!((got.pieces, got.came_to_its_end), (2, false));
}

#[tokio::test]
async fn a_delivery_that_is_given_up_has_no_regular_end() {
    let got = Arc::default();
    let web = Web {
        most: usize::MAX,
        got: Arc::clone(&got),
    };
    let mut url = Url::new(web, "http://host");
    url.begin(&batch(), None).await.expect("begun");
    for _ in 0..3 * HELD / 1_000 {
        url.more(&[b'x'; 1_000]).await.expect("taken");
    }
    let super::Sending { pieces, posted, .. } = url.sending.take().expect("it is being sent");
    drop(pieces);
    assert!(posted.await.is_err());
    assert!(!got.lock().expect("not poisoned").came_to_its_end);
}
