//! Goes through the backup in path order: makes directories, links and special files at once, and gathers regular
//! files into windows whose chunks are restored in the order of the packs. What has to wait until all data is there is
//! only remembered, for `finish`.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ostler_api::request::Overwrite;
use ostler_vault::list::{EntryKind, Extent};
use rustix::fd::AsFd;
use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::confine::LastDirectory;
use super::finish::{Directory, Link, in_the_way};
use super::preview::same_special;
use super::source::Wanted;
use super::task::{Job, Piece, Task, Window, spans};
use super::write::Target;
use crate::Error;
use crate::layout::Place;
use crate::metadata::{self, Subject};
use crate::path::split;
use crate::pool::Feed;
use crate::stat::{Kind, Stat};
use crate::walk::handle::FILE;
use crate::walk::listing::Lister;

/// Bounds of a window: what is in memory at once.
const WINDOW_FILES: usize = 8192;
const WINDOW_EXTENTS: usize = 32_768;

pub(crate) struct Planner<'a> {
    target: &'a Target<'a>,
    feed: &'a Feed<'a, Job>,
    window: Vec<Task>,
    extents: usize,
    /// Of the window: files that exist and have to be compared first.
    checks: Vec<(u32, rustix::fd::OwnedFd)>,
    /// Directories that are known to be there, by base and path, and whether this restore made them.
    known: HashMap<(usize, Vec<u8>), bool>,
    parent: LastDirectory,
    firsts: HashMap<(u64, u64), Place>,
    lister: Lister,
    pub(crate) planned: Planned,
}

