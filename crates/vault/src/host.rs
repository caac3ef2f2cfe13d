//! How the vault waits, starts blocking work and asks after processes: in the runtime it was opened in, or, in tests
//! of many participants, under a scheduler that decides what happens when.

use std::future::Future;
use std::time::Duration;

use ostler_vocabulary::ProcessIdentity;
use tokio::runtime::Handle;

use crate::Error;

/// Memory of so many bytes is taken from the system by itself, and goes back to it when it is freed. Of what is smaller the C
/// library learns, whenever some is freed, to keep as much and twice as much in the heap of each thread: with many threads
/// that is more than is ever used. Room that is not written to costs nothing.
pub(crate) const GIVEN_BACK: usize = (32 << 20) + 1;

/// What a simulation decides for one participant.
#[cfg(test)]
pub(crate) trait Simulated: std::fmt::Debug + Send + Sync {
    /// Ends when so much of the participant's time has passed.
    fn sleep(&self, time: Duration) -> futures::future::BoxFuture<'static, ()>;

    /// Whether a process is known to be gone.
    fn is_dead(&self, process: &ProcessIdentity) -> bool;

    /// Runs a future that does not wait, in the middle of blocking work.
    fn enter(&self, entered: bool);
}

/// The runtime of a vault.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    runtime: Handle,
    #[cfg(test)]
    simulated: Option<std::sync::Arc<dyn Simulated>>,
}

impl Host {
    /// The runtime that this is called in.
    pub(crate) fn current() -> Result<Self, Error> {
        let runtime = Handle::try_current()
            .map_err(|error| Error::Internal(format!("a vault is opened inside a Tokio runtime: {error}")))?;
        Ok(Self {
            runtime,
            #[cfg(test)]
            simulated: None,
        })
    }

    /// A participant of a simulation.
    #[cfg(test)]
    pub(crate) fn simulated(simulated: std::sync::Arc<dyn Simulated>) -> Self {
        Self {
            runtime: Handle::current(),
            simulated: Some(simulated),
        }
    }

    /// Where tasks are started.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) async fn sleep(&self, time: Duration) {
        #[cfg(test)]
        if let Some(simulated) = &self.simulated {
            return simulated.sleep(time).await;
        }
        tokio::time::sleep(time).await;
    }

    /// Runs blocking work beside the runtime's own threads.
    pub(crate) async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Error> {
        #[cfg(test)]
        if self.simulated.is_some() {
            return Ok(work());
        }
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::Internal(format!("work in another thread ended early: {error}")))
    }

    /// Waits for a future in the middle of blocking work.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        #[cfg(test)]
        if let Some(simulated) = &self.simulated {
            use futures::FutureExt as _;
            simulated.enter(true);
            let done = future.now_or_never();
            simulated.enter(false);
            return done.expect("in a simulation blocking work waits for nothing");
        }
        self.runtime.block_on(future)
    }

    /// Whether a process is known to be gone.
    pub(crate) fn is_dead(&self, process: &ProcessIdentity) -> bool {
        #[cfg(test)]
        if let Some(simulated) = &self.simulated {
            return simulated.is_dead(process);
        }
        process.is_dead()
    }

    /// How many full packs of one session may be on their way.
    pub(crate) fn in_flight(&self, usual: usize) -> usize {
        #[cfg(test)]
        if self.simulated.is_some() {
            return 1000;
        }
        usual
    }

    /// How many threads may wait for the store at the same time.
    pub(crate) fn threads(&self, usual: usize) -> usize {
        #[cfg(test)]
        if self.simulated.is_some() {
            return 1;
        }
        usual
    }

    /// The length that a block of small chunks has at most.
    pub(crate) fn block_length(&self, usual: usize) -> usize {
        #[cfg(test)]
        if self.simulated.is_some() {
            return 26;
        }
        usual
    }

    /// The length at which a pack is full.
    pub(crate) fn pack_length(&self, usual: usize) -> usize {
        #[cfg(test)]
        if self.simulated.is_some() {
            return if usual > 10 << 20 { 150 } else { 2000 };
        }
        usual
    }
}

/// Mistakes that a test plants, to show that the simulation finds each. No program has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code, reason = "planted by tests only"))]
pub(crate) enum Bug {
    /// New backups rely on packs that are marked.
    RelyOnMarkedPacks,
    /// Space is freed while a backup that began before the marks is being made.
    SweepBesideWriters,
    /// A maker that shows no life is forgotten, and nothing is put where its record would be.
    NoTombstone,
    /// What was marked is freed without another look at what backups need.
    NoSecondLook,
    /// Which backups there are is asked before their makers are dealt with.
    RecordsFirst,
    /// A round is over before its packs are deleted.
    RoundOverEarly,
}

/// Whether this mistake is to be made.
#[cfg(not(test))]
pub(crate) const fn bug(_: Bug) -> bool {
    false
}

#[cfg(test)]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
pub(crate) fn bug(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether this thread's vaults make a mistake.
#[cfg(test)]
pub(crate) fn is_planted() -> bool {
    PLANTED.get().is_some()
}

/// Makes this thread's vaults make a mistake.
#[cfg(test)]
pub(crate) fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

#[cfg(test)]
thread_local! {
    static CHANCE: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

/// Makes this thread's randomness follow from a seed.
#[cfg(test)]
pub(crate) fn seed_chance(seed: Option<u64>) {
    CHANCE.set(seed);
}

/// Whether this thread simulates.
#[cfg(test)]
pub(crate) fn is_simulated() -> bool {
    CHANCE.get().is_some()
}

/// Fills bytes from the seed; `false` outside of simulations.
#[cfg(test)]
pub(crate) fn chance(bytes: &mut [u8]) -> bool {
    let Some(mut state) = CHANCE.get() else {
        return false;
    };
    for some in bytes.chunks_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        some.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes()[..some.len()]);
    }
    CHANCE.set(Some(state));
    true
}
