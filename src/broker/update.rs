//! `PATCH /v2/service_instances/{id}`

use super::admit::{self, Present, Verdict};
use super::provision::{maintenance, render, within_quota};
use super::wait::Ended;
use super::{Admitted, Broker, Caller, attributes, check, do_not_fit, tenant};
use crate::catalog::{Catalog, Inputs, Offering, Plan};
use crate::id::{InstanceId, InstanceKey, PlanId};
use crate::model::{Instance, Kind, Object, Target, Workload};
use crate::osb::Refusal;
use crate::osb::update::{Request, Response};
use crate::store::Decision;

/// What a request makes of an instance.
struct Wanted {
    plan_id: PlanId,
    parameters: Object,
    /// What was asked for by name, else what the instance has.
    maintenance_version: Option<String>,
    /// Whether these differ.
    upgrade: bool,
}

impl Broker {
    /// Changes an instance (§Updating a Service Instance).
    pub async fn update(
        &self,
        caller: &Caller,
        id: &InstanceId,
        request: Request,
        accepts_incomplete: bool,
    ) -> Result<Response, Refusal> {
        self.check_update(&request)?;
        if !accepts_incomplete && !self.synchronous(caller, id, &request).await? {
            return Err(Refusal::AsyncRequired);
        }
        let operation = match self.begin_update(caller, id, request).await? {
            Admitted::Unchanged => return Ok(Response::Applied),
            Admitted::Same(operation) if accepts_incomplete => {
                return Ok(Response::Accepted(operation));
            }
            Admitted::Begun(operation) | Admitted::Same(operation) => operation,
        };
        match self.ended(&operation, self.patience(accepts_incomplete)).await? {
            Ended::Succeeded => Ok(Response::Applied),
            Ended::Failed(_) | Ended::Not if accepts_incomplete => {
                Ok(Response::Accepted(operation))
            }
            Ended::Failed(failed) => Err(self.failure(*failed).await),
            Ended::Not => Err(self.take_back(&operation).await?),
        }
    }

    /// The request against the catalog. A key of `null` removes, so it is not the schema's business.
    pub(super) fn check_update(&self, request: &Request) -> Result<(), Refusal> {
        let catalog = self.catalog.load_full();
        let offering = Self::offering(&catalog, &request.offering_id)?;
        let schemas = match &request.plan_id {
            Some(plan) => &Self::plan(&catalog, &offering.id, plan)?.1.schemas,
            // Which plan the instance has is known to who decides.
            None => &offering.schemas,
        };
        let given = attributes::merged(&Object::new(), &request.parameters);
        check(&schemas.update, &given)
    }

    /// Whether the plan that the instance has, or is to have, is answered without polling.
    async fn synchronous(
        &self,
        caller: &Caller,
        id: &InstanceId,
        request: &Request,
    ) -> Result<bool, Refusal> {
        let catalog = self.catalog.load_full();
        let key = InstanceKey::derive(&caller.platform, id);
        let plan = match &request.plan_id {
            Some(plan) => Some(plan.clone()),
            None => self.store.instance(&key).await?.map(|instance| instance.plan_id),
        };
        let offering = Self::offering(&catalog, &request.offering_id)?;
        Ok(plan.and_then(|plan| offering.plan(&plan)).is_some_and(|plan| plan.synchronous))
    }

    /// Decides and begins; waits for nothing.
    pub(super) async fn begin_update(
        &self,
        caller: &Caller,
        id: &InstanceId,
        request: Request,
    ) -> Result<Admitted, Refusal> {
        let key = InstanceKey::derive(&caller.platform, id);
        let mut decision = self.store.decide(&key).await?;
        let row = decision.instance().await?;
        let latest = decision.latest(key.as_str()).await?;
        let present = Present::new(row.as_ref(), latest.as_ref());
        let Some(instance) = row.clone() else {
            return Err(Refusal::NotFound("there is no such instance".into()));
        };
        let wanted = wanted(&instance, &request)?;
        let running = present.running.and_then(|operation| operation.target.as_ref());
        let as_running = running.is_some_and(|target| asks_for(target, &wanted));
        match admit::update(present, changes(&instance, &wanted), as_running) {
            Verdict::Refused(refusal) => Err(refusal),
            Verdict::Same(operation) | Verdict::CallOff(operation) => Ok(Admitted::Same(operation)),
            Verdict::Unchanged => self.keep_context(decision, caller, instance, request).await,
            Verdict::New => {
                let target = self.aim(&instance, wanted, request)?;
                self.begin_change(decision, caller, instance, target).await
            }
        }
    }

    /// A context alone changes names and nothing that runs.
    async fn keep_context(
        &self,
        mut decision: Decision<'_>,
        caller: &Caller,
        mut instance: Instance,
        request: Request,
    ) -> Result<Admitted, Refusal> {
        if let Some(version) = request.maintenance_version.as_deref() {
            let catalog = self.catalog.load();
            let (_, plan) = target_plan(&catalog, &instance, &instance.plan_id)?;
            maintenance(plan, Some(version))?;
        }
        if let Some(context) = request.context.filter(|context| *context != instance.context) {
            instance.name = tenant::instance_name(&context, &instance.name);
            instance.context = context;
            decision.put_instance(&instance).await?;
            let entry = caller.entry_at_once(Kind::Update, self.now(), instance.id.as_str());
            decision.audit(&entry).await?;
            decision.commit().await?;
        }
        Ok(Admitted::Unchanged)
    }

