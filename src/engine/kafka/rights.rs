//! What a binding may do, as Kafka's access rules. What no rule allows is refused.

use rdkafka::bindings::rd_kafka_AclOperation_t as Operation;
use rdkafka::bindings::rd_kafka_ResourcePatternType_t as Pattern;
use rdkafka::bindings::rd_kafka_ResourceType_t as Resource;

use super::admin::Rule;
use crate::engine::read_only;
use crate::model::{Fault, Object};

use Operation::{
    RD_KAFKA_ACL_OPERATION_ALTER as ALTER, RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS as ALTER_CONFIGS,
    RD_KAFKA_ACL_OPERATION_CREATE as CREATE, RD_KAFKA_ACL_OPERATION_DELETE as DELETE,
    RD_KAFKA_ACL_OPERATION_DESCRIBE as DESCRIBE,
    RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS as DESCRIBE_CONFIGS,
    RD_KAFKA_ACL_OPERATION_READ as READ, RD_KAFKA_ACL_OPERATION_WRITE as WRITE,
};

/// Of a resource: what everyone may do, and what only those who may change things.
const RIGHTS: [(Resource, &[Operation], &[Operation]); 3] = [
    (
        Resource::RD_KAFKA_RESOURCE_TOPIC,
        &[READ, DESCRIBE, DESCRIBE_CONFIGS],
        &[WRITE, CREATE, DELETE, ALTER, ALTER_CONFIGS],
    ),
    // Who reads keeps how far it has read.
    (Resource::RD_KAFKA_RESOURCE_GROUP, &[READ, DESCRIBE], &[DELETE]),
    (Resource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID, &[], &[WRITE, DESCRIBE]),
];

/// The rules for a binding's parameters: `read_only`, and `topic_prefix`, which topics, consumer
/// groups and transactional ids must begin with.
pub(super) fn rules(parameters: &Object) -> Result<Vec<Rule>, Fault> {
    let read_only = read_only(parameters)?;
    let (pattern, name) = match parameters.get("topic_prefix") {
        None => (Pattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL, "*"),
        Some(value) => {
            let prefix = value.as_str().filter(|prefix| is_plain(prefix));
            let prefix = prefix.ok_or_else(|| {
                Fault::fatal("topic_prefix is not a text of letters, digits and . _ -")
            })?;
            (Pattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED, prefix)
        }
    };
    let rule = |resource, operation| Rule { resource, pattern, name: name.to_owned(), operation };
    let rules = RIGHTS.iter().flat_map(|(resource, reading, changing)| {
        let changing = if read_only { &[] } else { *changing };
        reading.iter().chain(changing).map(|operation| rule(*resource, *operation))
    });
    Ok(rules.collect())
}

/// What Kafka takes in the name of a topic.
fn is_plain(prefix: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !prefix.is_empty() && prefix.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FaultKind;

    fn of(parameters: &serde_json::Value) -> Result<Vec<Rule>, Fault> {
        rules(parameters.as_object().expect("an object"))
    }

    #[test]
    fn a_binding_may_do_all_with_topics_and_nothing_with_the_broker() {
        let all = of(&json!({})).unwrap();
        assert_eq!(all.len(), 13);
        assert!(all.iter().all(|rule| rule.name == "*"));
        assert!(!all.iter().any(|rule| rule.resource == Resource::RD_KAFKA_RESOURCE_BROKER));
    }

    #[test]
    fn who_reads_changes_nothing() {
        let all = of(&json!({"read_only": true, "topic_prefix": "team.a-"})).unwrap();
        assert_eq!(all.len(), 5);
        let prefixed = Pattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED;
        assert!(all.iter().all(|rule| (rule.pattern, rule.name.as_str()) == (prefixed, "team.a-")));
        assert!(
            all.iter().all(|rule| [READ, DESCRIBE, DESCRIBE_CONFIGS].contains(&rule.operation))
        );
    }

    #[test]
    fn a_prefix_is_never_all() {
        for parameters in [
            json!({"topic_prefix": ""}),
            json!({"topic_prefix": "*"}),
            json!({"topic_prefix": 1}),
            json!({"read_only": "yes"}),
        ] {
            assert_eq!(of(&parameters).unwrap_err().kind, FaultKind::Fatal);
        }
    }
}
