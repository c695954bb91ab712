//! The real binary on a real container engine, with real clients: what it makes, how it looks
//! after it, and what becomes of it when things go wrong.
//!
//! Needs a Docker engine with the catalog's images, and the clients that `tests/clients` names;
//! `scripts/test` prepares all of them. Tests take ports from 23000 to 24999 and networks in
//! 10.216.0.0/14, and remove what they made, however they end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
mod broker;
mod clients;
mod ground;
mod kills;
mod life;
mod osb;
mod outages;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/programs.rs"]
mod programs;
mod shared;
mod signals;
mod starts;
mod things;
mod tls;
mod wire;
