//! The PostgreSQL toolbox: connecting with TLS, quoting, catalogue facts, COPY.
//!
//! **Who uses it:** `ostler-queue`, and whatever else talks to a PostgreSQL server.
//!
//! **Invariants:** every error names the connection and what was attempted; a password is in no message.
//!
//! **Not here:** what a queue, a policy or a replica is.
