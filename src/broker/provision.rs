//! `PUT /v2/service_instances/{id}`

use std::collections::BTreeMap;

use super::admit::{self, Present, Repeat, Verdict};
use super::wait::Ended;
use super::{Admitted, Broker, Caller, Settings, attributes, check, tenant};
use crate::catalog::{Inputs, Offering, Plan};
use crate::id::{InstanceId, InstanceKey, TenantId};
use crate::model::{Instance, InstanceState, Kind, Workload};
use crate::osb::Refusal;
use crate::osb::provision::{Request, Response};
use crate::secret::Secret;
use crate::store::Decision;

impl Broker {
    /// Makes an instance (§Provisioning).
    pub async fn provision(
        &self,
        caller: &Caller,
        id: &InstanceId,
        request: Request,
        accepts_incomplete: bool,
    ) -> Result<Response, Refusal> {
        let catalog = self.catalog.load_full();
        let (_, plan) = Self::plan(&catalog, &request.offering_id, &request.plan_id)?;
        if !accepts_incomplete && !plan.synchronous {
            // The request is checked first, so that a client that may not poll hears of its
            // mistakes too (requirement 62).
            check(&plan.schemas.create, &request.parameters)?;
            return Err(Refusal::AsyncRequired);
        }
        let operation = match self.begin_provision(caller, id, request, accepts_incomplete).await? {
            Admitted::Unchanged => return Ok(Response::Exists),
            Admitted::Same(operation) if accepts_incomplete => {
                return Ok(Response::Accepted(operation));
            }
            Admitted::Begun(operation) | Admitted::Same(operation) => operation,
        };
        match self.ended(&operation, self.patience(accepts_incomplete)).await? {
            Ended::Succeeded => Ok(Response::Created),
            Ended::Failed(_) | Ended::Not if accepts_incomplete => {
                Ok(Response::Accepted(operation))
            }
            Ended::Failed(failed) => Err(self.failure(*failed).await),
            Ended::Not => Err(self.take_back(&operation).await?),
        }
    }

    /// Decides and begins; waits for nothing.
    pub(super) async fn begin_provision(
        &self,
        caller: &Caller,
        id: &InstanceId,
        request: Request,
        may_poll: bool,
    ) -> Result<Admitted, Refusal> {
        let catalog = self.catalog.load_full();
        let (offering, plan) = Self::plan(&catalog, &request.offering_id, &request.plan_id)?;
        check(&plan.schemas.create, &request.parameters)?;

        let key = InstanceKey::derive(&caller.platform, id);
        let mut decision = self.store.decide(&key).await?;
        let row = decision.instance().await?;
        let latest = decision.latest(key.as_str()).await?;
        let present = Present::new(row.as_ref(), latest.as_ref());
        let identical = row.as_ref().is_some_and(|row| attributes::same_instance(row, &request));
        match admit::provision(present, Repeat { identical, may_poll }) {
            Verdict::New => {}
            Verdict::Unchanged => return Ok(Admitted::Unchanged),
            Verdict::Same(operation) | Verdict::CallOff(operation) => {
                return Ok(Admitted::Same(operation));
            }
            Verdict::Refused(refusal) => return Err(refusal),
        }
        maintenance(plan, request.maintenance_version.as_deref())?;

        let mut instance = self.new_instance(caller, id, request, (offering, plan))?;
        // One that failed and is tried again has its place already.
        let counted = |row: Instance| row.tenant == instance.tenant && row.plan_id == plan.id;
        if !row.is_some_and(counted) {
            within_quota(&mut decision, &instance.tenant, plan).await?;
        }
        let Instance { workload, tenant, ports, .. } = &mut instance;
        self.make_room(&mut decision, workload.port_names(), tenant, ports).await?;
        decision.put_instance(&instance).await?;
        let operation = self.operation(Kind::Provision, &key, None);
        decision.begin(&operation).await?;
        decision.audit(&caller.entry(&operation, id.as_str(), "")).await?;
        decision.commit().await?;
        self.bell.ring();
        Ok(Admitted::Begun(operation.id))
    }

    fn new_instance(
        &self,
        caller: &Caller,
        id: &InstanceId,
        request: Request,
        (offering, plan): (&Offering, &Plan),
    ) -> Result<Instance, Refusal> {
        let key = InstanceKey::derive(&caller.platform, id);
        let mut workload = render(
            offering,
            plan,
            &Inputs {
                key: key.as_str(),
                parameters: &request.parameters,
                admin_password: &Secret::generate(),
            },
        )?;
        self.identify(&mut workload, &key, None)?;
        Ok(Instance {
            tenant: tenant::of(&caller.platform, &request.context, &request.organization_guid),
            name: tenant::instance_name(&request.context, id.as_str()),
            key,
            platform: caller.platform.clone(),
            id: id.clone(),
            offering_id: request.offering_id,
            plan_id: request.plan_id,
            organization_guid: request.organization_guid,
            space_guid: request.space_guid,
            parameters: request.parameters,
            context: request.context,
            maintenance_version: plan.maintenance_version.clone(),
            state: InstanceState::Creating,
            workload,
            ports: BTreeMap::new(),
            was_ready: false,
            created_at: self.now(),
            updated_at: self.now(),
        })
    }

    /// Host ports for what the workload publishes and has none yet, and the tenant's network range.
    pub(super) async fn make_room(
        &self,
        decision: &mut Decision<'_>,
        names: impl Iterator<Item = &str>,
        tenant: &TenantId,
        ports: &mut BTreeMap<String, u16>,
    ) -> Result<(), Refusal> {
        let missing: Vec<&str> = names.filter(|name| !ports.contains_key(*name)).collect();
        let free = decision.free_ports(&missing, &self.settings.ports, self.now()).await?;
        ports.extend(free);
        let Settings { subnets, subnet_prefix, .. } = &self.settings;
        decision.subnet(tenant, *subnets, *subnet_prefix).await?;
        Ok(())
    }
}

/// Whether the tenant may have one more instance of the plan.
pub(super) async fn within_quota(
    decision: &mut Decision<'_>,
    tenant: &TenantId,
    plan: &Plan,
) -> Result<(), Refusal> {
    let Some(allowed) = plan.instances_per_tenant else { return Ok(()) };
    let held = decision.count_instances(tenant, Some(&plan.id)).await?;
    if held >= allowed {
        return Err(Refusal::unprocessable(format!(
            "the quota of {allowed} instances of plan `{}` is used up: delete one, or take \
             another plan",
            plan.name
        )));
    }
    Ok(())
}

/// A version that is given must be the plan's (requirements 66 and 82), also where it has none.
pub(super) fn maintenance(plan: &Plan, asked: Option<&str>) -> Result<(), Refusal> {
    match asked {
        Some(version) if plan.maintenance_version.as_deref() != Some(version) => {
            Err(Refusal::MaintenanceConflict)
        }
        _ => Ok(()),
    }
}

/// The plan's workload for these inputs.
pub(super) fn render(
    offering: &Offering,
    plan: &Plan,
    inputs: &Inputs<'_>,
) -> Result<Workload, Refusal> {
    offering.workload(plan, inputs).map_err(|mistake| {
        tracing::error!(offering.name, plan.name, error = %mistake, "A plan does not render");
        Refusal::Internal(format!(
            "plan `{}` of `{}` cannot be made with these parameters: ask the broker's operator",
            plan.name, offering.name
        ))
    })
}
