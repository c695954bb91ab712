//! Settings of a broker that runs.

use std::time::Duration;

use rdkafka::bindings as ffi;
use rdkafka::bindings::rd_kafka_ResourceType_t as Resource;
use rdkafka::client::{Client, ClientContext};

use super::{Failure, NO_ERROR, Owned, ask, c_string, refused, words};

/// Sets a setting of a broker, also to what it is.
pub(in crate::engine::kafka::admin) fn set_broker<C: ClientContext>(
    client: &Client<C>,
    node: &str,
    (name, value): (&str, &str),
    limit: Duration,
) -> Result<(), Failure> {
    let (node, name, value) = (c_string(node)?, c_string(name)?, c_string(value)?);
    // SAFETY: the library copies the strings.
    let resource = unsafe {
        ffi::rd_kafka_ConfigResource_new(Resource::RD_KAFKA_RESOURCE_BROKER, node.as_ptr())
    };
    let resource = Owned::new(resource, ffi::rd_kafka_ConfigResource_destroy)
        .ok_or_else(|| Failure::Invalid("no broker has this name".to_owned()))?;
    // SAFETY: as before; an error belongs to whom it is given.
    unsafe {
        let error = ffi::rd_kafka_ConfigResource_add_incremental_config(
            resource.pointer,
            name.as_ptr(),
            ffi::rd_kafka_AlterConfigOpType_t::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
            value.as_ptr(),
        );
        if let Some(error) = Owned::new(error, ffi::rd_kafka_error_destroy) {
            refused(error.pointer)?;
        }
    }
    let mut all = [resource.pointer];
    let what = ffi::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;
    let event = ask(client, what, limit, |handle, options, queue| {
        // SAFETY: the list has the length that is told, and the library copies it.
        unsafe {
            ffi::rd_kafka_IncrementalAlterConfigs(handle, all.as_mut_ptr(), 1, options, queue);
        }
    })?;
    // SAFETY: the event is of this kind, and what it lends lives as long as it does.
    unsafe {
        let result = ffi::rd_kafka_event_IncrementalAlterConfigs_result(event.pointer);
        let mut count = 0;
        let answers =
            ffi::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count);
        for index in 0..count {
            let answer = *answers.add(index);
            let code = ffi::rd_kafka_ConfigResource_error(answer);
            if code != NO_ERROR {
                let told = words(ffi::rd_kafka_ConfigResource_error_string(answer));
                return Err(Failure::Refused(code as i32, told));
            }
        }
    }
    Ok(())
}
