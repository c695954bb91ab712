//! The calls of librdkafka that the `rdkafka` crate does not wrap, each kind in a file. This is the
//! one room of the program where Rust's rules are not enough.
//!
//! Everything here blocks until the broker has answered or the time is up. What the library
//! allocates is owned by a type that gives it back when dropped; what it lends lives as long as the
//! event that it came with.

#![expect(unsafe_code, reason = "the crate has no safe way to do this")]

mod brokers;
mod rules;
mod users;

use std::ffi::{CStr, CString, c_char, c_int};
use std::time::Duration;

use rdkafka::bindings as ffi;
use rdkafka::client::{Client, ClientContext};

pub(super) use self::brokers::set_broker;
pub(in crate::engine::kafka) use self::rules::Rule;
pub(super) use self::rules::{add_rules, count_rules, remove_rules};
pub(super) use self::users::{has_password, set_password};

const NO_ERROR: ffi::rd_kafka_resp_err_t = ffi::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
/// How much longer than the request itself its answer is waited for.
const GRACE_MS: c_int = 500;
/// Room for the library's words.
const WORDS: usize = 256;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine::kafka) enum Failure {
    /// It was never sent.
    #[error("{0}")]
    Invalid(String),
    /// No answer within the time.
    #[error("no answer in time")]
    TimedOut,
    /// The broker's answer, or the library's instead of one: its number and words.
    #[error("{1} ({0})")]
    Refused(i32, String),
}

/// Something of the library's, given back by its own function.
struct Owned<T> {
    pointer: *mut T,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// None where the library could not make it.
    fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        (!pointer.is_null()).then_some(Self { pointer, free })
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` took a pointer that nobody else frees, with the function meant for it.
        unsafe { (self.free)(self.pointer) }
    }
}

/// The library's list of them, which stays theirs.
fn pointers<T>(all: &[Owned<T>]) -> Vec<*mut T> {
    all.iter().map(|one| one.pointer).collect()
}

fn c_string(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure::Invalid("a name with a NUL in it".to_owned()))
}

/// What stands at a pointer of the library's; blank where there is none.
///
/// # Safety
/// The pointer is null or at a C string that lives during the call.
unsafe fn words(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: see above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// # Safety
/// The pointer is null or at an error that lives during the call.
unsafe fn refused(error: *const ffi::rd_kafka_error_t) -> Result<(), Failure> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: see above.
    let (code, words) =
        unsafe { (ffi::rd_kafka_error_code(error), words(ffi::rd_kafka_error_string(error))) };
    if code == NO_ERROR { Ok(()) } else { Err(Failure::Refused(code as i32, words)) }
}

/// Sends a request and waits for its event. `send` is given the client, options and a queue, all of
/// which live during it.
fn ask<C: ClientContext>(
    client: &Client<C>,
    what: ffi::rd_kafka_admin_op_t,
    limit: Duration,
    send: impl FnOnce(
        *mut ffi::rd_kafka_t,
        *const ffi::rd_kafka_AdminOptions_t,
        *mut ffi::rd_kafka_queue_t,
    ),
) -> Result<Owned<ffi::rd_kafka_event_t>, Failure> {
    let no_memory = || Failure::Invalid("the library has no memory".to_owned());
    let limit_ms = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX - GRACE_MS);
    let handle = client.native_ptr();
    // SAFETY: the client outlives the call, and with it its handle; options and queue are freed
    // after their last use, and an event belongs to whoever polled it.
    unsafe {
        let options = ffi::rd_kafka_AdminOptions_new(handle, what);
        let options =
            Owned::new(options, ffi::rd_kafka_AdminOptions_destroy).ok_or_else(no_memory)?;
        let mut told: [c_char; WORDS] = [0; WORDS];
        let set = ffi::rd_kafka_AdminOptions_set_request_timeout(
            options.pointer,
            limit_ms,
            told.as_mut_ptr(),
            told.len(),
        );
        if set != NO_ERROR {
            return Err(Failure::Invalid(words(told.as_ptr())));
        }
        let queue = ffi::rd_kafka_queue_new(handle);
        let queue = Owned::new(queue, ffi::rd_kafka_queue_destroy).ok_or_else(no_memory)?;
        send(handle, options.pointer, queue.pointer);
        let event = ffi::rd_kafka_queue_poll(queue.pointer, limit_ms + GRACE_MS);
        let event = Owned::new(event, ffi::rd_kafka_event_destroy).ok_or(Failure::TimedOut)?;
        let code = ffi::rd_kafka_event_error(event.pointer);
        if code == NO_ERROR {
            return Ok(event);
        }
        let told = words(ffi::rd_kafka_event_error_string(event.pointer));
        Err(Failure::Refused(code as i32, told))
    }
}
