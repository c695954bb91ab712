//! The calls of librdkafka that the `rdkafka` crate does not wrap: users and access rules. This is
//! the one file of the program where Rust's rules are not enough.
//!
//! Everything here blocks until the broker has answered or the time is up. What the library
//! allocates is owned by a type that gives it back when dropped; what it lends lives as long as the
//! event that it came with.

#![expect(unsafe_code, reason = "the crate has no safe way to users and access rules")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::time::Duration;

use rdkafka::bindings as ffi;
use rdkafka::bindings::rd_kafka_AclOperation_t as Operation;
use rdkafka::bindings::rd_kafka_ResourcePatternType_t as Pattern;
use rdkafka::bindings::rd_kafka_ResourceType_t as Resource;
use rdkafka::client::{Client, ClientContext};

const SCRAM: ffi::rd_kafka_ScramMechanism_t =
    ffi::rd_kafka_ScramMechanism_t::RD_KAFKA_SCRAM_MECHANISM_SHA_512;
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

/// An entry that allows an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::kafka) struct Rule {
    pub(in crate::engine::kafka) resource: Resource,
    pub(in crate::engine::kafka) pattern: Pattern,
    pub(in crate::engine::kafka) name: String,
    pub(in crate::engine::kafka) operation: Operation,
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

/// Makes a user, or sets its password; `None` takes the user away. The library salts and hashes:
/// the password itself does not leave this process.
pub(super) fn set_password<C: ClientContext>(
    client: &Client<C>,
    user: &str,
    password: Option<&str>,
    rounds: i32,
    limit: Duration,
) -> Result<(), Failure> {
    let user = c_string(user)?;
    // SAFETY: the library copies the name and the password, whose length is given.
    let alteration = unsafe {
        match password {
            Some(password) => ffi::rd_kafka_UserScramCredentialUpsertion_new(
                user.as_ptr(),
                SCRAM,
                rounds,
                password.as_ptr(),
                password.len(),
                ptr::null(),
                0,
            ),
            None => ffi::rd_kafka_UserScramCredentialDeletion_new(user.as_ptr(), SCRAM),
        }
    };
    let alteration = Owned::new(alteration, ffi::rd_kafka_UserScramCredentialAlteration_destroy)
        .ok_or_else(|| Failure::Invalid("no credential can be made of this".to_owned()))?;
    let mut all = [alteration.pointer];
    let what = ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ALTERUSERSCRAMCREDENTIALS;
    let event = ask(client, what, limit, |handle, options, queue| {
        // SAFETY: the list has the length that is told, and the library copies it.
        unsafe {
            ffi::rd_kafka_AlterUserScramCredentials(handle, all.as_mut_ptr(), 1, options, queue);
        }
    })?;
    // SAFETY: the event is of this kind, and what it lends lives as long as it does.
    unsafe {
        let result = ffi::rd_kafka_event_AlterUserScramCredentials_result(event.pointer);
        let mut count = 0;
        let answers =
            ffi::rd_kafka_AlterUserScramCredentials_result_responses(result, &raw mut count);
        for index in 0..count {
            let answer = *answers.add(index);
            refused(ffi::rd_kafka_AlterUserScramCredentials_result_response_error(answer))?;
        }
    }
    Ok(())
}

/// Adds entries for a user; one that is there already is fine.
pub(super) fn add_rules<C: ClientContext>(
    client: &Client<C>,
    user: &str,
    rules: &[Rule],
    limit: Duration,
) -> Result<(), Failure> {
    let principal = c_string(&format!("User:{user}"))?;
    let entry = |rule: &Rule| {
        let name = c_string(&rule.name)?;
        let mut told: [c_char; WORDS] = [0; WORDS];
        // SAFETY: the library copies the strings, and writes at most as many words as told.
        let (entry, told) = unsafe {
            let entry = ffi::rd_kafka_AclBinding_new(
                rule.resource,
                name.as_ptr(),
                rule.pattern,
                principal.as_ptr(),
                c"*".as_ptr(),
                rule.operation,
                ffi::rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
                told.as_mut_ptr(),
                told.len(),
            );
            (entry, words(told.as_ptr()))
        };
        Owned::new(entry, ffi::rd_kafka_AclBinding_destroy).ok_or(Failure::Invalid(told))
    };
    let entries = rules.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let mut all = pointers(&entries);
    let what = ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATEACLS;
    let event = ask(client, what, limit, |handle, options, queue| {
        // SAFETY: the list has the length that is told, and the library copies it.
        unsafe { ffi::rd_kafka_CreateAcls(handle, all.as_mut_ptr(), all.len(), options, queue) };
    })?;
    // SAFETY: the event is of this kind, and what it lends lives as long as it does.
    unsafe {
        let result = ffi::rd_kafka_event_CreateAcls_result(event.pointer);
        let mut count = 0;
        let answers = ffi::rd_kafka_CreateAcls_result_acls(result, &raw mut count);
        for index in 0..count {
            refused(ffi::rd_kafka_acl_result_error(*answers.add(index)))?;
        }
    }
    Ok(())
}

