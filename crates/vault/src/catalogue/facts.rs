//! How notes are coded before they are sealed into names: the section "Notes" of the format page.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use ostler_vocabulary::Timestamp;

use super::part::{Folders, PartRead};
use super::record::{Counts, Facts, MarkAction, MarkRecord, ProofFacts, ProofRecord};
use crate::list::varint::{Cursor, Malformed, put_bytes, put_number};
use crate::sealed_name::NameKind;

/// How many bytes of plaintext one name takes, whatever its key epoch: 255 less the backup's id, ten digits and two
/// dots are 211 characters of base64, which are 158 bytes, of which 16 are the seal.
pub(super) const ROOM: usize = 142;
/// Facts are spread over at most so many names; longer ones stay in the record.
const MOST_PARTS: usize = 4;

/// The first byte of every note.
const VERSION: u8 = 1;

const PARTIAL: u8 = 0x01;
const NAMED: u8 = 0x02;

/// What one name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    /// A part of the facts of a commit.
    Facts {
        /// Which part, from 0.
        part: u8,
        /// Of how many; 0 when the facts are only in the record.
        parts: u8,
        /// Its piece of the coded facts.
        piece: Vec<u8>,
    },
    /// The outcome of a proof; the report is the object's body.
    Proof {
        /// What listings show.
        facts: ProofFacts,
        /// The start of the BLAKE3 of the report's JSON.
        digest: [u8; 8],
    },
    /// A mark.
    Mark(MarkRecord),
    /// A mark that is too long for a name, in the object's body.
    LongMark {
        /// The start of the BLAKE3 of the mark's JSON.
        digest: [u8; 8],
    },
}

/// The names' plaintexts that say these facts.
pub(super) fn facts_notes(facts: &Facts) -> Vec<Vec<u8>> {
    let coded = encode_facts(facts);
    let pieces: Vec<&[u8]> = match &coded {
        Some(coded) => coded.chunks(ROOM - 3).collect(),
        None => Vec::new(),
    };
    let parts = match u8::try_from(pieces.len()) {
        Ok(parts) if pieces.len() <= MOST_PARTS && parts > 0 => parts,
        _ => return vec![vec![VERSION, 0, 0]],
    };
    (0..parts)
        .zip(pieces)
        .map(|(part, piece)| [&[VERSION, part, parts], piece].concat())
        .collect()
}

/// The name's plaintext for a proof whose report has this digest; `None` when its method does not fit.
pub(super) fn proof_note(proof: &ProofRecord, digest: [u8; 8]) -> Option<Vec<u8>> {
    let mut out = vec![VERSION, u8::from(proof.ok)];
    put_time(&mut out, proof.at)?;
    out.extend_from_slice(&digest);
    put_bytes(&mut out, proof.method.as_bytes());
    if let Some(part) = &proof.part {
        out.push(u8::from(part.since.is_some()));
        out.extend_from_slice(part.folders.as_bytes());
        if let Some(since) = part.since {
            put_time(&mut out, since)?;
        }
    }
    (out.len() <= ROOM).then_some(out)
}

/// The name's plaintext for a mark, and whether the mark itself has to go into the body.
pub(super) fn mark_note(mark: &MarkRecord, digest: [u8; 8]) -> (Vec<u8>, bool) {
    match short_mark(mark) {
        Some(note) if note.len() <= ROOM => (note, false),
        _ => ([&[VERSION, 0][..], &digest].concat(), true),
    }
}

fn short_mark(mark: &MarkRecord) -> Option<Vec<u8>> {
    let mut out = vec![VERSION];
    match &mark.action {
        MarkAction::Hold(None) => out.push(1),
        MarkAction::Hold(Some(reason)) => {
            out.push(2);
            put_bytes(&mut out, reason.as_bytes());
        }
        MarkAction::Release => out.push(3),
        MarkAction::Delete => out.push(6),
        MarkAction::Revoke => out.push(7),
        MarkAction::Tag { key, value: None } => {
            out.push(4);
            put_bytes(&mut out, key.as_bytes());
        }
        MarkAction::Tag {
            key,
            value: Some(value),
        } => {
            out.push(5);
            put_bytes(&mut out, key.as_bytes());
            put_bytes(&mut out, value.as_bytes());
        }
    }
    put_time(&mut out, mark.at)?;
    Some(out)
}

