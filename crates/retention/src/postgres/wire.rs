//! COPY in its binary format as cells, and back.
//!
//! Source: "COPY, Binary Format" of the PostgreSQL manual; values as the types' send functions make them.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::archive::{Cell, Decode, Kind, Packed, Packer};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Days from 1970 to 2000, where PostgreSQL counts from.
const DAYS: i32 = 10_957;
const MICROSECONDS: i64 = 946_684_800_000_000;

/// Reads rows of columns of these kinds.
#[derive(Debug)]
pub(super) struct Reader {
    kinds: Vec<Kind>,
    rest: Bytes,
    begun: bool,
    over: bool,
}

impl Reader {
    pub fn new(kinds: Vec<Kind>) -> Self {
        Self {
            kinds,
            rest: Bytes::new(),
            begun: false,
            over: false,
        }
    }

    /// Gives every row that is whole by now to `each`, with the bytes that its cells point into.
    pub fn rows(
        &mut self,
        piece: Bytes,
        mut each: impl FnMut(&[Option<Cell<'_>>], &Bytes) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let source = if self.rest.is_empty() {
            piece
        } else {
            let mut both = BytesMut::from(&self.rest[..]);
            both.extend_from_slice(&piece);
            both.freeze()
        };
        let mut at = &source[..];
        if !self.begun {
            if at.len() < SIGNATURE.len() + 8 {
                self.rest = source;
                return Ok(());
            }
            let mut head = at
                .strip_prefix(SIGNATURE)
                .ok_or_else(|| unexpected("it has another signature"))?;
            let (flags, extension) = (head.get_u32(), head.get_u32());
            if flags != 0 || extension != 0 {
                return Err(unexpected("it has flags or an extension"));
            }
            at = head;
            self.begun = true;
        }
        let mut cells = Vec::with_capacity(self.kinds.len());
        while !self.over {
            cells.clear();
            let Some(rest) = self.row(at, &mut cells)? else {
                break;
            };
            at = rest;
            if !self.over {
                each(&cells, &source)?;
            }
        }
        self.rest = source.slice_ref(at);
        Ok(())
    }

    /// The cells of a row, and what comes after it; `None` when it is not whole.
    fn row<'a>(
        &mut self,
        mut at: &'a [u8],
        cells: &mut Vec<Option<Cell<'a>>>,
    ) -> Result<Option<&'a [u8]>, Failure> {
        if at.len() < 2 {
            return Ok(None);
        }
        let fields = at.get_i16();
        if fields == -1 {
            self.over = true;
            return Ok(Some(at));
        }
        if usize::try_from(fields) != Ok(self.kinds.len()) {
            return Err(unexpected("a row has another number of fields"));
        }
        for kind in &self.kinds {
            if at.len() < 4 {
                return Ok(None);
            }
            let Ok(length) = usize::try_from(at.get_i32()) else {
                cells.push(None);
                continue;
            };
            let Some((value, rest)) = at.split_at_checked(length) else {
                return Ok(None);
            };
            cells.push(Some(cell(*kind, value)?));
            at = rest;
        }
        Ok(Some(at))
    }

    pub fn ended(&self) -> Result<(), Failure> {
        match self.over && self.rest.is_empty() {
            true => Ok(()),
            false => Err(unexpected("it ends in the middle")),
        }
    }
}

impl Decode for Reader {
    fn piece(&mut self, piece: Bytes, packer: &mut Packer, files: &mut Vec<Packed>) -> Result<(), Failure> {
        self.rows(piece, |cells, source| {
            files.extend(packer.row(cells, source)?);
            Ok(())
        })
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.ended()
    }
}

fn unexpected(reason: &str) -> Failure {
    Failure::new(ErrorKind::Internal, format!("COPY is not as promised: {reason}"))
}

fn cell(kind: Kind, value: &[u8]) -> Result<Cell<'_>, Failure> {
    fn fixed<const N: usize>(value: &[u8]) -> Result<[u8; N], Failure> {
        value
            .try_into()
            .map_err(|_| unexpected("a value has another length"))
    }
    let beyond = || Failure::new(ErrorKind::Unsupported, "a time is too far away to be archived");
    Ok(match kind {
        Kind::Boolean => Cell::Bool(fixed::<1>(value)? != [0]),
        Kind::Smallint => Cell::Int32(i16::from_be_bytes(fixed(value)?).into()),
        Kind::Integer => Cell::Int32(i32::from_be_bytes(fixed(value)?)),
        Kind::Bigint => Cell::Int64(i64::from_be_bytes(fixed(value)?)),
        Kind::Real => Cell::Float(f32::from_be_bytes(fixed(value)?)),
        Kind::Double => Cell::Double(f64::from_be_bytes(fixed(value)?)),
        Kind::Date => Cell::Int32(match i32::from_be_bytes(fixed(value)?) {
            infinite @ (i32::MAX | i32::MIN) => infinite,
            days => days.checked_add(DAYS).ok_or_else(beyond)?,
        }),
        Kind::Timestamp | Kind::Moment => Cell::Int64(match i64::from_be_bytes(fixed(value)?) {
            infinite @ (i64::MAX | i64::MIN) => infinite,
            microseconds => microseconds.checked_add(MICROSECONDS).ok_or_else(beyond)?,
        }),
        Kind::Uuid => Cell::Bytes(&value[..fixed::<16>(value)?.len()]),
        Kind::Bytes | Kind::Json | Kind::Text => Cell::Bytes(value),
    })
}

