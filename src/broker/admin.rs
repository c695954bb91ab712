//! What administrators ask: the same verbs as a platform's, over every platform's instances, by
//! name, and without waiting.

mod views;

use super::{Admitted, Broker, Caller};
use crate::catalog::{Catalog, Mistake, Offering};
use crate::id::{BindingId, BindingKey, InstanceId, PlanId, PlatformName};
use crate::model::{Instance, Object};
use crate::osb::fields::checked_id;
use crate::osb::{Refusal, Version, bind, provision, update};
use crate::view;

/// The platform that the administrator's own instances belong to.
pub const PLATFORM: &str = "admin";

/// What an administrator's request came to.
#[derive(Clone, Debug)]
pub enum Answer<T> {
    /// Begun, or running already.
    Started(view::Started<T>),
    /// There is nothing to do.
    Unchanged(T),
}

impl Broker {
    /// How the broker is.
    pub async fn status(&self, engine_reachable: bool) -> view::Status {
        let instances = self.store.instances().await.map_or(0, |all| all.len() as u64);
        let running = self.store.count_running().await.unwrap_or(0);
        view::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            broker_id: self.id.to_string(),
            engine_reachable,
            database_reachable: self.store.ping().await.is_ok(),
            instances,
            operations_running: running,
        }
    }

    /// Everything on offer.
    #[must_use]
    pub fn offerings(&self) -> Vec<view::Offering> {
        self.catalog.load().offerings.iter().map(views::offering).collect()
    }

    /// Puts another catalog in the place of the present one.
    pub fn replace_catalog(&self, catalog: Result<Catalog, Vec<Mistake>>) -> Result<(), Refusal> {
        let catalog = catalog.map_err(|mistakes| {
            let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            Refusal::unprocessable(format!(
                "the catalog has mistakes, the one in force stays:\n{}",
                list.join("\n")
            ))
        })?;
        tracing::info!(catalog.etag = catalog.etag, "A catalog came into force");
        self.catalog.store(catalog.into());
        Ok(())
    }

    /// All instances.
    pub async fn all_instances(&self) -> Result<Vec<view::Instance>, Refusal> {
        let mut all = Vec::new();
        for instance in self.store.instances().await? {
            all.push(self.instance_view(&instance).await?);
        }
        Ok(all)
    }

    /// One instance, by id, `<platform>/<id>` or name.
    pub async fn find(&self, reference: &str) -> Result<view::Instance, Refusal> {
        let instance = self.resolve(reference).await?;
        self.instance_view(&instance).await
    }

    /// Begins an instance of the administrator's own.
    pub async fn create_instance(
        &self,
        asked: view::CreateInstance,
    ) -> Result<Answer<view::Instance>, Refusal> {
        checked("name", &asked.name)?;
        let tenant = asked.tenant.unwrap_or_else(|| "default".into());
        checked("tenant", &tenant)?;
        if self.store.instances().await?.iter().any(|other| other.name == asked.name) {
            return Err(Refusal::Conflict(format!(
                "there is an instance `{}` already",
                asked.name
            )));
        }
        let (offering_id, plan_id) = {
            let catalog = self.catalog.load();
            let offering = named_offering(&catalog, &asked.offering)?;
            (offering.id.clone(), named_plan(offering, asked.plan.as_deref())?)
        };
        let id = InstanceId::from(self.ids.next("instance"));
        let mut context = Object::new();
        context.insert("platform".into(), PLATFORM.into());
        context.insert("instance_name".into(), asked.name.into());
        let request = provision::Request {
            offering_id,
            plan_id,
            organization_guid: tenant.clone(),
            space_guid: tenant,
            context,
            parameters: asked.parameters,
            maintenance_version: None,
        };
        let caller = administrator(&PlatformName::from(PLATFORM));
        let admitted = self.begin_provision(&caller, &id, request, true).await?;
        let instance = self.resolve(id.as_str()).await?;
        self.answer(&instance, admitted).await
    }

    /// Begins a change.
    pub async fn update_instance(
        &self,
        reference: &str,
        asked: view::UpdateInstance,
    ) -> Result<Answer<view::Instance>, Refusal> {
        let instance = self.resolve(reference).await?;
        let plan_id = match &asked.plan {
            None => None,
            Some(plan) => {
                let catalog = self.catalog.load();
                let offering = Self::offering(&catalog, &instance.offering_id)?;
                Some(named_plan(offering, Some(plan))?)
            }
        };
        let request = update::Request {
            offering_id: instance.offering_id.clone(),
            plan_id,
            parameters: asked.parameters.unwrap_or_default(),
            context: None,
            maintenance_version: None,
        };
        self.check_update(&request)?;
        let caller = administrator(&instance.platform);
        let admitted = self.begin_update(&caller, &instance.id, request).await?;
        self.answer(&instance, admitted).await
    }

    /// Begins a removal.
    pub async fn delete_instance(
        &self,
        reference: &str,
    ) -> Result<Answer<view::Instance>, Refusal> {
        let instance = self.resolve(reference).await?;
        let caller = administrator(&instance.platform);
        let admitted = self.begin_deprovision(&caller, &instance.id).await?;
        self.answer(&instance, admitted).await
    }

    /// An instance's bindings, without credentials.
    pub async fn all_bindings(&self, reference: &str) -> Result<Vec<view::Binding>, Refusal> {
        let instance = self.resolve(reference).await?;
        let mut all = Vec::new();
        for binding in self.store.bindings(&instance.key).await? {
            all.push(self.binding_view(&instance, &binding, false).await?);
        }
        Ok(all)
    }

    /// One binding, with credentials once it is ready.
    pub async fn find_binding(
        &self,
        reference: &str,
        binding: &str,
    ) -> Result<view::Binding, Refusal> {
        let instance = self.resolve(reference).await?;
        let key = BindingKey::derive(&instance.key, &BindingId::from(binding));
        let row = self.store.binding(&key).await?.ok_or_else(|| no_binding(&instance, binding))?;
        self.binding_view(&instance, &row, true).await
    }

    /// Begins a binding.
    pub async fn create_binding(
        &self,
        reference: &str,
        asked: view::CreateBinding,
    ) -> Result<Answer<view::Binding>, Refusal> {
        let instance = self.resolve(reference).await?;
        for (field, text) in [("id", &asked.id), ("app", &asked.app), ("rotate", &asked.rotate)] {
            text.as_deref().map_or(Ok(()), |text| checked(field, text))?;
        }
        let id = BindingId::from(asked.id.unwrap_or_else(|| self.ids.next("binding")));
        let request = bind::Request {
            offering_id: Some(instance.offering_id.clone()),
            plan_id: Some(instance.plan_id.clone()),
            predecessor: asked.rotate.map(BindingId::from),
            context: Object::new(),
            app_guid: asked.app,
            parameters: asked.parameters,
        };
        let caller = administrator(&instance.platform);
        let admitted = self.begin_bind(&caller, (&instance.id, &id), request, true).await?;
        let subject = self.find_binding(reference, id.as_str()).await?;
        self.started(subject, admitted).await
    }

    /// Begins the removal of a binding.
    pub async fn delete_binding(
        &self,
        reference: &str,
        binding: &str,
    ) -> Result<Answer<view::Binding>, Refusal> {
        let instance = self.resolve(reference).await?;
        let id = BindingId::from(binding);
        let mut subject = self.find_binding(reference, binding).await?;
        subject.credentials = None;
        let caller = administrator(&instance.platform);
        let admitted = self.begin_unbind(&caller, (&instance.id, &id)).await?;
        self.started(subject, admitted).await
    }

    /// One operation.
    pub async fn find_operation(&self, id: &str) -> Result<view::Operation, Refusal> {
        let operation = self.operation_named(id).await?;
        operation.as_ref().map(views::operation).ok_or_else(|| {
            Refusal::NotFound(
                "there is no such operation; ended ones are kept for some days".into(),
            )
        })
    }

    /// An id counts before a name, and `<platform>/<id>` tells apart what several platforms have
    /// given the same id.
    async fn resolve(&self, reference: &str) -> Result<Instance, Refusal> {
        let all = self.store.instances().await?;
        let matching = |is: &dyn Fn(&Instance) -> bool| -> Vec<Instance> {
            all.iter().filter(|one| is(one)).cloned().collect()
        };
        let mut found = matching(&|one| one.id.as_str() == reference || full(one) == reference);
        if found.is_empty() {
            found = matching(&|one| one.name == reference);
        }
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Refusal::NotFound(format!(
                "there is no instance `{reference}`: see `banquet instance list`"
            ))),
            several => {
                let list: Vec<String> = several.iter().map(full).collect();
                Err(Refusal::Conflict(format!(
                    "`{reference}` is ambiguous, use one of: {}",
                    list.join(", ")
                )))
            }
        }
    }

    async fn answer(
        &self,
        instance: &Instance,
        admitted: Admitted,
    ) -> Result<Answer<view::Instance>, Refusal> {
        let subject = self.instance_view(instance).await?;
        self.started(subject, admitted).await
    }

    async fn started<T>(&self, subject: T, admitted: Admitted) -> Result<Answer<T>, Refusal> {
        match admitted {
            Admitted::Unchanged => Ok(Answer::Unchanged(subject)),
            Admitted::Begun(id) | Admitted::Same(id) => {
                let operation = self.find_operation(id.as_str()).await?;
                Ok(Answer::Started(view::Started { subject, operation }))
            }
        }
    }
}

