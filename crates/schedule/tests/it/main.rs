//! Tests of schedules.

#![allow(clippy::unwrap_used, reason = "a test's way to fail")]

mod daylight;
mod decisions;
mod timetables;
