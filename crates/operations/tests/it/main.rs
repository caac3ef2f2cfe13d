//! The engine's rules, over both journals.

mod running;
