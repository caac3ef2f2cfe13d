//! Everything a walk found, written down: the files are read after the last of them was held still. It is a file of no name,
//! so there may be more than memory holds, and nothing is left of it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use ostler_vault::list::FileTime;
use ostler_vocabulary::Timestamp;

use super::{Held, Snapshot, Way, nameless};
use crate::Error;
use crate::stat::{Kind, Stat};
use crate::walk::Found;

const KINDS: [Kind; 7] = [
    Kind::File,
    Kind::Directory,
    Kind::Symlink,
    Kind::Fifo,
    Kind::Socket,
    Kind::CharDevice,
    Kind::BlockDevice,
];
/// The number of no snapshot.
const NONE: u64 = u64::MAX;

/// A roll that is being written.
pub(super) struct Roll {
    file: BufWriter<File>,
    found: u64,
    snapshots: Vec<Arc<Snapshot>>,
}

impl Roll {
    /// In this directory, or among the temporary ones where that cannot be.
    pub(super) fn new(directory: &Path) -> Result<Self, Error> {
        let file = nameless(directory).or_else(|_| nameless(&std::env::temp_dir()));
        let file = file.map_err(|error| Error::io("make a temporary file in", directory, error))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file.into()),
            found: 0,
            snapshots: Vec::new(),
        })
    }

    /// From now on files may be held in this one too.
    pub(super) fn add(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshots.push(snapshot);
    }

    pub(super) fn push(&mut self, found: &Found) -> Result<(), Error> {
        self.found += 1;
        self.write(found).map_err(failed)
    }

    fn write(&mut self, found: &Found) -> io::Result<()> {
        let stat = &found.stat;
        let kind = KINDS.iter().position(|kind| *kind == stat.kind);
        let numbers = [
            kind.unwrap_or_default() as u64,
            stat.mode.into(),
            stat.uid.into(),
            stat.gid.into(),
            stat.size,
            stat.allocated,
            stat.device,
            stat.inode,
            stat.links,
            stat.major.into(),
            stat.minor.into(),
            stat.flagged.into(),
        ];
        for number in numbers {
            self.number(number)?;
        }
        for time in [stat.modified, stat.changed] {
            self.number(time.seconds.cast_unsigned())?;
            self.number(time.nanoseconds.into())?;
        }
        self.bytes(&found.path)?;
        self.bytes(found.listed())?;
        let Some(held) = &found.held else {
            return self.number(NONE);
        };
        let snapshot = self
            .snapshots
            .iter()
            .position(|one| Arc::ptr_eq(one, &held.snapshot));
        self.number(snapshot.map_or(NONE, |number| number as u64))?;
        self.number(held.number)?;
        self.number(u64::from(held.way == Way::Link))?;
        self.file.write_all(&held.at.as_nanosecond().to_le_bytes())?;
        let Some(xattrs) = &held.xattrs else {
            return self.number(NONE);
        };
        self.number(xattrs.len() as u64)?;
        for (name, value) in xattrs {
            self.bytes(name)?;
            self.bytes(value)?;
        }
        Ok(())
    }

    fn number(&mut self, number: u64) -> io::Result<()> {
        self.file.write_all(&number.to_le_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.number(bytes.len() as u64)?;
        self.file.write_all(bytes)
    }

    /// All that was written, to be read once.
    pub(super) fn finish(self) -> Result<Called, Error> {
        let rewound = self.file.into_inner().map_err(io::IntoInnerError::into_error);
        let rewound = rewound.and_then(|mut file| file.rewind().map(|()| file));
        Ok(Called {
            file: BufReader::with_capacity(1 << 20, rewound.map_err(failed)?),
            left: self.found,
            snapshots: self.snapshots,
        })
    }
}

fn failed(error: io::Error) -> Error {
    Error::io("keep what was found in", Path::new("a temporary file"), error)
}

/// A roll that is read.
pub(super) struct Called {
    file: BufReader<File>,
    left: u64,
    snapshots: Vec<Arc<Snapshot>>,
}

impl Iterator for Called {
    type Item = Result<Found, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.read().map_err(failed))
    }
}

impl Called {
    fn read(&mut self) -> io::Result<Found> {
        let kind = self.number()?;
        let kind = KINDS.get(usize::try_from(kind).unwrap_or(usize::MAX));
        let stat = Stat {
            kind: *kind.ok_or(io::ErrorKind::InvalidData)?,
            mode: self.small()?,
            uid: self.small()?,
            gid: self.small()?,
            size: self.number()?,
            allocated: self.number()?,
            device: self.number()?,
            inode: self.number()?,
            links: self.number()?,
            major: self.small()?,
            minor: self.small()?,
            flagged: self.number()? != 0,
            modified: self.time()?,
            changed: self.time()?,
        };
        let (path, listed) = (self.bytes()?, self.bytes()?);
        let listed = (listed != path).then_some(listed);
        let held = self.held()?;
        Ok(Found {
            held,
            ..Found::new(path, listed, stat, None)
        })
    }

    fn held(&mut self) -> io::Result<Option<Box<Held>>> {
        let snapshot = self.number()?;
        if snapshot == NONE {
            return Ok(None);
        }
        let snapshot = self
            .snapshots
            .get(usize::try_from(snapshot).unwrap_or(usize::MAX));
        let snapshot = Arc::clone(snapshot.ok_or(io::ErrorKind::InvalidData)?);
        let number = self.number()?;
        let way = match self.number()? {
            0 => Way::Clone,
            _ => Way::Link,
        };
        let mut at = [0; 16];
        self.file.read_exact(&mut at)?;
        let at = Timestamp::from_nanosecond(i128::from_le_bytes(at)).map_err(io::Error::other)?;
        let xattrs = match self.number()? {
            NONE => None,
            count => Some(
                (0..count)
                    .map(|_| Ok((self.bytes()?, self.bytes()?)))
                    .collect::<io::Result<_>>()?,
            ),
        };
        Ok(Some(Box::new(Held {
            snapshot,
            number,
            way,
            at,
            xattrs,
        })))
    }

    fn time(&mut self) -> io::Result<FileTime> {
        Ok(FileTime {
            seconds: self.number()?.cast_signed(),
            nanoseconds: self.small()?,
        })
    }

    fn small(&mut self) -> io::Result<u32> {
        u32::try_from(self.number()?).map_err(io::Error::other)
    }

    fn number(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let length = self.number()?;
        let mut bytes = Vec::new();
        self.file.by_ref().take(length).read_to_end(&mut bytes)?;
        match bytes.len() as u64 == length {
            true => Ok(bytes),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
