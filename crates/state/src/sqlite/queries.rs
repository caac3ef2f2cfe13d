//! Statements about a file itself.

pub(super) const COUNT_SCHEMA: &str = include_str!("queries/count_schema.sql");
pub(super) const NEWEST_WRITER: &str = include_str!("queries/newest_writer.sql");
pub(super) const RECORD_MIGRATION: &str = include_str!("queries/record_migration.sql");
pub(super) const WRITE_AHEAD_LOG: &str = include_str!("queries/write_ahead_log.sql");
