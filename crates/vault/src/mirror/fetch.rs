//! Reading chunks here and storing them there, on several threads.

use std::collections::HashSet;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_vocabulary::Progress;
use tokio_util::sync::CancellationToken;

use crate::check::reading::{Plain, spans, visit_span};
use crate::check::{damage, stop_if};
use crate::{ChunkId, ChunkKind, ChunkSink, Error, Location, Reader, Upload};

/// Threads that read and store.
const WORKERS: usize = 4;

/// What a chunk that cannot be read means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDamage {
    /// Nothing more is read.
    Fail,
    /// The others are read.
    Pass,
}

/// Reads chunks of one vault and stores them in another.
pub(crate) struct Fetch {
    from: Arc<Reader>,
    sinks: Vec<ChunkSink>,
    wanted: Vec<(ChunkId, Location)>,
    ids: HashSet<ChunkId>,
}

impl Fetch {
    pub(crate) fn new(from: Arc<Reader>, upload: &Upload) -> Self {
        let workers = std::thread::available_parallelism()
            .map_or(2, NonZero::get)
            .min(WORKERS);
        Self {
            from,
            sinks: (0..workers).map(|_| upload.sink()).collect(),
            wanted: Vec::new(),
            ids: HashSet::new(),
        }
    }

    /// How many chunks are to be read.
    pub(crate) fn len(&self) -> usize {
        self.wanted.len()
    }

    pub(crate) fn is_wanted(&self, id: &ChunkId) -> bool {
        self.ids.contains(id)
    }

    /// Adds a chunk to what is read next; gives its length.
    ///
    /// # Errors
    /// [`Error::ChunkUnknown`].
    pub(crate) fn want(&mut self, id: ChunkId) -> Result<u64, Error> {
        let location = self.from.index().get(&id)?.ok_or(Error::ChunkUnknown(id))?;
        self.ids.insert(id);
        self.wanted.push((id, location));
        Ok(u64::from(location.length))
    }

    /// Reads what is wanted and stores it; `learn` is told what each is called there.
    ///
    /// # Errors
    /// The first chunk that cannot be read or stored.
    pub(crate) fn run(
        &mut self,
        on_damage: OnDamage,
        progress: &Progress,
        cancel: &CancellationToken,
        learn: &mut dyn FnMut(ChunkId, ChunkId),
    ) -> Result<(), Error> {
        let mut wanted = std::mem::take(&mut self.wanted);
        self.ids.clear();
        wanted.sort_unstable_by_key(|(_, location)| (location.pack, location.offset, location.at));
        let spans = spans(&wanted);
        let next = AtomicUsize::new(0);
        let copies: Mutex<Vec<(ChunkId, ChunkId)>> = Mutex::new(Vec::with_capacity(wanted.len()));
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        let from = &self.from;
        let run = |sink: &mut ChunkSink| {
            while let Some(span) = spans.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut stored = Vec::with_capacity(span.len());
                let copied = stop_if(cancel).and_then(|()| {
                    visit_span(from, span, &mut |id, plain| {
                        let plain = match plain {
                            Err(error) if on_damage == OnDamage::Pass => return damage(error).map(drop),
                            plain => plain?,
                        };
                        stored.push((*id, store(sink, &plain)?));
                        progress.add_done(plain.bytes.len() as u64);
                        Ok(())
                    })
                });
                copies
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(stored);
                if let Err(error) = copied {
                    next.store(spans.len(), Ordering::Relaxed);
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    failed.get_or_insert(error);
                    return;
                }
            }
        };
        let run = &run;
        let (first, others) = self.sinks.split_at_mut(1);
        std::thread::scope(|scope| {
            for sink in others.iter_mut().take(spans.len().saturating_sub(1)) {
                scope.spawn(move || run(sink));
            }
            first.iter_mut().for_each(run);
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        for (id, copy) in copies.into_inner().unwrap_or_else(PoisonError::into_inner) {
            learn(id, copy);
        }
        Ok(())
    }

    /// Hands over what the sinks still hold.
    ///
    /// # Errors
    /// The first failure of the session.
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.sinks.into_iter().try_for_each(ChunkSink::finish)
    }
}

fn store(sink: &mut ChunkSink, plain: &Plain<'_>) -> Result<ChunkId, Error> {
    match plain.encoded {
        Some(encoded) => sink.put_encoded(ChunkKind::Data, plain.bytes, encoded),
        None => Ok(sink.put(ChunkKind::Data, plain.bytes)?.id),
    }
}
