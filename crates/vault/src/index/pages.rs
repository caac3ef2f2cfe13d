//! Files of pages, each of which says by itself whether it is what was written. Blocks.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::Error;

/// Length of a page in bytes.
pub(super) const PAGE: usize = 4096;
const TAG: usize = 16;
/// What a page holds, in bytes.
pub(super) const ROOM: usize = PAGE - TAG;

/// The key of one file's pages: a page is authentic in its file and at its place only.
#[derive(Clone)]
pub(super) struct PageKey([u8; 32]);

impl PageKey {
    pub(super) fn new(cache: &[u8; 32], file: &[u8]) -> Self {
        Self(*blake3::keyed_hash(cache, file).as_bytes())
    }

    fn tag(&self, number: u64, contents: &[u8]) -> [u8; TAG] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&number.to_le_bytes());
        hasher.update(contents);
        let mut tag = [0; TAG];
        tag.copy_from_slice(&hasher.finalize().as_bytes()[..TAG]);
        tag
    }
}

/// Writes a file page by page.
pub(super) struct PageWriter {
    out: BufWriter<File>,
    path: PathBuf,
    key: PageKey,
    number: u64,
}

impl PageWriter {
    pub(super) fn create(path: PathBuf, key: PageKey) -> Result<Self, Error> {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        let file = file.map_err(Error::cache("create", &path))?;
        Ok(Self {
            out: BufWriter::with_capacity(256 << 10, file),
            path,
            key,
            number: 0,
        })
    }

    /// The number of the page that is written next.
    pub(super) fn next(&self) -> u64 {
        self.number
    }

    /// Writes at most [`ROOM`] bytes as a page.
    pub(super) fn write(&mut self, contents: &[u8]) -> Result<(), Error> {
        let mut page = [0; PAGE];
        let (tag, room) = page.split_at_mut(TAG);
        match room.get_mut(..contents.len()) {
            Some(room) => room.copy_from_slice(contents),
            None => {
                return Err(Error::Internal(
                    "a page of the index cache is too long".to_owned(),
                ));
            }
        }
        tag.copy_from_slice(&self.key.tag(self.number, room));
        self.out
            .write_all(&page)
            .map_err(Error::cache("write", &self.path))?;
        self.number += 1;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<PageFile, Error> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error);
        Ok(PageFile {
            file: file.map_err(Error::cache("write", &self.path))?,
            path: self.path,
            key: self.key,
            pages: self.number,
        })
    }
}

/// A file of pages that is read here and there.
pub(super) struct PageFile {
    file: File,
    path: PathBuf,
    key: PageKey,
    pages: u64,
}

impl PageFile {
    pub(super) fn open(path: PathBuf, key: PageKey) -> Result<Self, Error> {
        let file = File::open(&path).map_err(Error::cache("open", &path))?;
        let length = file.metadata().map_err(Error::cache("look at", &path))?.len();
        Ok(Self {
            file,
            path,
            key,
            pages: length / PAGE as u64,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many pages it has.
    pub(super) fn pages(&self) -> u64 {
        self.pages
    }

    /// Reads a page; gives its contents, with zeros up to [`ROOM`]. A page that is not what was written makes the file
    /// useless: it is removed, so that the next who wants it builds it again.
    pub(super) fn read<'a>(&self, number: u64, page: &'a mut [u8; PAGE]) -> Result<&'a [u8], Error> {
        self.file
            .read_exact_at(page, number * PAGE as u64)
            .map_err(Error::cache("read", &self.path))?;
        let (tag, contents) = page.split_at(TAG);
        if tag == self.key.tag(number, contents) {
            Ok(contents)
        } else {
            Err(self.damaged())
        }
    }

    pub(super) fn damaged(&self) -> Error {
        // Whoever has it open goes on; whoever comes finds it gone and makes a new one.
        let _ = std::fs::remove_file(&self.path);
        Error::CacheDamaged {
            path: self.path.clone(),
        }
    }
}

/// Writes records of one length, as many to a page as fit.
pub(super) struct Records<const N: usize> {
    page: Vec<u8>,
}

impl<const N: usize> Records<N> {
    /// So many are on each page but the last.
    pub(super) const EACH: usize = ROOM / N;

    pub(super) fn new() -> Self {
        Self {
            page: Vec::with_capacity(ROOM),
        }
    }

    pub(super) fn push(&mut self, record: &[u8; N], into: &mut PageWriter) -> Result<(), Error> {
        self.page.extend_from_slice(record);
        if self.page.len() + N > ROOM {
            self.flush(into)?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, into: &mut PageWriter) -> Result<(), Error> {
        if !self.page.is_empty() {
            into.write(&self.page)?;
            self.page.clear();
        }
        Ok(())
    }

    /// Reads `count` records from the page `start` on.
    pub(super) fn read(
        file: &PageFile,
        start: u64,
        count: u64,
        mut each: impl FnMut(&[u8; N]),
    ) -> Result<(), Error> {
        let mut page = [0; PAGE];
        let mut left = count;
        let mut number = start;
        while left > 0 {
            let contents = file.read(number, &mut page)?;
            let records = contents.as_chunks::<N>().0;
            for record in records.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                each(record);
                left -= 1;
            }
            number += 1;
        }
        Ok(())
    }
}
