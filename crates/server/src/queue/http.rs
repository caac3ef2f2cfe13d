//! Requests of consumers.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream;
use ostler_queue::consumer::deliver::{Body, Http, Pieces, Reply};

/// How long a receiver may take to answer; of a body in pieces, whoever sends them looks at that.
const TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const ANSWER: usize = 64 << 20;

/// Sends with the one HTTP client of the program.
pub struct Requests(reqwest::Client);

impl Requests {
    /// A client that follows no redirects.
    pub fn new() -> Result<Self, reqwest::Error> {
        ostler_store::provide_tls();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self(client))
    }
}

#[async_trait]
impl Http for Requests {
    async fn post(
        &self,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Body,
    ) -> Result<Reply, Box<dyn Error + Send + Sync>> {
        let request = self.0.post(url);
        let mut request = match body {
            Body::Whole(bytes) => request.body(bytes).timeout(TIMEOUT),
            Body::Pieces(pieces) => request.body(stream_of(pieces)),
        };
        for (name, value) in headers {
            request = request.header(name, value);
        }
        // The URL may hold a password.
        let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status().as_u16();
        let after = response.headers().get("retry-after");
        let retry_after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER {
                return Err(format!("the answer is longer than {ANSWER} bytes").into());
            }
        }
        Ok(Reply {
            status,
            retry_after,
            body,
        })
    }
}

/// A body that ends with an error when its pieces were given up: the connection is then closed within it.
fn stream_of(pieces: Pieces) -> reqwest::Body {
    reqwest::Body::wrap_stream(stream::try_unfold(pieces, |mut pieces| async move {
        pieces.next().await.map(|next| next.map(|piece| (piece, pieces)))
    }))
}
