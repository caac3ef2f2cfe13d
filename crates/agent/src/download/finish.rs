//! What comes after all data: further names of files, and what directories are.

use std::io;

use ostler_api::request::Overwrite;
use ostler_vault::list::Metadata;
use rustix::fd::AsFd;
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::write::Target;
use crate::Error;
use crate::layout::Place;
use crate::metadata::{self, Subject, There};
use crate::path::split;
use crate::stat::{Kind, Stat};

/// A directory whose metadata is set when everything below it is there.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) place: Place,
    pub(crate) path: Vec<u8>,
    pub(crate) metadata: Metadata,
}

/// A further name of a file.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) path: Vec<u8>,
    pub(crate) place: Place,
    pub(crate) first: Place,
}

/// Makes the further names of files, after these are there.
pub(crate) fn link_all(target: &Target<'_>, links: &[Link]) -> Result<(u64, u64), Error> {
    let (mut kept, mut made) = (0, 0);
    for link in links {
        target.stop.check()?;
        match link_one(target, link) {
            Ok(true) => made += 1,
            Ok(false) => kept += 1,
            Err(error) => target.problems.add(
                &link.path,
                format!("cannot link it to its other name: {}", in_the_way(&error)),
            ),
        }
        target.progress.add_item();
    }
    Ok((made, kept))
}

fn link_one(target: &Target<'_>, link: &Link) -> io::Result<bool> {
    let at = |place: &Place| target.bases[place.base].directory(split(&place.path).0);
    let (from, to) = (at(&link.first)?, at(&link.place)?);
    let (first, name) = (split(&link.first.path).1, split(&link.place.path).1);
    let stat = Stat::at(&from, first)?;
    if let Ok(there) = Stat::at(&to, name)
        && (there.same_file(&stat) || (target.overwrite == Overwrite::Never && there.kind == Kind::File))
    {
        return Ok(false);
    }
    let link_as = |temporary: &[u8]| rustix::fs::linkat(&from, first, &to, temporary, AtFlags::empty());
    let (temporary, ()) = target.temporary(link_as)?;
    let renamed = target.rename(to.as_fd(), &temporary, name);
    if renamed.is_err() {
        let _ = rustix::fs::unlinkat(&to, &temporary[..], AtFlags::empty());
    }
    renamed.map(|()| true)
}

/// Sets what directories are, the deepest first, after everything below is there.
pub(crate) fn settle(target: &Target<'_>, directories: &[Directory]) -> Result<(), Error> {
    for directory in directories.iter().rev() {
        target.stop.check()?;
        let Directory {
            place,
            path,
            metadata,
        } = directory;
        let base = &target.bases[place.base];
        let set = base
            .readable(&place.path)
            .map_err(|error| in_the_way(&error))
            .and_then(|fd| {
                let there = Stat::of(&fd).ok().as_ref().map(There::from);
                metadata::restore(Subject::Open(fd.as_fd()), metadata, there, &target.omitted)
            });
        if let Err(reason) = set {
            target.problems.add(path, reason);
        }
    }
    Ok(())
}

/// The sentence for an error that a link or file in a directory's place causes.
pub(crate) fn in_the_way(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::LOOP | Errno::NOTDIR) => {
            "something else than a directory, or a link, is in its way; it is not followed".to_owned()
        }
        _ => error.to_string(),
    }
}
