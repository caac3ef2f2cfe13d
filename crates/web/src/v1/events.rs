//! What happens to an operation, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderName, HeaderValue};
use ostler_api::Event;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often something is sent although nothing happens, so that nobody on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The events as an answer, until the last one, or until the server ends; a browser then asks again.
pub(super) fn stream(receiver: mpsc::Receiver<Event>, shutdown: CancellationToken) -> Response {
    let events = stream::unfold((receiver, shutdown), |(mut receiver, shutdown)| async move {
        let event = tokio::select! {
            () = shutdown.cancelled() => None,
            event = receiver.recv() => event,
        }?;
        Some((Ok::<_, Infallible>(sent(&event)), (receiver, shutdown)))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    // Some proxies collect an answer before they pass it on.
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

fn sent(event: &Event) -> Sent {
    Sent::default().data(serde_json::to_string(event).unwrap_or_default())
}
