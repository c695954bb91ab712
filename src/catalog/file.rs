//! `offering.yaml` as it is written: every field with its line, nothing judged but its form.

mod image;

use serde_json::Value;

use super::Files;
use super::mistakes::Report;
use super::yaml::{self, At, Fields, Node, Tree};
use crate::model::Object;
use crate::model::tls::Mode;

pub(super) use image::{FetchFile, ImageFile};

/// An offering's file. What was wrong in it has been reported and is blank or 0 here.
#[derive(Debug)]
pub(super) struct OfferingFile {
    pub(super) line: usize,
    pub(super) name: At<String>,
    pub(super) id: Option<At<String>>,
    pub(super) engine: At<String>,
    pub(super) description: At<String>,
    pub(super) tags: Vec<At<String>>,
    pub(super) bindable: bool,
    pub(super) requires: Vec<At<String>>,
    pub(super) dashboard_client: Option<DashboardClientFile>,
    pub(super) metadata: MetadataFile,
    pub(super) image: ImageFile,
    pub(super) parameters: ParametersFile,
    pub(super) maintenance: Option<MaintenanceFile>,
    pub(super) plans: Vec<PlanFile>,
}

/// `metadata`: what marketplaces show.
#[derive(Debug, Default)]
pub(super) struct MetadataFile {
    /// The texts, by the specification's names.
    pub(super) texts: Vec<(&'static str, At<String>)>,
    pub(super) shareable: bool,
}

/// `dashboard_client`: single sign-on for a dashboard. Platforms want all three fields.
#[derive(Debug, Default)]
pub(super) struct DashboardClientFile {
    pub(super) id: At<String>,
    pub(super) secret: At<String>,
    pub(super) redirect_uri: At<String>,
}

/// `bindings` of a plan: how long credentials live.
#[derive(Debug, Default)]
pub(super) struct BindingsFile {
    pub(super) expire_after_s: Option<u64>,
    pub(super) renew_before_s: Option<u64>,
}

/// `parameters`.
#[derive(Debug, Default)]
pub(super) struct ParametersFile {
    pub(super) create: Option<Node>,
    pub(super) update: Option<Node>,
    pub(super) bind: Option<Node>,
}

/// `maintenance`.
#[derive(Clone, Debug)]
pub(super) struct MaintenanceFile {
    pub(super) version: At<String>,
    pub(super) description: Option<At<String>>,
}

/// A plan.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the specification's fields")]
pub(super) struct PlanFile {
    pub(super) name: At<String>,
    pub(super) id: Option<At<String>>,
    pub(super) description: At<String>,
    pub(super) display_name: Option<At<String>>,
    pub(super) free: bool,
    pub(super) costs: Vec<Value>,
    pub(super) bullets: Vec<At<String>>,
    pub(super) resources: ResourcesFile,
    pub(super) tls: Mode,
    pub(super) instances_per_tenant: Option<u64>,
    pub(super) update_to: Vec<At<String>>,
    pub(super) synchronous: bool,
    pub(super) bindable: Option<bool>,
    pub(super) binding_rotatable: bool,
    pub(super) bindings: BindingsFile,
    pub(super) maximum_polling_duration_s: Option<u64>,
    pub(super) maintenance: Option<MaintenanceFile>,
    /// Whether its form was right, so that it can be tried out.
    pub(super) sound: bool,
}

/// `resources`, in bytes, thousandths and counts.
#[derive(Debug, Default)]
pub(super) struct ResourcesFile {
    pub(super) memory: At<u64>,
    pub(super) cpu_millis: u32,
    pub(super) pids: u32,
    pub(super) disk: At<u64>,
    pub(super) connections: u32,
}

impl OfferingFile {
    /// None: there is no such file, or it is not YAML; that is reported.
    pub(super) fn read(files: &Files, path: &str, report: Report<'_>) -> Option<Self> {
        if !files.0.contains_key(path) {
            report.at(0, "missing: every folder of a catalog is an offering");
            return None;
        }
        let text = files.text(path, report)?;
        match yaml::parse::<Node>(text) {
            Ok(node) => Some(Self::from(&node, report)),
            Err((line, message)) => {
                report.at(line, message);
                None
            }
        }
    }

