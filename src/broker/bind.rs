//! `PUT /v2/service_instances/{id}/service_bindings/{id}`

use super::admit::{self, Present, Repeat, Verdict};
use super::terms::{self, Terms};
use super::wait::Ended;
use super::{Admitted, Broker, Caller, attributes};
use crate::catalog::{self, Login};
use crate::clock::Millis;
use crate::id::{BindingId, BindingKey, InstanceId, InstanceKey};
use crate::model::{Binding, BindingState, Instance, Kind, OperationState};
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
        let catalog = self.catalog.load_full();
        let terms = terms::of(&catalog, &request, instance.as_ref())?;

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
        let Some(instance) = instance else {
            return Err(Refusal::NotFound("there is no such instance".into()));
        };
        let request = self.inherit(&mut decision, &instance, request, &terms).await?;
        let operation = self.operation(Kind::Bind, &key, Some(&binding_key));
        let binding = new_binding(
            &instance,
            (binding_key, binding_id),
            request,
            &terms,
            operation.created_at,
        );
        decision.put_binding(&binding).await?;
        decision.begin(&operation).await?;
        decision.audit(&caller.entry(&operation, id.as_str(), binding_id.as_str())).await?;
        decision.commit().await?;
        self.bell.ring();
        Ok(Admitted::Begun(operation.id))
    }

    /// A rotation takes over what its predecessor was bound with, which platforms do not keep
    /// (§Binding Rotation).
    async fn inherit(
        &self,
        decision: &mut Decision<'_>,
        instance: &Instance,
        mut request: Request,
        terms: &Terms,
    ) -> Result<Request, Refusal> {
        let Some(id) = &request.predecessor else { return Ok(request) };
        if !terms.rotatable {
            return Err(Refusal::Invalid("bindings of this plan cannot be rotated".into()));
        }
        if !request.parameters.is_empty() {
            return Err(Refusal::Invalid(
                "a rotation inherits the parameters of its predecessor: leave them out".into(),
            ));
        }
        let key = BindingKey::derive(&instance.key, id);
        let leaving = decision.latest(key.as_str()).await?.is_some_and(|latest| {
            latest.state == OperationState::Running && latest.kind != Kind::Bind
        });
        let now = self.now();
        let predecessor = decision.binding(&key).await?.filter(|one| {
            one.state == BindingState::Ready
                && !leaving
                && one.expires_at.is_none_or(|expires_at| expires_at > now)
        });
        let predecessor = predecessor.ok_or_else(|| {
            Refusal::Invalid(
                "predecessor_binding_id is not a binding of this instance that is ready and has \
                 not expired"
                    .into(),
            )
        })?;
        request.parameters = predecessor.parameters;
        request.app_guid = request.app_guid.or(predecessor.app_guid);
        Ok(request)
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
        let identity = instance.workload.identity.as_ref();
        let ports = instance.published();
        let login = Login {
            host: &self.settings.advertise_host,
            ports: &ports,
            user: &binding.user,
            password: &binding.password,
            database: instance.workload.admin.database.as_deref(),
            tls: instance.workload.tls,
            authority: identity.map(|identity| identity.authority.as_str()),
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
            ports: ports.into_values().collect(),
            expires_at: binding.expires_at,
            renew_before: binding.renew_before,
        })
    }
}

/// A row for a binding whose credentials are still to be granted. The password is made here, so
/// that a repeated grant sets the same one.
fn new_binding(
    instance: &Instance,
    (key, id): (BindingKey, &BindingId),
    request: Request,
    terms: &Terms,
    now: Millis,
) -> Binding {
    let (expires_at, renew_before) = terms.times(&request.parameters, now);
    Binding {
        user: Binding::user_for(&key),
        key,
        instance: instance.key.clone(),
        id: id.clone(),
        offering_id: request.offering_id.unwrap_or_else(|| instance.offering_id.clone()),
        plan_id: request.plan_id.unwrap_or_else(|| instance.plan_id.clone()),
        app_guid: request.app_guid,
        parameters: request.parameters,
        context: request.context,
        password: Secret::generate(),
        predecessor: request.predecessor,
        expires_at,
        renew_before,
        state: BindingState::Creating,
        created_at: now,
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
