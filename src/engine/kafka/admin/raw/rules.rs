//! Access rules.

use std::ffi::c_char;
use std::ptr;
use std::time::Duration;

use rdkafka::bindings as ffi;
use rdkafka::bindings::rd_kafka_AclOperation_t as Operation;
use rdkafka::bindings::rd_kafka_ResourcePatternType_t as Pattern;
use rdkafka::bindings::rd_kafka_ResourceType_t as Resource;
use rdkafka::client::{Client, ClientContext};

use super::{Failure, Owned, WORDS, ask, c_string, pointers, refused, words};

/// An entry that allows an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::kafka) struct Rule {
    pub(in crate::engine::kafka) resource: Resource,
    pub(in crate::engine::kafka) pattern: Pattern,
    pub(in crate::engine::kafka) name: String,
    pub(in crate::engine::kafka) operation: Operation,
}

/// Adds entries for a user; one that is there already is fine.
pub(in crate::engine::kafka::admin) fn add_rules<C: ClientContext>(
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
pub(in crate::engine::kafka::admin) fn remove_rules<C: ClientContext>(
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
pub(in crate::engine::kafka::admin) fn count_rules<C: ClientContext>(
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
