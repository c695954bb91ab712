//! Rows and the catalog as the admin API shows them.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::broker::Broker;
use crate::catalog::{Offering, Plan};
use crate::clock::Millis;
use crate::model::{
    Binding, BindingState, Instance, InstanceState, Kind, Operation, OperationState, Phase, names,
};
use crate::osb::Refusal;
use crate::view;

impl Broker {
    pub(super) async fn instance_view(
        &self,
        instance: &Instance,
    ) -> Result<view::Instance, Refusal> {
        let latest = self.store.latest(instance.key.as_str()).await?;
        let bindings = self.store.bindings(&instance.key).await?;
        let (offering, plan) = self.catalog_names(instance);
        let containers = instance.workload.containers.iter();
        let identity = instance.workload.identity.as_ref();
        Ok(view::Instance {
            id: instance.id.to_string(),
            name: instance.name.clone(),
            platform: instance.platform.to_string(),
            tenant: instance.tenant.to_string(),
            offering,
            plan,
            state: state(instance, latest.as_ref()).to_owned(),
            usable: usable(instance, latest.as_ref()),
            parameters: instance.parameters.clone(),
            host: self.settings.advertise_host.clone(),
            ports: instance.published(),
            tls: instance.workload.tls.to_string(),
            certificate_ends_at: identity.map(|identity| rfc3339(identity.ends_at)),
            containers: containers
                .map(|one| names::container(&self.id, &instance.key, &one.role))
                .collect(),
            bindings: bindings.len() as u64,
            operation: latest.as_ref().map(operation),
            created_at: rfc3339(instance.created_at),
            updated_at: rfc3339(instance.updated_at),
        })
    }

    pub(super) async fn binding_view(
        &self,
        instance: &Instance,
        binding: &Binding,
        with_credentials: bool,
    ) -> Result<view::Binding, Refusal> {
        let latest = self.store.latest(binding.key.as_str()).await?;
        let unbinding = running(latest.as_ref(), Kind::Unbind);
        let ready = binding.state == BindingState::Ready && !unbinding;
        let credentials = if ready && with_credentials {
            Some(self.access_of(instance, binding)?.credentials)
        } else {
            None
        };
        Ok(view::Binding {
            id: binding.id.to_string(),
            instance: instance.id.to_string(),
            app: binding.app_guid.clone().unwrap_or_default(),
            user: binding.user.clone(),
            state: if unbinding { "deleting" } else { binding.state.as_str() }.to_owned(),
            parameters: binding.parameters.clone(),
            credentials,
            expires_at: binding.expires_at.map(rfc3339),
            predecessor: binding.predecessor.as_ref().map(ToString::to_string),
            operation: latest.as_ref().map(operation),
            created_at: rfc3339(binding.created_at),
        })
    }

    fn catalog_names(&self, instance: &Instance) -> (String, String) {
        let catalog = self.catalog.load();
        let offering = catalog.offering(&instance.offering_id);
        let plan = offering.and_then(|offering| offering.plan(&instance.plan_id));
        (
            offering.map_or_else(|| instance.offering_id.to_string(), |one| one.name.clone()),
            plan.map_or_else(|| instance.plan_id.to_string(), |one| one.name.clone()),
        )
    }
}

fn state(instance: &Instance, latest: Option<&Operation>) -> &'static str {
    if running(latest, Kind::Update) {
        "updating"
    } else if running(latest, Kind::Deprovision) {
        "deleting"
    } else {
        instance.state.as_str()
    }
}

/// Not after an update that failed and could not be taken back, until something mends it.
fn usable(instance: &Instance, latest: Option<&Operation>) -> bool {
    instance.state == InstanceState::Ready
        && latest.is_none_or(|operation| operation.instance_usable != Some(false))
}

fn running(latest: Option<&Operation>, kind: Kind) -> bool {
    latest.is_some_and(|one| one.state == OperationState::Running && one.kind == kind)
}

pub(super) fn operation(operation: &Operation) -> view::Operation {
    let steps = operation.kind.steps(operation.phase);
    view::Operation {
        id: operation.id.to_string(),
        kind: operation.kind.as_str().to_owned(),
        state: operation.state.as_str().to_owned(),
        description: operation.description.clone(),
        step: match operation.state {
            OperationState::Running => operation.current().map_or("", |step| step.as_str()),
            OperationState::Succeeded | OperationState::Failed => "",
        }
        .to_owned(),
        done: operation.step.min(steps.len()),
        steps: steps.len(),
        undoing: operation.phase == Phase::Undo,
        created_at: rfc3339(operation.created_at),
        finished_at: operation.finished_at.map(rfc3339),
    }
}

pub(super) fn offering(offering: &Offering) -> view::Offering {
    let schemas = [
        ("create", &offering.schemas.create),
        ("update", &offering.schemas.update),
        ("bind", &offering.schemas.bind),
    ];
    view::Offering {
        id: offering.id.to_string(),
        name: offering.name.clone(),
        description: offering.description.clone(),
        tags: offering.tags.clone(),
        plans: offering.plans.iter().map(plan).collect(),
        parameters: schemas
            .into_iter()
            .map(|(name, schema)| (name.to_owned(), schema.document().clone()))
            .collect::<BTreeMap<_, _>>(),
    }
}

fn plan(plan: &Plan) -> view::Plan {
    view::Plan {
        id: plan.id.to_string(),
        name: plan.name.clone(),
        description: plan.description.clone(),
        free: plan.free,
        memory_bytes: plan.memory_bytes,
        cpu_millis: plan.cpu_millis,
        disk_bytes: plan.disk_bytes,
        connections: plan.connections,
        update_to: plan.update_to.clone(),
    }
}

/// Times that the form cannot hold are at its end, 9999-12-31T23:59:59Z.
fn rfc3339(at: Millis) -> String {
    const END: Millis = 253_402_300_799_000;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.min(END)) * 1_000_000)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}