    /// What the instance is to become.
    fn aim(
        &self,
        instance: &Instance,
        wanted: Wanted,
        request: Request,
    ) -> Result<Target, Refusal> {
        let catalog = self.catalog.load_full();
        let (offering, plan) = target_plan(&catalog, instance, &wanted.plan_id)?;
        maintenance(plan, request.maintenance_version.as_deref())?;
        allowed(&catalog, instance, plan)?;
        fits(plan, instance, &wanted, &request)?;
        let context = request.context.unwrap_or_else(|| instance.context.clone());
        let mut workload = next_workload(offering, plan, instance, &wanted)?;
        self.identify(&mut workload, &instance.key, instance.workload.identity.as_ref())?;
        Ok(Target {
            workload,
            plan_id: wanted.plan_id,
            parameters: wanted.parameters,
            name: tenant::instance_name(&context, &instance.name),
            context,
            maintenance_version: wanted.maintenance_version,
        })
    }

    async fn begin_change(
        &self,
        mut decision: Decision<'_>,
        caller: &Caller,
        mut instance: Instance,
        target: Target,
    ) -> Result<Admitted, Refusal> {
        if target.plan_id != instance.plan_id {
            let catalog = self.catalog.load_full();
            let (_, plan) = target_plan(&catalog, &instance, &target.plan_id)?;
            within_quota(&mut decision, &instance.tenant, plan).await?;
        }
        // Ports that the next workload adds are the instance's from now on, whatever becomes of it.
        let ports = target.workload.port_names();
        self.make_room(&mut decision, ports, &instance.tenant, &mut instance.ports).await?;
        let mut operation = self.operation(Kind::Update, &instance.key, None);
        operation.target = Some(target);
        decision.put_instance(&instance).await?;
        decision.begin(&operation).await?;
        decision.audit(&caller.entry(&operation, instance.id.as_str(), "")).await?;
        decision.commit().await?;
        self.bell.ring();
        Ok(Admitted::Begun(operation.id))
    }
}

/// The plan that an instance has or is to have.
fn target_plan<'a>(
    catalog: &'a Catalog,
    instance: &Instance,
    plan: &PlanId,
) -> Result<(&'a Offering, &'a Plan), Refusal> {
    Broker::plan(catalog, &instance.offering_id, plan).map_err(|_| {
        Refusal::unsupported_update(
            "the instance's plan has left the catalog: change it to another plan first",
        )
    })
}

fn wanted(instance: &Instance, request: &Request) -> Result<Wanted, Refusal> {
    if instance.offering_id != request.offering_id {
        return Err(Refusal::Invalid("service_id is not the instance's offering".into()));
    }
    let has = &instance.maintenance_version;
    let maintenance_version = request.maintenance_version.clone().or_else(|| has.clone());
    Ok(Wanted {
        plan_id: request.plan_id.clone().unwrap_or_else(|| instance.plan_id.clone()),
        parameters: attributes::merged(&instance.parameters, &request.parameters),
        upgrade: maintenance_version != *has,
        maintenance_version,
    })
}

fn changes(instance: &Instance, wanted: &Wanted) -> bool {
    wanted.upgrade
        || instance.plan_id != wanted.plan_id
        || !attributes::same_objects(&instance.parameters, &wanted.parameters)
}

/// Whether a running update makes what is wanted, upgrade included: what it leaves out would be lost.
fn asks_for(target: &Target, wanted: &Wanted) -> bool {
    target.plan_id == wanted.plan_id
        && target.maintenance_version == wanted.maintenance_version
        && attributes::same_objects(&target.parameters, &wanted.parameters)
}

/// Which plans may be exchanged is the plan's to say (requirement 86).
fn allowed(catalog: &Catalog, instance: &Instance, plan: &Plan) -> Result<(), Refusal> {
    if instance.plan_id == plan.id {
        return Ok(());
    }
    let present = catalog
        .offering(&instance.offering_id)
        .and_then(|offering| offering.plan(&instance.plan_id));
    match present {
        // A plan that left the catalog says nothing any more; leaving it is always allowed.
        None => Ok(()),
        Some(present) if present.update_to.contains(&plan.name) => Ok(()),
        Some(present) => Err(Refusal::unsupported_update(format!(
            "plan `{}` cannot be changed to `{}`; it can be changed to: {}",
            present.name,
            plan.name,
            if present.update_to.is_empty() { "none".into() } else { present.update_to.join(", ") }
        ))),
    }
}

/// Another plan may allow less than what the instance has; its own allowed that once.
fn fits(
    plan: &Plan,
    instance: &Instance,
    wanted: &Wanted,
    request: &Request,
) -> Result<(), Refusal> {
    let changed = if plan.id == instance.plan_id {
        attributes::merged(&Object::new(), &request.parameters)
    } else {
        wanted.parameters.clone()
    };
    plan.schemas.check_instance(&changed).map_err(|faults| do_not_fit(&faults))
}

/// The next workload keeps the admin's password and, unless an upgrade was asked for, the images.
fn next_workload(
    offering: &Offering,
    plan: &Plan,
    instance: &Instance,
    wanted: &Wanted,
) -> Result<Workload, Refusal> {
    let mut workload = render(
        offering,
        plan,
        &Inputs {
            key: instance.key.as_str(),
            parameters: &wanted.parameters,
            admin_password: &instance.workload.admin.password,
        },
    )?;
    if !wanted.upgrade {
        for container in &mut workload.containers {
            let before = instance.workload.containers.iter().find(|c| c.role == container.role);
            if let Some(before) = before {
                container.image = before.image.clone();
            }
        }
    }
    Ok(workload)
}
