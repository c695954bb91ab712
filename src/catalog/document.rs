//! The catalog for people: every offering with its plans, parameters, credentials and an example.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Catalog, Offering, Plan, Schema, Schemas, rehearse, size};

/// What the fields of credentials mean, wherever they occur: client libraries of all platforms look
/// for the same thing under several names.
const FIELDS: &[(&str, &str)] = &[
    ("access", "What the app may do: what it asked for."),
    ("addresses", "Host and port, as a list."),
    ("bootstrap-servers", "As `bootstrap_servers`, by the name of Java's clients."),
    ("bootstrap_servers", "Host and port to begin with."),
    ("brokers", "The same as a list."),
    ("ca_certificate", "What the server's certificate is verified by, in PEM."),
    ("dashboard_url", "The management pages, in a browser."),
    ("database", "The database that all apps share."),
    ("db", "As `database`."),
    ("endpoints", "Where the API is, as a list."),
    ("group_prefix", "What the names of consumer groups must begin with."),
    ("host", "The host."),
    ("hostname", "As `host`."),
    ("hostnames", "As `hosts`."),
    ("hosts", "The same as a list."),
    ("http_api_uri", "The management API, with user and password."),
    ("http_api_uris", "The same as a list."),
    ("inbox_prefix", "What the inbox must begin with, where answers come to."),
    ("jdbc-url", "As `jdbcUrl`."),
    ("jdbcUrl", "All in one, for Java."),
    ("key_prefix", "What keys must begin with, and channels where there are any."),
    ("management_port", "The port of the management API."),
    ("name", "As `database`."),
    ("password", "The app's own password."),
    ("port", "The port."),
    ("protocol", "The protocol."),
    ("protocols", "Each protocol with host, port and URI."),
    ("provider", "Who made the credentials."),
    ("r2dbc-url", "The address, for reactive Java."),
    ("sasl.jaas.config", "The login, for Java's clients."),
    ("sasl.mechanism", "As `sasl_mechanism`."),
    ("sasl_jaas_config", "As `sasl.jaas.config`."),
    ("sasl_mechanism", "How the password is proven."),
    ("schema", "The schema that names are looked up in."),
    ("security.protocol", "As `security_protocol`."),
    ("security_protocol", "Whether the way is encrypted."),
    ("servers", "The addresses, without the login."),
    ("ssl", "As `tls`."),
    ("sslmode", "How libpq comes: whether over TLS."),
    ("subject_prefix", "What subjects must begin with."),
    ("tls", "Whether the address given is one of TLS."),
    ("tls_port", "The port of TLS, where there is no other."),
    ("tls_uri", "All in one, over TLS."),
    ("topic_prefix", "What the names of topics must begin with."),
    ("type", "What it is, for bindings on Kubernetes."),
    ("uri", "All in one."),
    ("uris", "The same as a list."),
    ("url", "As `uri`."),
    ("urls", "The same as a list."),
    ("user", "As `username`."),
    ("username", "The app's own user."),
    ("vhost", "The virtual host that all apps share."),
    ("virtual-host", "As `vhost`."),
    ("virtual_host", "As `vhost`."),
];

/// One of the three that a plan has.
type Of = fn(&Schemas) -> &Schema;

impl Catalog {
    /// The page about all that is offered, in Markdown.
    #[must_use]
    pub fn document(&self) -> String {
        let mut text = String::from(
            "# Offerings\n\nWritten by `banquet catalog docs`. Sizes are of one instance; every app \
             that is bound gets a user of its own.\n\n",
        );
        for offering in &self.offerings {
            let link = format!("- [{}](#{})\n", offering.name, offering.name);
            text.push_str(&link);
        }
        for offering in &self.offerings {
            text.push_str(&self.section(offering));
        }
        text
    }

