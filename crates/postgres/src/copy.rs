//! COPY in its text format: rows in, rows out, in pieces that fit memory.
//!
//! Source: "COPY, Text Format" of the PostgreSQL manual.

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, Stream, StreamExt};
use tokio_postgres::CopyInSink;

use crate::{Connection, Error, Transaction};

/// Bytes that are collected before they are sent.
const PIECE: usize = 64 * 1024;

/// Appends a row: fields separated by tabs, NULL as `\N`.
pub fn encode<'a>(row: &mut BytesMut, fields: impl IntoIterator<Item = Option<&'a str>>) {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            row.extend_from_slice(b"\t");
        }
        let Some(field) = field else {
            row.extend_from_slice(b"\\N");
            continue;
        };
        for byte in field.bytes() {
            match byte {
                b'\\' => row.extend_from_slice(b"\\\\"),
                b'\t' => row.extend_from_slice(b"\\t"),
                b'\n' => row.extend_from_slice(b"\\n"),
                b'\r' => row.extend_from_slice(b"\\r"),
                other => row.extend_from_slice(&[other]),
            }
        }
    }
    row.extend_from_slice(b"\n");
}

/// Reads a row without its line end. `None` when it is not text.
#[must_use]
pub fn decode(line: &[u8]) -> Option<Vec<Option<String>>> {
    line.split(|byte| *byte == b'\t').map(field).collect()
}

fn field(text: &[u8]) -> Option<Option<String>> {
    if text == b"\\N" {
        return Some(None);
    }
    if !text.contains(&b'\\') {
        return Some(Some(std::str::from_utf8(text).ok()?.to_owned()));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            other => other,
        });
    }
    Some(Some(String::from_utf8(bytes).ok()?))
}

impl Connection {
    /// What `COPY … TO STDOUT` gives, in pieces as the server sends them, which is a row each.
    ///
    /// # Errors
    /// [`Error::Statement`], also later by the stream.
    pub async fn copy_out(
        &self,
        statement: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + use<'_>, Error> {
        let stream = self.client.copy_out(statement).await;
        let stream = stream.map_err(|source| self.failed(statement, source))?;
        let statement = statement.to_owned();
        Ok(stream.map(move |piece| piece.map_err(|source| self.failed(&statement, source))))
    }
}

impl<'a> Transaction<'a> {
    /// What `COPY … TO STDOUT` gives, in pieces as the server sends them, which is a row each.
    ///
    /// # Errors
    /// [`Error::Statement`], also later by the stream.
    pub async fn copy_out<'b>(
        &'b self,
        statement: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + use<'a, 'b>, Error> {
        let stream = self.inner().copy_out(statement).await;
        let stream = stream.map_err(|source| self.failed(statement, source))?;
        let statement = statement.to_owned();
        Ok(stream.map(move |piece| piece.map_err(|source| self.failed(&statement, source))))
    }

    /// Takes rows for `COPY … FROM STDIN`.
    ///
    /// # Errors
    /// [`Error::Statement`].
    pub async fn copy_in<'b>(&'b self, statement: &str) -> Result<CopyIn<'a, 'b>, Error> {
        let sink = self.inner().copy_in(statement).await;
        let sink = sink.map_err(|source| self.failed(statement, source))?;
        Ok(CopyIn {
            transaction: self,
            statement: statement.to_owned(),
            sink: Box::pin(sink),
            waiting: BytesMut::new(),
        })
    }
}

/// Rows on their way into a table. Dropping it before [`Self::finish`] takes them all back.
pub struct CopyIn<'a, 'b> {
    transaction: &'b Transaction<'a>,
    statement: String,
    sink: std::pin::Pin<Box<CopyInSink<Bytes>>>,
    waiting: BytesMut,
}

impl CopyIn<'_, '_> {
    /// Adds a row.
    ///
    /// # Errors
    /// [`Error::Statement`], perhaps for an earlier row.
    pub async fn row<'c>(&mut self, fields: impl IntoIterator<Item = Option<&'c str>>) -> Result<(), Error> {
        encode(&mut self.waiting, fields);
        if self.waiting.len() >= PIECE {
            self.flush().await?;
        }
        Ok(())
    }

    /// Adds rows that are encoded already.
    ///
    /// # Errors
    /// [`Error::Statement`], perhaps for an earlier row.
    pub async fn raw(&mut self, rows: &[u8]) -> Result<(), Error> {
        self.waiting.extend_from_slice(rows);
        if self.waiting.len() >= PIECE {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let piece = self.waiting.split().freeze();
        let sent = self.sink.send(piece).await;
        sent.map_err(|source| self.transaction.failed(&self.statement, source))
    }

    /// Ends it; how many rows there were.
    ///
    /// # Errors
    /// [`Error::Statement`]: none of the rows is there then.
    pub async fn finish(mut self) -> Result<u64, Error> {
        self.flush().await?;
        let done = self.sink.as_mut().finish().await;
        done.map_err(|source| self.transaction.failed(&self.statement, source))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::{decode, encode};

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(fields in prop::collection::vec(prop::option::of("[^\0]{0,20}"), 1..6)) {
            let mut row = BytesMut::new();
            encode(&mut row, fields.iter().map(|field| field.as_deref()));
            let line = row.strip_suffix(b"\n").expect("a line");
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(decode(line).expect("a row"), fields);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
        }
    }
}