/// Every entry of a user.
fn all_of(user: &str) -> Result<Owned<ffi::rd_kafka_AclBindingFilter_t>, Failure> {
    let principal = c_string(&format!("User:{user}"))?;
    let mut told: [c_char; WORDS] = [0; WORDS];
    // SAFETY: the library copies the string, and writes at most as many words as told.
    let (filter, told) = unsafe {
        let filter = ffi::rd_kafka_AclBindingFilter_new(
            Resource::RD_KAFKA_RESOURCE_ANY,
            ptr::null(),
            Pattern::RD_KAFKA_RESOURCE_PATTERN_ANY,
            principal.as_ptr(),
            ptr::null(),
            Operation::RD_KAFKA_ACL_OPERATION_ANY,
            ffi::rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
            told.as_mut_ptr(),
            told.len(),
        );
        (filter, words(told.as_ptr()))
    };
    Owned::new(filter, ffi::rd_kafka_AclBinding_destroy).ok_or(Failure::Invalid(told))
}

/// Takes every entry of a user away.
pub(super) fn remove_rules<C: ClientContext>(
    client: &Client<C>,
    user: &str,
    limit: Duration,
) -> Result<(), Failure> {
    let filter = all_of(user)?;
    let mut all = [filter.pointer];
    let what = ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETEACLS;
    let event = ask(client, what, limit, |handle, options, queue| {
        // SAFETY: the list has the length that is told, and the library copies it.
        unsafe { ffi::rd_kafka_DeleteAcls(handle, all.as_mut_ptr(), 1, options, queue) };
    })?;
    // SAFETY: the event is of this kind, and what it lends lives as long as it does.
    unsafe {
        let result = ffi::rd_kafka_event_DeleteAcls_result(event.pointer);
        let mut count = 0;
        let answers = ffi::rd_kafka_DeleteAcls_result_responses(result, &raw mut count);
        for index in 0..count {
            let answer = *answers.add(index);
            refused(ffi::rd_kafka_DeleteAcls_result_response_error(answer))?;
            let mut gone = 0;
            let entries =
                ffi::rd_kafka_DeleteAcls_result_response_matching_acls(answer, &raw mut gone);
            for entry in 0..gone {
                refused(ffi::rd_kafka_AclBinding_error(*entries.add(entry)))?;
            }
        }
    }
    Ok(())
}

/// How many entries a user has. Only a super user may ask: to others the library says 0.
pub(super) fn count_rules<C: ClientContext>(
    client: &Client<C>,
    user: &str,
    limit: Duration,
) -> Result<usize, Failure> {
    let filter = all_of(user)?;
    let what = ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBEACLS;
    let event = ask(client, what, limit, |handle, options, queue| {
        // SAFETY: the library copies the filter.
        unsafe { ffi::rd_kafka_DescribeAcls(handle, filter.pointer, options, queue) };
    })?;
    let mut count = 0;
    // SAFETY: the event is of this kind.
    unsafe {
        let result = ffi::rd_kafka_event_DescribeAcls_result(event.pointer);
        ffi::rd_kafka_DescribeAcls_result_acls(result, &raw mut count);
    }
    Ok(count)
}

/// Whether a user has a password; the failure 91 says that there is no such user.
pub(super) fn has_password<C: ClientContext>(
    client: &Client<C>,
    user: &str,
    limit: Duration,
) -> Result<bool, Failure> {
    let user = c_string(user)?;
    let mut all = [user.as_ptr()];
    let what = ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBEUSERSCRAMCREDENTIALS;
    let event = ask(client, what, limit, |handle, options, queue| {
        // SAFETY: the list has the length that is told, and the library copies it.
        unsafe {
            ffi::rd_kafka_DescribeUserScramCredentials(handle, all.as_mut_ptr(), 1, options, queue);
        }
    })?;
    let mut count = 0;
    // SAFETY: the event is of this kind, and what it lends lives as long as it does.
    unsafe {
        let result = ffi::rd_kafka_event_DescribeUserScramCredentials_result(event.pointer);
        let users =
            ffi::rd_kafka_DescribeUserScramCredentials_result_descriptions(result, &raw mut count);
        if count == 0 {
            return Ok(false);
        }
        refused(ffi::rd_kafka_UserScramCredentialsDescription_error(*users))?;
        Ok(ffi::rd_kafka_UserScramCredentialsDescription_scramcredentialinfo_count(*users) > 0)
    }
}