/// What is left to do after all data is there, and what there was nothing to do for.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub(crate) directories: Vec<Directory>,
    pub(crate) links: Vec<Link>,
    pub(crate) kept: u64,
    pub(crate) kept_bytes: u64,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(target: &'a Target<'a>, feed: &'a Feed<'a, Job>) -> Self {
        Self {
            target,
            feed,
            window: Vec::new(),
            extents: 0,
            checks: Vec::new(),
            known: HashMap::new(),
            parent: LastDirectory::default(),
            firsts: HashMap::new(),
            lister: Lister::new(),
            planned: Planned::default(),
        }
    }

    pub(crate) fn take(&mut self, wanted: Wanted) -> Result<(), Error> {
        self.target.stop.check()?;
        let path = wanted.entry.path.clone();
        let taken = match wanted.entry.kind {
            EntryKind::Directory => self.directory(wanted),
            EntryKind::File { .. } => self.file(wanted),
            _ => self.special(&wanted),
        };
        if let Err(error) = taken {
            self.target
                .problems
                .add(&path, format!("cannot restore it: {}", in_the_way(&error)));
        }
        if self.window.len() >= WINDOW_FILES || self.extents >= WINDOW_EXTENTS {
            self.flush()?;
        }
        Ok(())
    }

    fn directory(&mut self, wanted: Wanted) -> io::Result<()> {
        let known = self.known.len();
        let made = self.ensure(wanted.place.base, &wanted.place.path)?;
        if (made && self.known.len() > known) || !wanted.implied {
            self.planned.directories.push(Directory {
                place: wanted.place,
                path: wanted.entry.path,
                metadata: wanted.entry.metadata,
            });
        }
        Ok(())
    }

    /// Makes sure that a directory and all above it are there; whether this restore made it.
    fn ensure(&mut self, base: usize, path: &[u8]) -> io::Result<bool> {
        let key = (base, path.to_vec());
        if let Some(made) = self.known.get(&key) {
            return Ok(*made);
        }
        let mut made = false;
        if path.is_empty() {
            self.clean(base, path);
        } else {
            let (above, name) = split(path);
            self.ensure(base, above)?;
            let parent = self.parent.get(self.target.bases, base, above)?;
            match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
                Ok(()) => made = true,
                Err(Errno::EXIST) => {
                    let there = metadata::handle(parent, name)?;
                    let stat = Stat::of(&there)?;
                    if stat.kind == Kind::Directory {
                        // Ours from an earlier run may have its final mode already.
                        if stat.mode & 0o700 != 0o700 && !metadata::is_root() {
                            let mode = Mode::from_raw_mode(stat.mode | 0o700);
                            metadata::set_mode(there.as_fd(), mode)?;
                        }
                        self.clean(base, path);
                    } else if self.target.overwrite == Overwrite::Never {
                        return Err(io::Error::other("something else than a directory is there"));
                    } else {
                        rustix::fs::unlinkat(parent, name, AtFlags::empty())?;
                        rustix::fs::mkdirat(parent, name, Mode::RWXU)?;
                        made = true;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.known.insert(key, made);
        Ok(made)
    }

    /// Removes what an interrupted restore of this backup left in a directory.
    fn clean(&mut self, base: usize, path: &[u8]) {
        let Ok(fd) = self.target.bases[base].readable(path) else {
            return;
        };
        let Ok(names) = self.lister.names(&fd) else { return };
        for index in 0..names.len() {
            let name = names.get(index);
            if name.starts_with(self.target.prefix.as_bytes()) {
                let _ = rustix::fs::unlinkat(&fd, name, AtFlags::empty());
            }
        }
    }

    fn file(&mut self, wanted: Wanted) -> io::Result<()> {
        let Wanted { entry, place, .. } = wanted;
        let (parent, name) = split(&place.path);
        if name.is_empty() {
            return Err(io::Error::other("the target itself cannot become a file"));
        }
        let made = self.ensure(place.base, parent)?;
        let metadata = &entry.metadata;
        if metadata.links > 1 {
            let key = (metadata.device, metadata.inode);
            if let Some(first) = self.firsts.get(&key) {
                self.planned.links.push(Link {
                    path: entry.path,
                    place,
                    first: first.clone(),
                });
                return Ok(());
            }
            self.firsts.insert(key, place.clone());
        }
        let (mut check, mut replaces) = (None, !made);
        // Nothing is in the directories that we made.
        if self.target.overwrite != Overwrite::Always && !made {
            let directory = self.parent.get(self.target.bases, place.base, parent)?;
            let size = match entry.kind {
                EntryKind::File { size, .. } => size,
                _ => 0,
            };
            let there = Stat::at(directory, name).ok();
            replaces = there.is_some();
            if there.is_some_and(|there| there.kind == Kind::File && there.size == size) {
                // What cannot be read is written anew.
                check = rustix::fs::openat(directory, name, FILE, Mode::empty()).ok();
            }
        }
        self.extents += 1;
        if let EntryKind::File { content, .. } = &entry.kind {
            self.extents += content.len();
        }
        let task = Task::new(entry, place, replaces);
        if !task.adds_up() {
            self.target.damaged.store(true, Ordering::Relaxed);
            self.target
                .fail(&task, "its list of chunks does not add up to its size");
            return Ok(());
        }
        if let (Some(file), Ok(index)) = (check, u32::try_from(self.window.len())) {
            self.checks.push((index, file));
        }
        self.window.push(task);
        // Files that wait to be compared are open.
        if self.checks.len() >= 200 {
            self.extents = self.extents.max(WINDOW_EXTENTS);
        }
        Ok(())
    }

    /// A link, FIFO, socket or device.
    fn special(&mut self, wanted: &Wanted) -> io::Result<()> {
        let Wanted { entry, place, .. } = wanted;
        let (above, name) = split(&place.path);
        if name.is_empty() {
            return Err(io::Error::other(
                "the target itself cannot become a link or special file",
            ));
        }
        self.ensure(place.base, above)?;
        let parent = self.parent.get(self.target.bases, place.base, above)?;
        let link = matches!(entry.kind, EntryKind::Symlink { .. });
        let there = Stat::at(parent, name).ok();
        let right = there.is_some_and(|stat| same_special(&entry.kind, &stat, parent, name));
        if let Some(stat) = there.filter(|_| right) {
            if self.target.overwrite != Overwrite::Never {
                let subject = Subject::Entry {
                    directory: parent,
                    name,
                    link,
                };
                metadata::restore(
                    subject,
                    &entry.metadata,
                    Some((&stat).into()),
                    &self.target.omitted,
                )
                .map_err(io::Error::other)?;
            }
            return Ok(());
        }
        let mode = Mode::RUSR | Mode::WUSR;
        let (temporary, ()) = self.target.temporary(|temporary| {
            let make = |kind, device| rustix::fs::mknodat(parent, temporary, kind, mode, device);
            match &entry.kind {
                EntryKind::Symlink { target } => rustix::fs::symlinkat(&target[..], parent, temporary),
                EntryKind::Fifo => make(FileType::Fifo, 0),
                EntryKind::Socket => make(FileType::Socket, 0),
                EntryKind::CharDevice { major, minor } => {
                    make(FileType::CharacterDevice, rustix::fs::makedev(*major, *minor))
                }
                EntryKind::BlockDevice { major, minor } => {
                    make(FileType::BlockDevice, rustix::fs::makedev(*major, *minor))
                }
                EntryKind::File { .. } | EntryKind::Directory => Err(Errno::INVAL),
            }
        })?;
        let subject = Subject::Entry {
            directory: parent,
            name: &temporary,
            link,
        };
        if let Err(reason) = metadata::restore(subject, &entry.metadata, None, &self.target.omitted) {
            self.target.problems.add(&entry.path, reason);
        }
        if let Err(error) = self.target.rename(parent, &temporary, name) {
            let _ = rustix::fs::unlinkat(parent, &temporary[..], AtFlags::empty());
            return Err(error);
        }
        Ok(())
    }

    /// Hands the window to the workers.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        self.extents = 0;
        let mut checks = std::mem::take(&mut self.checks);
        if self.window.is_empty() {
            return Ok(());
        }
        let window = Arc::new(Window {
            tasks: std::mem::take(&mut self.window),
        });
        let mut right = vec![false; window.tasks.len()];
        if !checks.is_empty() {
            let (answer, answers) = crossbeam_channel::bounded(checks.len());
            for (index, file) in checks.drain(..) {
                self.feed
                    .give(Job::Check(Arc::clone(&window), index, file, answer.clone()))?;
            }
            drop(answer);
            for (index, same) in answers {
                right[index as usize] = same;
            }
            self.target.stop.check()?;
        }
        let mut pieces = Vec::new();
        let mut plain = Vec::new();
        for (index, task) in window.tasks.iter().enumerate() {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            if right[index] {
                self.keep(task);
            } else if task.left.load(Ordering::Relaxed) == 0 {
                plain.push(number);
            } else {
                self.pieces(task, number, &mut pieces)?;
            }
        }
        for some in plain.chunks(64) {
            self.feed.give(Job::Plain(Arc::clone(&window), some.to_vec()))?;
        }
        for pieces in spans(pieces) {
            let pack = pieces[0].location.pack;
            self.feed.give(Job::Span {
                window: Arc::clone(&window),
                pack,
                pieces,
            })?;
        }
        Ok(())
    }

    fn pieces(&self, task: &Task, number: u32, pieces: &mut Vec<Piece>) -> Result<(), Error> {
        let before = pieces.len();
        let index = self.target.reader.index();
        let mut at = 0;
        for extent in task.content() {
            match *extent {
                Extent::Zeros { length } => at += length,
                Extent::Chunk { id, length } => {
                    match index.get(&id).map_err(Error::vault("look a chunk up"))? {
                        Some(location) if location.length == length => pieces.push(Piece {
                            id,
                            location,
                            task: number,
                            at,
                        }),
                        _ => {
                            pieces.truncate(before);
                            self.target.damaged.store(true, Ordering::Relaxed);
                            self.target
                                .fail(task, "the vault does not have all of its content");
                            return Ok(());
                        }
                    }
                    at += u64::from(length);
                }
            }
        }
        Ok(())
    }

    /// A file that has the right content already.
    fn keep(&mut self, task: &Task) {
        self.planned.kept += 1;
        self.planned.kept_bytes += task.size();
        self.target.progress.add_done(task.size());
        self.target.progress.add_item();
        if self.target.overwrite == Overwrite::Never {
            return;
        }
        let set = || -> io::Result<()> {
            let parent = self.target.bases[task.place.base].directory(task.parent())?;
            let file = rustix::fs::openat(&parent, task.name(), FILE, Mode::empty())?;
            let stat = Stat::of(&file)?;
            metadata::restore(
                Subject::Open(file.as_fd()),
                &task.entry.metadata,
                Some((&stat).into()),
                &self.target.omitted,
            )
            .map_err(io::Error::other)
        };
        if let Err(error) = set() {
            self.target.problems.add(&task.entry.path, error.to_string());
        }
    }
}