/// What no other instance is called by.
fn full(instance: &Instance) -> String {
    format!("{}/{}", instance.platform, instance.id)
}

/// Holds what administrators call things to what platforms are held to.
fn checked(field: &str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Invalid(format!("{field} must not be empty")));
    }
    checked_id(field, text).map(drop)
}

fn administrator(platform: &PlatformName) -> Caller {
    Caller {
        platform: platform.clone(),
        version: Version::V2_17,
        identity: Some(PLATFORM.to_owned()),
        request: None,
    }
}

fn named_offering<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Offering, Refusal> {
    catalog.offering_named(name).ok_or_else(|| {
        let all: Vec<&str> = catalog.offerings.iter().map(|one| one.name.as_str()).collect();
        Refusal::NotFound(format!("there is no offering `{name}`; there is: {}", all.join(", ")))
    })
}

fn named_plan(offering: &Offering, name: Option<&str>) -> Result<PlanId, Refusal> {
    let all =
        || offering.plans.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>().join(", ");
    let plan = match name {
        Some(name) => offering.plan_named(name),
        None => offering.plans.first(),
    };
    plan.map(|plan| plan.id.clone()).ok_or_else(|| {
        Refusal::NotFound(format!(
            "`{}` has no plan `{}`; it has: {}",
            offering.name,
            name.unwrap_or_default(),
            all()
        ))
    })
}

fn no_binding(instance: &Instance, binding: &str) -> Refusal {
    Refusal::NotFound(format!(
        "`{}` has no binding `{binding}`: see `banquet binding list {}`",
        instance.name, instance.name
    ))
}