    fn from(node: &Node, report: Report<'_>) -> Self {
        let mut fields = Fields::of(node, "an offering", report);
        let offering = Self {
            line: node.line,
            name: fields.text("name"),
            id: fields.optional_text("id"),
            engine: fields.text("engine"),
            description: fields.text("description"),
            tags: fields.texts("tags"),
            bindable: fields.flag("bindable", true),
            requires: fields.texts("requires"),
            dashboard_client: fields
                .optional("dashboard_client")
                .map(|node| DashboardClientFile::from(node, report)),
            metadata: fields
                .optional("metadata")
                .map_or_else(MetadataFile::default, |node| MetadataFile::from(node, report)),
            image: fields
                .required("image")
                .map_or_else(ImageFile::default, |node| ImageFile::from(node, report)),
            parameters: fields
                .optional("parameters")
                .map_or_else(ParametersFile::default, |node| ParametersFile::from(node, report)),
            maintenance: fields
                .optional("maintenance")
                .map(|node| MaintenanceFile::from(node, report)),
            plans: fields.list("plans").iter().map(|node| PlanFile::from(node, report)).collect(),
        };
        fields.end();
        offering
    }
}

impl MetadataFile {
    fn from(node: &Node, report: Report<'_>) -> Self {
        const TEXTS: [&str; 6] = [
            "displayName",
            "longDescription",
            "documentationUrl",
            "supportUrl",
            "providerDisplayName",
            "imageUrl",
        ];
        let mut fields = Fields::of(node, "`metadata`", report);
        let texts =
            TEXTS.into_iter().filter_map(|key| Some((key, fields.optional_text(key)?))).collect();
        let metadata = Self { texts, shareable: fields.flag("shareable", false) };
        fields.end();
        metadata
    }
}

impl DashboardClientFile {
    fn from(node: &Node, report: Report<'_>) -> Self {
        let mut fields = Fields::of(node, "`dashboard_client`", report);
        let client = Self {
            id: fields.text("id"),
            secret: fields.text("secret"),
            redirect_uri: fields.text("redirect_uri"),
        };
        fields.end();
        client
    }

