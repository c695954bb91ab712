//! Who an instance belongs to, by one rule: the platform, and what the platform calls the customer.
//!
//! | `context.platform` | tenant |
//! | --- | --- |
//! | `cloudfoundry` | `<platform>/<organization_guid>` |
//! | `kubernetes` | `<platform>/<clusterid>/<namespace>` |
//! | anything else | `<platform>/<the first of context.tenant_id, subaccount_id, zone_id>`, else `<platform>/<organization_guid>` |
//!
//! `<platform>` is the name in our settings, so that two platforms never share a tenant. Where the
//! context lacks what the rule asks for, `organization_guid` of the body counts; a value with control
//! characters is none.

use serde_json::Value;

use crate::id::{PlatformName, TenantId};
use crate::model::Object;

/// The tenant of a request.
#[must_use]
pub fn of(platform: &PlatformName, context: &Object, organization_guid: &str) -> TenantId {
    let text = |key: &str| {
        let text = context.get(key).and_then(Value::as_str)?;
        // Service Manager says "-" where it has nothing to say; control characters would break
        // labels, and PostgreSQL takes no NUL.
        let says = !text.is_empty() && text != "-" && !text.chars().any(char::is_control);
        says.then_some(text)
    };
    let customer = match text("platform") {
        Some("cloudfoundry") => text("organization_guid").map(str::to_owned),
        Some("kubernetes") => text("clusterid")
            .zip(text("namespace"))
            .map(|(cluster, namespace)| format!("{cluster}/{namespace}")),
        _ => {
            ["tenant_id", "subaccount_id", "zone_id"].into_iter().find_map(text).map(str::to_owned)
        }
    };
    let customer = customer.unwrap_or_else(|| organization_guid.to_owned());
    TenantId::from(format!("{platform}/{customer}"))
}

/// What people call an instance: the context's name, or its id.
#[must_use]
pub fn instance_name(context: &Object, id: &str) -> String {
    let name = context.get("instance_name").and_then(Value::as_str).unwrap_or_default();
    let printable: String = name.chars().filter(|c| !c.is_control()).take(255).collect();
    if printable.is_empty() { id.to_owned() } else { printable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule() {
        for (context, tenant) in [
            (r#"{"platform":"cloudfoundry","organization_guid":"o"}"#, "p/o"),
            (r#"{"platform":"kubernetes","clusterid":"c","namespace":"n"}"#, "p/c/n"),
            (r#"{"platform":"kubernetes","namespace":"n"}"#, "p/org"),
            (r#"{"platform":"service-manager","subaccount_id":"s"}"#, "p/s"),
            (r#"{"platform":"x"}"#, "p/org"),
            (r"{}", "p/org"),
            (r#"{"platform":7,"tenant_id":"-"}"#, "p/org"),
            (r#"{"platform":"cloudfoundry","organization_guid":"a\u0000"}"#, "p/org"),
        ] {
            let context: Object = serde_json::from_str(context).unwrap();
            assert_eq!(of(&"p".into(), &context, "org").as_str(), tenant);
        }
    }

    #[test]
    fn names_fall_back_to_the_id() {
        let context: Object = serde_json::from_str(r#"{"instance_name":"a\nb"}"#).unwrap();
        assert_eq!(instance_name(&context, "id"), "ab");
        assert_eq!(instance_name(&Object::new(), "id"), "id");
    }
}