    fn section(&self, offering: &Offering) -> String {
        let told = |key: &str| offering.metadata.get(key).and_then(Value::as_str);
        let mut text = format!("\n## {}\n\n{}.\n", offering.name, offering.description);
        if let Some(long) = told("longDescription") {
            write!(text, "\n{long}\n").expect("a String takes all");
        }
        text.push_str(&plans(&offering.plans));
        let kinds: [(&str, Of); 3] = [
            ("Parameters of an instance", |schemas| &schemas.create),
            ("Parameters of an update", |schemas| &schemas.update),
            ("Parameters of a binding", |schemas| &schemas.bind),
        ];
        for (title, of) in kinds {
            let of_plans: Vec<&Schema> =
                offering.plans.iter().map(|plan| of(&plan.schemas)).collect();
            text.push_str(&parameters(title, of(&offering.schemas), &of_plans));
        }
        if offering.bindable {
            text.push_str(&credentials(offering));
        }
        let example = self.files.0.get(&format!("{}/example.py", offering.name));
        if let Some(example) = example {
            let example = String::from_utf8_lossy(example);
            write!(text, "\n### An app in Python\n\n```python\n{}\n```\n", example.trim_end())
                .expect("a String takes all");
        }
        text
    }
}

fn plans(plans: &[Plan]) -> String {
    let mut text = String::from(
        "\n### Plans\n\n| plan | memory | CPUs | disk | connections | TLS | may change to |\n| --- | \
         --- | --- | --- | --- | --- | --- |\n",
    );
    for plan in plans {
        let cores = f64::from(plan.cpu_millis) / 1000.0;
        let (memory, disk) = (size::show(plan.memory_bytes), size::show(plan.disk_bytes));
        let next = if plan.update_to.is_empty() { "–".into() } else { plan.update_to.join(", ") };
        let Plan { name, connections, tls, .. } = plan;
        writeln!(
            text,
            "| `{name}` | {memory} | {cores} | {disk} | {connections} | {tls} | {next} |"
        )
        .expect("a String takes all");
    }
    text
}

fn parameters(title: &str, schema: &Schema, of_plans: &[&Schema]) -> String {
    let mut rows = schema.properties().peekable();
    if rows.peek().is_none() {
        return String::new();
    }
    let mut text =
        format!("\n### {title}\n\n| name | what | values | default |\n| --- | --- | --- | --- |\n");
    for (name, property) in rows {
        let what = property["description"].as_str().unwrap_or_default().replace('|', "\\|");
        let default = property.get("default").map(|value| format!("`{value}`")).unwrap_or_default();
        let of_plans: Vec<&Value> =
            of_plans.iter().map(|schema| &schema.document()["properties"][name]).collect();
        let values = values(property, &of_plans);
        writeln!(text, "| `{name}` | {what} | {values} | {default} |").expect("a String takes all");
    }
    text
}

/// What a property may be, in words; where plans differ, in their order.
fn values(property: &Value, of_plans: &[&Value]) -> String {
    if let Some(values) = property["enum"].as_array() {
        let shown: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        return shown.join(", ");
    }
    let kind = property["type"].as_str().unwrap_or("anything");
    let bound = |key| {
        let mut bounds: Vec<String> =
            of_plans.iter().filter_map(|plan| Some(plan.get(key)?.to_string())).collect();
        bounds.dedup();
        (!bounds.is_empty()).then(|| bounds.join(" / "))
    };
    let bounds = (bound("minimum"), bound("maximum"));
    match (bounds, property["pattern"].as_str()) {
        ((Some(least), Some(most)), _) => format!("{kind}, {least} to {most}"),
        ((Some(least), None), _) => format!("{kind}, {least} or more"),
        (_, Some(pattern)) => format!("{kind} like `{}`", pattern.replace('|', "\\|")),
        _ => kind.to_owned(),
    }
}

fn credentials(offering: &Offering) -> String {
    let Some(object) = offering.plans.first().and_then(|plan| rehearse::example(offering, plan))
    else {
        return String::new();
    };
    let mut text = String::from("\n### Credentials\n\n| field | what |\n| --- | --- |\n");
    for name in object.keys() {
        writeln!(text, "| `{name}` | {} |", meaning(name).unwrap_or_default())
            .expect("a String takes all");
    }
    let shown = serde_json::to_string_pretty(&object).expect("it is JSON already");
    write!(text, "\n```json\n{shown}\n```\n").expect("a String takes all");
    text
}

fn meaning(field: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(name, _)| *name == field).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_in_order_so_that_one_is_found() {
        assert!(FIELDS.is_sorted());
    }
}
