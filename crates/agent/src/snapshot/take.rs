//! Holds everything that will be read still, before the first of it is read.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_api::node;
use ostler_vocabulary::Clock;
use rustix::io::Errno;

use super::roll::{Called, Roll};
use super::{Held, Snapshot, Way, makes_clones};
use crate::Error;
use crate::path::absolute;
use crate::problems::Problems;
use crate::stat::{Kind, Stat};
use crate::upload::parent::{Parent, is_unchanged};
use crate::walk::class::{Class, Classes};
use crate::walk::{Found, Visit, Walker};

/// What is to be held.
pub(crate) struct Asked<'a> {
    /// Whether clones may be made.
    pub(crate) reflink: bool,
    pub(crate) classes: &'a Classes,
    /// What is unchanged since is not read, and need not be held.
    pub(crate) parent: Parent<'a>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) problems: &'a Problems,
}

/// What was found and held.
pub(crate) struct Taken {
    called: Called,
    pub(crate) counts: node::HeldFiles,
    /// Bytes of all files.
    pub(crate) bytes: u64,
}

impl Taken {
    /// Tells what was found, in the order of the walk, once. What is held is let go of with this.
    pub(crate) fn tell(&mut self, visit: &mut dyn Visit) -> Result<(), Error> {
        for found in &mut self.called {
            visit.found(found?)?;
        }
        Ok(())
    }
}

/// Walks these paths and holds what will be read. `None` where nothing can be held in any way. Blocks.
pub(crate) fn take(
    roots: &[Vec<u8>],
    mut walker: Walker<'_>,
    asked: Asked<'_>,
) -> Result<Option<Taken>, Error> {
    let place = |root: &Vec<u8>| {
        let directory = absolute(root);
        let clones = asked.reflink && makes_clones(&directory);
        (directory, clones)
    };
    let places: Vec<(PathBuf, bool)> = roots.iter().map(place).collect();
    let holds = |clones: bool| clones || !asked.classes.is_empty();
    let Some((first, _)) = places.iter().find(|(_, clones)| holds(*clones)) else {
        return Ok(None);
    };
    let mut taker = Taker {
        roll: Roll::new(first)?,
        clones: false,
        asked,
        root: PathBuf::new(),
        place: Place::Unknown,
        cannot: HashSet::new(),
        names: HashMap::new(),
        number: 0,
        counts: node::HeldFiles::default(),
        bytes: 0,
    };
    for (root, (directory, clones)) in roots.iter().zip(places) {
        (taker.root, taker.clones) = (directory, clones);
        taker.place = Place::Unknown;
        taker.cannot.clear();
        walker.walk(root, &mut taker)?;
    }
    Ok(Some(Taken {
        called: taker.roll.finish()?,
        counts: taker.counts,
        bytes: taker.bytes,
    }))
}

/// Where the files of a path are held.
enum Place {
    /// Nothing had to be held yet: an unchanged directory is left alone.
    Unknown,
    Here(Arc<Snapshot>),
    /// Nothing can be written there.
    Nowhere,
}

struct Taker<'a> {
    asked: Asked<'a>,
    roll: Roll,
    clones: bool,
    /// The path that is walked.
    root: PathBuf,
    place: Place,
    /// File systems from which nothing can be cloned to there.
    cannot: HashSet<u64>,
    /// What files with several names were when they were held under the first.
    names: HashMap<(u64, u64), Stat>,
    number: u64,
    counts: node::HeldFiles,
    bytes: u64,
}

impl Visit for Taker<'_> {
    fn found(&mut self, mut found: Found) -> Result<(), Error> {
        if found.stat.kind == Kind::File {
            self.file(&mut found)?;
        }
        self.roll.push(&found)
    }

    fn problem(&mut self, path: &[u8], reason: String) {
        self.asked.problems.add(path, reason);
    }
}

impl Taker<'_> {
    fn file(&mut self, found: &mut Found) -> Result<(), Error> {
        self.bytes += found.stat.size;
        let file = (found.stat.device, found.stat.inode);
        if found.stat.links > 1
            && let Some(first) = self.names.get(&file)
        {
            // It is read by that name, and what we did to it since is not to be seen.
            found.stat = *first;
            return Ok(());
        }
        found.class = self.asked.classes.class(found);
        let before = self.asked.parent.at(found.listed());
        if before.is_some_and(|before| is_unchanged(found, &before)) {
            return Ok(());
        }
        found.held = self.hold(found);
        match found.held.as_ref().map(|held| held.way) {
            Some(Way::Clone) => self.counts.cloned += 1,
            Some(Way::Link) => self.counts.linked += 1,
            None => self.counts.in_place += 1,
        }
        if found.stat.links > 1 {
            self.names.insert(file, found.stat);
        }
        Ok(())
    }

    /// Holds a file by the first way there is for it.
    fn hold(&mut self, found: &mut Found) -> Option<Box<Held>> {
        let clones = self.clones && !self.cannot.contains(&found.stat.device);
        let links = found.class != Class::Any;
        let snapshot = (clones || links).then(|| self.snapshot())??;
        let number = self.number;
        self.number += 1;
        let clock = self.asked.clock;
        let mut held = None;
        if clones {
            match snapshot.clone_of(number, found, clock) {
                Ok((stat, at, xattrs)) => held = Some((stat, at, Way::Clone, Some(xattrs))),
                Err(error) => {
                    if of_all(&error) {
                        self.cannot.insert(found.stat.device);
                    }
                    not_held(found, &error);
                }
            }
        }
        if held.is_none() && links {
            let at = clock.now();
            match snapshot.link_to(number, found) {
                Ok(stat) => held = Some((stat, at, Way::Link, None)),
                Err(error) => not_held(found, &error),
            }
        }
        let (stat, at, way, xattrs) = held?;
        found.stat = stat;
        Some(Box::new(Held {
            snapshot,
            number,
            way,
            at,
            xattrs,
        }))
    }

    /// Where to hold files of the path that is walked; made when the first comes.
    fn snapshot(&mut self) -> Option<Arc<Snapshot>> {
        if let Place::Unknown = self.place {
            self.place = match self.root.is_dir().then(|| Snapshot::make(&self.root)) {
                Some(Ok(Some(snapshot))) => {
                    let snapshot = Arc::new(snapshot);
                    self.roll.add(Arc::clone(&snapshot));
                    Place::Here(snapshot)
                }
                Some(Err(error)) => {
                    let (root, error): (_, &dyn std::error::Error) = (self.root.display(), &error);
                    tracing::warn!(%root, error, "no snapshot can be made; files are read where they are");
                    Place::Nowhere
                }
                Some(Ok(None)) | None => Place::Nowhere,
            };
        }
        match &self.place {
            Place::Here(snapshot) => Some(Arc::clone(snapshot)),
            Place::Unknown | Place::Nowhere => None,
        }
    }
}

/// Whether no file of that file system can be cloned.
fn of_all(error: &io::Error) -> bool {
    let of_all = [Errno::OPNOTSUPP, Errno::NOTTY, Errno::NOSYS, Errno::XDEV];
    Errno::from_io_error(error).is_some_and(|error| of_all.contains(&error))
}

fn not_held(found: &Found, error: &io::Error) {
    tracing::debug!(path = crate::path::shown(&found.path), %error, "a file cannot be held still");
}