    pub(super) fn object(&self) -> Object {
        [("id", &self.id), ("secret", &self.secret), ("redirect_uri", &self.redirect_uri)]
            .into_iter()
            .map(|(key, text)| (key.to_owned(), text.value.as_str().into()))
            .collect()
    }
}

impl BindingsFile {
    fn from(node: &Node, report: Report<'_>) -> Self {
        let mut fields = Fields::of(node, "`bindings`", report);
        let bindings = Self {
            expire_after_s: fields.count("expire_after_s"),
            renew_before_s: fields.count("renew_before_s"),
        };
        fields.end();
        match (bindings.expire_after_s, bindings.renew_before_s) {
            (None, Some(_)) => {
                report.at(node.line, "`renew_before_s` says nothing without `expire_after_s`");
            }
            (Some(after), Some(before)) if before >= after => report
                .at(node.line, "`renew_before_s` must leave some of the time that the binding has"),
            _ => {}
        }
        bindings
    }
}

impl ParametersFile {
    fn from(node: &Node, report: Report<'_>) -> Self {
        let mut fields = Fields::of(node, "`parameters`", report);
        let parameters = Self {
            create: fields.optional("create").cloned(),
            update: fields.optional("update").cloned(),
            bind: fields.optional("bind").cloned(),
        };
        fields.end();
        parameters
    }
}

impl MaintenanceFile {
    fn from(node: &Node, report: Report<'_>) -> Self {
        let mut fields = Fields::of(node, "`maintenance`", report);
        let maintenance = Self {
            version: fields.text("version"),
            description: fields.optional_text("description"),
        };
        fields.end();
        maintenance
    }
}

impl PlanFile {
    fn from(node: &Node, report: Report<'_>) -> Self {
        let before = report.count();
        let mut fields = Fields::of(node, "a plan", report);
        let mut plan = Self {
            name: fields.text("name"),
            id: fields.optional_text("id"),
            description: fields.text("description"),
            display_name: fields.optional_text("displayName"),
            free: fields.flag("free", true),
            costs: fields.list("costs").iter().map(|node| cost(node, report)).collect(),
            bullets: fields.texts("bullets"),
            resources: fields
                .required("resources")
                .map_or_else(ResourcesFile::default, |node| ResourcesFile::from(node, report)),
            tls: fields.optional("tls").map_or(Mode::Off, |node| tls(node, report)),
            instances_per_tenant: fields.optional("quota").and_then(|node| quota(node, report)),
            update_to: fields.texts("update_to"),
            synchronous: fields.flag("synchronous", false),
            bindable: fields.optional_flag("bindable"),
            binding_rotatable: fields.flag("binding_rotatable", true),
            bindings: fields
                .optional("bindings")
                .map_or_else(BindingsFile::default, |node| BindingsFile::from(node, report)),
            maximum_polling_duration_s: fields.count("maximum_polling_duration_s"),
            maintenance: fields
                .optional("maintenance")
                .map(|node| MaintenanceFile::from(node, report)),
            sound: true,
        };
        fields.end();
        plan.sound = report.count() == before;
        plan
    }
}

impl ResourcesFile {
    fn from(node: &Node, report: Report<'_>) -> Self {
        let mut fields = Fields::of(node, "`resources`", report);
        let resources = Self {
            memory: fields.size("memory"),
            cpu_millis: fields.required("cpus").map_or(0, |node| cpus(node, report)),
            pids: small_count(&mut fields, "pids", report),
            disk: fields.size("disk"),
            connections: small_count(&mut fields, "connections", report),
        };
        fields.end();
        resources
    }
}

fn small_count(fields: &mut Fields<'_>, key: &'static str, report: Report<'_>) -> u32 {
    let Some(node) = fields.required(key) else { return 0 };
    let line = node.line;
    let count = fields.count(key);
    count.map_or(0, |count| {
        u32::try_from(count).ok().filter(|count| *count <= 1_000_000).unwrap_or_else(|| {
            report.at(line, format!("`{key}` is at most 1000000"));
            0
        })
    })
}

/// Cores in thousandths, from `0.5`.
fn cpus(node: &Node, report: Report<'_>) -> u32 {
    let cores = match &node.tree {
        Tree::Scalar(value) => value.as_f64(),
        Tree::List(_) | Tree::Map(_) => None,
    };
    let millis = cores.map(|cores| cores * 1000.0).filter(|m| (10.0..=1_000_000.0).contains(m));
    let Some(millis) = millis else {
        report.at(node.line, "`cpus` is a number of cores, 0.01 or more: 0.5");
        return 0;
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was just checked"
    )]
    let millis = millis.round() as u32;
    millis
}

fn tls(node: &Node, report: Report<'_>) -> Mode {
    node.as_text().and_then(Mode::parse).unwrap_or_else(|| {
        report.at(node.line, "`tls` is `off`, `optional` or `required`");
        Mode::Off
    })
}

fn quota(node: &Node, report: Report<'_>) -> Option<u64> {
    let mut fields = Fields::of(node, "`quota`", report);
    let count = fields.count("instances_per_tenant");
    fields.end();
    count
}

/// `{amount: {usd: 9.5}, unit: MONTHLY}` (requirement 131).
fn cost(node: &Node, report: Report<'_>) -> Value {
    let mut fields = Fields::of(node, "a cost", report);
    let unit = fields.text("unit");
    let amount = fields.required("amount").map_or(Value::Null, Node::json);
    fields.end();
    let is_amount = |amount: &Object| !amount.is_empty() && amount.values().all(Value::is_number);
    if !amount.is_null() && !amount.as_object().is_some_and(is_amount) {
        report.at(node.line, "`amount` is a mapping of currency → number: {usd: 9.5}");
    }
    serde_json::json!({ "amount": amount, "unit": unit.value })
}
