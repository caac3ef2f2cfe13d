//! The runtime over real directories: what a front end sees, from the first backup to the last deletion.

mod damage;
mod life;
mod world;
