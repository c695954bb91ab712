//! The whole broker in one process: the real router, SQLite in a temporary folder, a fake container
//! engine and fake engines. Numbers in names and comments are those of the requirements.

mod harness;

mod bad_input;
mod bindings;
mod catalog;
mod concurrency;
mod crashes;
mod faults;
mod headers;
mod instances;
mod last_operation;
mod outages;
mod platforms;
mod rotation;
mod secrets;
mod updates;
