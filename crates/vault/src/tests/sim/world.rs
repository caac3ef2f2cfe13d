//! The simulated world: one store, its time, and everybody's state.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ostler_store::Key;
use ostler_vocabulary::{BackupId, Timestamp};
use tokio::sync::oneshot;

use crate::Intent;

/// Seconds since 1970 when each history begins.
const BEGIN: i64 = 1_800_000_000;

/// Numbers that follow from a seed.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What a history may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    /// Requests that fail, before or after they had an effect, or have it later: once in so many.
    pub(super) faults: Option<u64>,
    /// Participants that stop for a while: once in so many requests.
    pub(super) pauses: Option<u64>,
    /// Participants that die: once in so many requests.
    pub(super) crashes: Option<u64>,
    /// How late listings may show what was created and deleted, in milliseconds.
    pub(super) lag: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) body: Bytes,
    pub(super) created: u64,
    /// From when on listings show it.
    pub(super) listed: u64,
}

/// A request that waits for its turn.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) actor: usize,
    pub(super) create: Option<(Key, Bytes)>,
    pub(super) turn: oneshot::Sender<()>,
}

#[derive(Debug)]
pub(super) struct Sleeping {
    pub(super) actor: usize,
    /// When, by the world's time.
    pub(super) at: u64,
    pub(super) turn: oneshot::Sender<()>,
}

/// A participant: one process after another on one machine.
#[derive(Debug, Default)]
pub(super) struct Actor {
    /// Until when it is stopped.
    pub(super) stopped: u64,
    /// What its monotonic clock has missed of the world's time.
    pub(super) missed: u64,
    /// What its time of day is ahead, in seconds.
    pub(super) ahead: i64,
    /// The process that runs now.
    pub(super) process: u64,
    pub(super) over: bool,
}

/// What everybody shares.
#[derive(Debug)]
pub(super) struct State {
    pub(super) dice: Dice,
    pub(super) weather: Weather,
    /// Milliseconds.
    pub(super) now: u64,
    pub(super) objects: BTreeMap<Key, Stored>,
    /// What was deleted and is still listed: until when, with size and time.
    pub(super) ghosts: BTreeMap<Key, (u64, u64, u64)>,
    /// Requests that take effect later, whoever sent them.
    pub(super) network: Vec<(u64, Key, Bytes)>,
    pub(super) actors: Vec<Actor>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) sleeping: Vec<Sleeping>,
    /// Whether somebody rotates keys.
    pub(super) rotates: bool,
    /// Processes that died.
    pub(super) dead: BTreeSet<u64>,
    pub(super) processes: u64,
    /// Everything that is asked is served at once: in the end, and in the middle of blocking work.
    pub(super) last: bool,
    pub(super) inside: bool,
    pub(super) requests: u64,
    /// What each backup holds.
    pub(super) contents: BTreeMap<BackupId, Vec<u8>>,
    /// What each participant was about when its process died.
    pub(super) jobs: BTreeMap<usize, Intent>,
    /// Backups that their makers were told are committed.
    pub(super) told: BTreeSet<BackupId>,
    /// What checks took for damage.
    pub(super) alarms: Vec<String>,
    /// Backups that somebody deleted.
    pub(super) deleted: BTreeSet<BackupId>,
    pub(super) notes: Notes,
}

/// What happened, for people.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) kept: bool,
    text: String,
}

#[derive(Debug, Clone)]
pub(super) struct World(Arc<Mutex<State>>);

impl World {
    pub(super) fn new(seed: u64, weather: Weather, actors: usize, told: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            dice: Dice::new(seed),
            weather,
            now: 0,
            objects: BTreeMap::new(),
            ghosts: BTreeMap::new(),
            network: Vec::new(),
            actors: (0..actors).map(|_| Actor::default()).collect(),
            waiting: Vec::new(),
            sleeping: Vec::new(),
            rotates: false,
            dead: BTreeSet::new(),
            processes: 0,
            last: false,
            inside: false,
            requests: 0,
            contents: BTreeMap::new(),
            jobs: BTreeMap::new(),
            told: BTreeSet::new(),
            alarms: Vec::new(),
            deleted: BTreeSet::new(),
            notes: Notes {
                kept: told,
                text: String::new(),
            },
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn note(&mut self, actor: usize, what: impl FnOnce() -> String) {
        if self.notes.kept {
            let _ = writeln!(
                self.notes.text,
                "{:>9.3} [{actor}] {}",
                self.now as f64 / 1000.0,
                what()
            );
        }
    }

    pub(super) fn story(&self) -> &str {
        &self.notes.text
    }

    pub(super) fn at_once(&self) -> bool {
        self.last || self.inside
    }

    pub(super) fn time(&self) -> Timestamp {
        self.stamp(self.now)
    }

    pub(super) fn stamp(&self, at: u64) -> Timestamp {
        Timestamp::from_second(BEGIN).unwrap() + Duration::from_millis(at)
    }

    pub(super) fn lag(&mut self) -> u64 {
        let lag = self.weather.lag;
        if lag > 0 && self.dice.once_in(3) {
            self.dice.below(lag)
        } else {
            0
        }
    }

    /// Puts an object there; `false` when the name is taken.
    pub(super) fn put(&mut self, key: &Key, body: Bytes) -> bool {
        if self.objects.contains_key(key) {
            return false;
        }
        let (created, listed) = (self.now, self.now + self.lag());
        self.ghosts.remove(key);
        self.objects.insert(
            key.clone(),
            Stored {
                body,
                created,
                listed,
            },
        );
        true
    }

    pub(super) fn take(&mut self, key: &Key) {
        if let Some(stored) = self.objects.remove(key) {
            let until = self.now + self.lag();
            if until > self.now && stored.listed <= self.now {
                self.ghosts
                    .insert(key.clone(), (until, stored.body.len() as u64, stored.created));
            }
        }
    }

    /// Lets requests take effect that were on their way.
    pub(super) fn deliver(&mut self) {
        let now = self.now;
        let due: Vec<_> = self.network.extract_if(.., |(at, ..)| *at <= now).collect();
        for (_, key, body) in due {
            let new = self.put(&key, body);
            self.note(99, || format!("late create {key}: {new}"));
        }
        self.ghosts.retain(|_, (until, ..)| *until > now);
    }
}