/// Reads the plaintext of a name of this kind.
pub(super) fn decode(kind: NameKind, bytes: &[u8]) -> Result<Note, Malformed> {
    let mut cursor = Cursor(bytes);
    if cursor.byte()? != VERSION {
        return Err(Malformed("it has a version this program does not know"));
    }
    let note = match kind {
        NameKind::Facts => {
            let (part, parts) = (cursor.byte()?, cursor.byte()?);
            let piece = cursor.take(cursor.left())?.to_vec();
            if part >= parts && (part, parts) != (0, 0) {
                return Err(Malformed("a part of facts is out of range"));
            }
            Note::Facts { part, parts, piece }
        }
        NameKind::Proof => {
            let ok = cursor.byte()? != 0;
            let at = time(&mut cursor)?;
            let digest = cursor.array()?;
            let method = cursor.text()?.to_owned();
            let part = match cursor.is_empty() {
                true => None,
                false => Some(part(&mut cursor)?),
            };
            Note::Proof {
                facts: ProofFacts { at, method, ok, part },
                digest,
            }
        }
        NameKind::Mark => match cursor.byte()? {
            0 => Note::LongMark {
                digest: cursor.array()?,
            },
            kind => {
                let action = match kind {
                    1 => MarkAction::Hold(None),
                    2 => MarkAction::Hold(Some(cursor.text()?.to_owned())),
                    3 => MarkAction::Release,
                    4 => MarkAction::Tag {
                        key: cursor.text()?.to_owned(),
                        value: None,
                    },
                    5 => MarkAction::Tag {
                        key: cursor.text()?.to_owned(),
                        value: Some(cursor.text()?.to_owned()),
                    },
                    6 => MarkAction::Delete,
                    7 => MarkAction::Revoke,
                    _ => return Err(Malformed("a mark is of an unknown kind")),
                };
                let at = time(&mut cursor)?;
                Note::Mark(MarkRecord { at, action })
            }
        },
    };
    if cursor.is_empty() {
        Ok(note)
    } else {
        Err(Malformed("something follows its end"))
    }
}

/// `None` when a time cannot be coded; the record has it.
fn encode_facts(facts: &Facts) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let flags = if facts.partial { PARTIAL } else { 0 } | if facts.name.is_some() { NAMED } else { 0 };
    out.push(flags);
    put_time(&mut out, facts.started)?;
    put_number(&mut out, facts.duration_ms);
    let counts = &facts.counts;
    for count in [
        counts.files,
        counts.entries,
        counts.bytes,
        counts.changed_files,
        counts.new_bytes,
        counts.stored_bytes,
        counts.problems,
    ] {
        put_number(&mut out, count);
    }
    put_bytes(&mut out, facts.host.as_bytes());
    put_number(&mut out, facts.paths.len() as u64);
    for path in &facts.paths {
        put_bytes(&mut out, path.as_os_str().as_bytes());
    }
    if let Some(name) = &facts.name {
        put_bytes(&mut out, name.as_bytes());
    }
    put_number(&mut out, facts.tags.len() as u64);
    for (key, value) in &facts.tags {
        put_bytes(&mut out, key.as_bytes());
        put_bytes(&mut out, value.as_bytes());
    }
    Some(out)
}

/// Reads the pieces of all parts, put together.
pub(super) fn decode_facts(bytes: &[u8]) -> Result<Facts, Malformed> {
    let mut cursor = Cursor(bytes);
    let flags = cursor.byte()?;
    let started = time(&mut cursor)?;
    let duration_ms = cursor.number()?;
    let counts = Counts {
        files: cursor.number()?,
        entries: cursor.number()?,
        bytes: cursor.number()?,
        changed_files: cursor.number()?,
        new_bytes: cursor.number()?,
        stored_bytes: cursor.number()?,
        problems: cursor.number()?,
    };
    let host = cursor.text()?.to_owned();
    let mut paths = Vec::new();
    for _ in 0..cursor.count(1)? {
        paths.push(PathBuf::from(OsStr::from_bytes(cursor.bytes()?)));
    }
    let name = if flags & NAMED == 0 {
        None
    } else {
        Some(cursor.text()?.to_owned())
    };
    let mut tags = BTreeMap::new();
    for _ in 0..cursor.count(2)? {
        tags.insert(cursor.text()?.to_owned(), cursor.text()?.to_owned());
    }
    if !cursor.is_empty() {
        return Err(Malformed("something follows its end"));
    }
    Ok(Facts {
        started,
        duration_ms,
        partial: flags & PARTIAL != 0,
        host,
        paths,
        name,
        tags,
        counts,
    })
}

fn part(cursor: &mut Cursor<'_>) -> Result<PartRead, Malformed> {
    let flag = cursor.byte()?;
    let folders = Folders::from_bytes(cursor.array()?);
    let since = match flag {
        0 => None,
        1 => Some(time(cursor)?),
        _ => return Err(Malformed("a part that was read is of an unknown kind")),
    };
    Ok(PartRead { folders, since })
}

/// Nanoseconds since 1970 in 64 bits, which reach to the year 2262.
fn put_time(out: &mut Vec<u8>, at: Timestamp) -> Option<()> {
    let nanoseconds = i64::try_from(at.as_nanosecond()).ok()?;
    out.extend_from_slice(&nanoseconds.to_be_bytes());
    Some(())
}

fn time(cursor: &mut Cursor<'_>) -> Result<Timestamp, Malformed> {
    let nanoseconds = i64::from_be_bytes(cursor.array()?);
    Timestamp::from_nanosecond(i128::from(nanoseconds)).map_err(|_| Malformed("a time is out of range"))
}

#[cfg(test)]
mod tests;
