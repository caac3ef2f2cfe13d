//! Metrics over the least HTTP there is: whatever is asked for, the answer is the metrics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ostler_queue::ticker::{Board, prometheus};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Who takes longer is hung up on.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| {
        Failure::new(
            ErrorKind::Unavailable,
            format!("cannot listen on {address}: {error}"),
        )
    })
}

/// Answers one after another.
pub(super) async fn serve(listener: TcpListener, board: Arc<Board>, cancel: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, _)) = accepted {
            // That a reader went away is its own affair.
            let _ = timeout(PATIENCE, answer(stream, &board)).await;
        }
    }
}

async fn answer(mut stream: TcpStream, board: &Board) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await?;
    let body = prometheus(board);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
