//! `PUT /v2/service_instances/{id}/service_bindings/{id}`

use super::admit::{self, Present, Repeat, Verdict};
use super::wait::Ended;
use super::{Admitted, Broker, Caller, attributes, check};
use crate::catalog::{self, Login};
use crate::id::{BindingId, BindingKey, InstanceId, InstanceKey};
use crate::model::{Binding, BindingState, Instance, Kind};
use crate::osb::Refusal;
use crate::osb::bind::{Access, Request, Response};
use crate::secret::Secret;
use crate::store::Decision;

impl Broker {
    /// Makes a binding (§Binding). Bindings never need `accepts_incomplete`: without it the answer
    /// waits for the end.
    pub async fn bind(
        &self,
        caller: &Caller,
        (instance, binding): (&InstanceId, &BindingId),
        request: Request,
        accepts_incomplete: bool,
    ) -> Result<Response, Refusal> {
        let key = InstanceKey::derive(&caller.platform, instance);
        let binding_key = BindingKey::derive(&key, binding);
        let ids = (instance, binding);
        let operation = match self.begin_bind(caller, ids, request, accepts_incomplete).await? {
            Admitted::Unchanged => {
                return Ok(Response::Exists(self.access(&key, &binding_key).await?));
            }
            Admitted::Same(operation) if accepts_incomplete => {
                return Ok(Response::Accepted(operation));
            }
            Admitted::Begun(operation) | Admitted::Same(operation) => operation,
        };
        match self.ended(&operation, self.patience(accepts_incomplete)).await? {
            Ended::Succeeded => Ok(Response::Created(self.access(&key, &binding_key).await?)),
            Ended::Failed(_) | Ended::Not if accepts_incomplete => {
                Ok(Response::Accepted(operation))
            }
            Ended::Failed(failed) => Err(self.failure(*failed).await),
            Ended::Not => Err(self.take_back(&operation).await?),
        }
    }

    /// Decides and begins; waits for nothing.
    pub(super) async fn begin_bind(
        &self,
        caller: &Caller,
        (id, binding_id): (&InstanceId, &BindingId),
        request: Request,
        may_poll: bool,
    ) -> Result<Admitted, Refusal> {
        let key = InstanceKey::derive(&caller.platform, id);
        let mut decision = self.store.decide(&key).await?;
        let instance = decision.instance().await?;
        self.check_bind(&request, instance.as_ref())?;

        let binding_key = BindingKey::derive(&key, binding_id);
        let verdict =
            verdict(&mut decision, instance.as_ref(), &binding_key, &request, may_poll).await?;
        match verdict {
            Verdict::New => {}
            Verdict::Unchanged => return Ok(Admitted::Unchanged),
            Verdict::Same(operation) | Verdict::CallOff(operation) => {
                return Ok(Admitted::Same(operation));
            }
            Verdict::Refused(refusal) => return Err(refusal),
        }
        let operation = self.operation(Kind::Bind, &key, Some(&binding_key));
        let binding = Binding {
            user: Binding::user_for(&binding_key),
            key: binding_key,
            instance: key,
            id: binding_id.clone(),
            offering_id: request.offering_id,
            plan_id: request.plan_id,
            app_guid: request.app_guid,
            parameters: request.parameters,
            context: request.context,
            password: Secret::generate(),
            state: BindingState::Creating,
            created_at: operation.created_at,
        };
        decision.put_binding(&binding).await?;
        decision.begin(&operation).await?;
        decision.audit(&caller.entry(&operation, id.as_str(), binding_id.as_str())).await?;
        decision.commit().await?;
        self.bell.ring();
        Ok(Admitted::Begun(operation.id))
    }

    /// A plan that has left the catalog can still be bound; its parameters are then the engine's
    /// to judge.
    fn check_bind(&self, request: &Request, instance: Option<&Instance>) -> Result<(), Refusal> {
        let catalog = self.catalog.load_full();
        let kept = instance.is_some_and(|row| row.offering_id == request.offering_id);
        let offering = match Self::offering(&catalog, &request.offering_id) {
            Ok(offering) => offering,
            Err(_) if kept => return Ok(()),
            Err(refusal) => return Err(refusal),
        };
        if instance.is_some() && !kept {
            return Err(Refusal::Invalid("service_id is not the instance's offering".into()));
        }
        let own = instance.is_some_and(|row| row.plan_id == request.plan_id);
        if !own {
            Self::plan(&catalog, &request.offering_id, &request.plan_id)?;
        }
        if !offering.bindable {
            return Err(Refusal::Invalid(format!("`{}` cannot be bound", offering.name)));
        }
        check(&offering.bind, &request.parameters)
    }

    /// What an app needs to use a binding that is ready.
    pub(super) async fn access(
        &self,
        instance: &InstanceKey,
        binding: &BindingKey,
    ) -> Result<Access, Refusal> {
        let (instance, binding) =
            tokio::try_join!(self.store.instance(instance), self.store.binding(binding))?;
        let gone = || Refusal::NotFound("there is no such binding".into());
        let (instance, binding) = (instance.ok_or_else(gone)?, binding.ok_or_else(gone)?);
        self.access_of(&instance, &binding)
    }

    /// The same, from the rows.
    pub(super) fn access_of(
        &self,
        instance: &Instance,
        binding: &Binding,
    ) -> Result<Access, Refusal> {
        let login = Login {
            host: &self.settings.advertise_host,
            ports: &instance.ports,
            user: &binding.user,
            password: &binding.password,
            database: instance.workload.admin.database.as_deref(),
            parameters: &instance.workload.bind_parameters(&binding.parameters),
        };
        let credentials = catalog::credentials(&instance.workload.credentials, &login);
        let credentials = credentials.map_err(|error| {
            tracing::error!(instance.id = %instance.id, error, "Credentials do not render");
            Refusal::Internal("the credentials cannot be written: ask the broker's operator".into())
        })?;
        Ok(Access {
            credentials,
            host: self.settings.advertise_host.clone(),
            ports: instance.ports.values().copied().collect(),
        })
    }
}

async fn verdict(
    decision: &mut Decision<'_>,
    instance: Option<&Instance>,
    key: &BindingKey,
    request: &Request,
    may_poll: bool,
) -> Result<Verdict, Refusal> {
    let binding = decision.binding(key).await?;
    let latest = decision.latest(key.as_str()).await?;
    let on_instance = match instance {
        Some(instance) => decision.latest(instance.key.as_str()).await?,
        None => None,
    };
    let identical = binding.as_ref().is_some_and(|row| attributes::same_binding(row, request));
    Ok(admit::bind(
        Present::new(instance, on_instance.as_ref()),
        Present::new(binding.as_ref(), latest.as_ref()),
        Repeat { identical, may_poll },
    ))
}
