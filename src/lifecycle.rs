//! What happens after the answer: durable operations, step by step.
//!
//! [`worker`] claims an operation and runs its steps, [`perform`] does one step in the world,
//! [`advance`] alone decides what that makes of the operation, [`bell`] wakes whoever waits.

pub mod advance;
pub mod bell;
pub mod perform;
pub mod worker;

pub use bell::Bell;
pub use worker::Worker;