/// What COPY begins with.
pub(super) fn head(out: &mut BytesMut) {
    out.put_slice(SIGNATURE);
    out.put_u64(0);
}

/// What it ends with.
pub(super) fn tail(out: &mut BytesMut) {
    out.put_i16(-1);
}

/// Appends a row.
pub(super) fn put(out: &mut BytesMut, cells: &[Option<Cell<'_>>], kinds: &[Kind]) {
    out.put_i16(i16::try_from(cells.len()).unwrap_or(i16::MAX));
    for (cell, kind) in cells.iter().zip(kinds) {
        match (cell, kind) {
            (None, _) => out.put_i32(-1),
            (Some(Cell::Bool(value)), _) => sized(out, &[u8::from(*value)]),
            #[allow(clippy::cast_possible_truncation, reason = "a smallint of 16 bits was read")]
            (Some(Cell::Int32(value)), Kind::Smallint) => sized(out, &(*value as i16).to_be_bytes()),
            (Some(Cell::Int32(value)), Kind::Date) if !matches!(*value, i32::MAX | i32::MIN) => {
                sized(out, &value.wrapping_sub(DAYS).to_be_bytes());
            }
            (Some(Cell::Int32(value)), _) => sized(out, &value.to_be_bytes()),
            (Some(Cell::Int64(value)), Kind::Timestamp | Kind::Moment)
                if !matches!(*value, i64::MAX | i64::MIN) =>
            {
                sized(out, &value.wrapping_sub(MICROSECONDS).to_be_bytes());
            }
            (Some(Cell::Int64(value)), _) => sized(out, &value.to_be_bytes()),
            (Some(Cell::Float(value)), _) => sized(out, &value.to_be_bytes()),
            (Some(Cell::Double(value)), _) => sized(out, &value.to_be_bytes()),
            (Some(Cell::Bytes(value)), _) => sized(out, value),
        }
    }
}

fn sized(out: &mut BytesMut, value: &[u8]) {
    out.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
    out.put_slice(value);
}

#[cfg(test)]
mod tests {
    use super::{Reader, head, put, tail};
    use crate::archive::{Cell, Kind};
    use bytes::{Bytes, BytesMut};
    use proptest::prelude::*;

    const KINDS: [Kind; 4] = [Kind::Smallint, Kind::Moment, Kind::Date, Kind::Text];

    proptest! {
        /// Wherever the pieces are cut.
        #[test]
        fn rows_come_back_as_they_were(
            rows in prop::collection::vec((any::<Option<i16>>(), -9_000_000_000_000_000..9_000_000_000_000_000_i64, any::<Option<i16>>(), ".{0,9}"), 0..9),
            cut in 1_usize..40,
        ) {
            let mut out = BytesMut::new();
            head(&mut out);
            for (small, moment, date, text) in &rows {
                let cells = [
                    small.map(|value| Cell::Int32(value.into())),
                    Some(Cell::Int64(*moment)),
                    date.map(|value| Cell::Int32(value.into())),
                    Some(Cell::Bytes(text.as_bytes())),
                ];
                put(&mut out, &cells, &KINDS);
            }
            tail(&mut out);
            let mut reader = Reader::new(KINDS.to_vec());
            let mut found = Vec::new();
            for piece in out.chunks(cut) {
                reader.rows(Bytes::copy_from_slice(piece), |cells, _| {
                    found.push(format!("{cells:?}"));
                    Ok(())
                }).unwrap();
            }
            reader.ended().unwrap();
            prop_assert_eq!(found.len(), rows.len());
            for ((small, moment, date, text), found) in rows.iter().zip(found) {
                let cells = [
                    small.map(|value| Cell::Int32(value.into())),
                    Some(Cell::Int64(*moment)),
                    date.map(|value| Cell::Int32(value.into())),
                    Some(Cell::Bytes(text.as_bytes())),
                ];
                prop_assert_eq!(found, format!("{cells:?}"));
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut stream = BytesMut::new();
            head(&mut stream);
            stream.extend_from_slice(&bytes);
            let _ = Reader::new(KINDS.to_vec()).rows(stream.freeze(), |_, _| Ok(()));
            let _ = Reader::new(KINDS.to_vec()).rows(bytes.into(), |_, _| Ok(()));
        }
    }
}
