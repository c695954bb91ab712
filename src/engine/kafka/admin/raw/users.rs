//! Users, which are SCRAM credentials.

use std::ptr;
use std::time::Duration;

use rdkafka::bindings as ffi;
use rdkafka::client::{Client, ClientContext};

use super::{Failure, Owned, ask, c_string, refused};

const SCRAM: ffi::rd_kafka_ScramMechanism_t =
    ffi::rd_kafka_ScramMechanism_t::RD_KAFKA_SCRAM_MECHANISM_SHA_512;

/// Makes a user, or sets its password; `None` takes the user away. The library salts and hashes:
/// the password itself does not leave this process.
pub(in crate::engine::kafka::admin) fn set_password<C: ClientContext>(
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

/// Whether a user has a password; the failure 91 says that there is no such user.
pub(in crate::engine::kafka::admin) fn has_password<C: ClientContext>(
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
