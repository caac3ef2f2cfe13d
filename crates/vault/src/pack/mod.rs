//! Packs: many chunks in one object.
