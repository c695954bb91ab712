//! The whole broker in one process: the real router, SQLite in a temporary folder, a fake container
//! engine and fake engines. Numbers in names and comments are those of the requirements.

#![expect(clippy::unwrap_used, reason = "what fails in the harness fails the test")]

mod described;
mod harness;
mod requests;

mod bad_input;
mod bindings;
mod catalog;
mod catalog_body;
mod certificates;
mod concurrency;
mod crashes;
mod dialects;
mod errors;
mod faults;
mod headers;
mod instances;
mod last_operation;
mod matrix;
mod openapi;
mod orphans;
mod outages;
mod platforms;
mod rotation;
mod secrets;
mod table;
mod updates;
mod wire;
