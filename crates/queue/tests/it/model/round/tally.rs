//! How much was tried.

/// What happened in rounds, so that a test can tell that it was not nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub committed: u64,
    pub events: u64,
    pub batches: u64,
    pub rotations: u64,
    pub ticks: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.committed += other.committed;
        self.events += other.events;
        self.batches += other.batches;
        self.rotations += other.rotations;
        self.ticks += other.ticks;
    }
}
