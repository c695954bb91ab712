//! From an offering's folder to an [`Offering`].

use super::check::{self, Surroundings};
use super::fetch;
use super::file::{DashboardClientFile, MaintenanceFile, OfferingFile, PlanFile};
use super::limits::Claims;
use super::lock::Lock;
use super::mistakes::{Mistakes, Report};
use super::rehearse::rehearse;
use super::schemas::Schemas;
use super::template::Templates;
use super::workload::Recipe;
use super::{Files, Offering, Plan};
use crate::model::Object;
use crate::model::workload::Image;

/// Loads one folder. None: it can't be made whole; why is reported.
pub(super) fn load(
    around: Surroundings<'_>,
    lock: &Lock,
    claims: &mut Claims,
    mistakes: &Mistakes,
) -> Option<Offering> {
    let path = format!("{}/offering.yaml", around.folder);
    let report = mistakes.report(&path);
    let templates = templates(around.files, around.folder, mistakes);
    let file = OfferingFile::read(around.files, &path, report)?;
    check::offering(&file, around, report);
    let ids = ids(&file, lock, claims, report);
    let before = report.count();
    let schemas = Schemas::widest(&file.parameters, &file.plans, report)?;
    // What is wrong with all plans is told once.
    let narrowed = |plan: &PlanFile| match report.count() - before {
        0 => schemas.narrowed(&file.parameters, plan, report),
        _ => Some(schemas.clone()),
    };
    let narrowed: Vec<_> = file.plans.iter().map(narrowed).collect();
    let narrowed: Vec<Schemas> = narrowed.into_iter().collect::<Option<_>>()?;
    let recipe = Recipe {
        folder: around.folder.to_owned(),
        engine: file.engine.value.clone(),
        image: Image {
            reference: file.image.reference.value.clone(),
            build: file.image.build.map(|_| around.folder.to_owned()),
            resolved: None,
        },
        bind_defaults: schemas.bind.with_defaults(&Object::new()),
        templates: templates?,
    };
    let (id, plan_ids) = ids;
    let offering = Offering {
        id: id.into(),
        name: file.name.value.clone(),
        description: file.description.value.clone(),
        engine: file.engine.value.clone(),
        bindable: file.bindable,
        requires: file.requires.iter().map(|one| one.value.clone()).collect(),
        dashboard_client: file.dashboard_client.as_ref().map(DashboardClientFile::object),
        tags: file.tags.iter().map(|tag| tag.value.clone()).collect(),
        metadata: metadata(&file),
        plans: file
            .plans
            .iter()
            .zip(plan_ids)
            .zip(narrowed)
            .map(|((plan, id), schemas)| self::plan(plan, &file, id, schemas))
            .collect(),
        schemas,
        fetches: fetch::fetches(&file.image, around.files, around.folder, mistakes),
        recipe,
    };
    let sound = file.plans.iter().zip(&offering.plans).filter(|(plan, _)| plan.sound);
    let sound: Vec<&Plan> = sound.map(|(_, plan)| plan).collect();
    if !file.image.reference.value.is_empty() {
        rehearse(&offering, &sound, mistakes);
    }
    Some(offering)
}

/// Compiles all that there are; none if one that must be there is not, or one is broken.
fn templates(files: &Files, folder: &str, mistakes: &Mistakes) -> Option<Templates> {
    let before = mistakes.count();
    let mut templates = Templates::new();
    let prefix = format!("{folder}/");
    let own = files.below(&prefix).filter(|(name, _)| !name.starts_with("image/"));
    for (name, _) in own.filter(|(name, _)| name.rsplit('.').next() == Some("hbs")) {
        let path = format!("{prefix}{name}");
        if let Some(text) = files.text(&path, mistakes.report(&path)) {
            templates.add(&path, text, mistakes);
        }
    }
    for name in ["workload.yaml.hbs", "credentials.json.hbs"] {
        let path = format!("{prefix}{name}");
        if !files.0.contains_key(&path) {
            mistakes.report(&path).at(0, "missing: every offering has this template");
        }
    }
    (mistakes.count() == before).then_some(templates)
}

/// The offering's id and its plans', each claimed for it.
fn ids(
    file: &OfferingFile,
    lock: &Lock,
    claims: &mut Claims,
    report: Report<'_>,
) -> (String, Vec<String>) {
    let name = file.name.value.as_str();
    if name.is_empty() {
        return (String::new(), vec![String::new(); file.plans.len()]);
    }
    let line = |id: Option<usize>| id.unwrap_or(file.name.line);
    let id = lock.resolve((name, None), file.id.as_ref(), file.name.line, report);
    let place = line(file.id.as_ref().map(|id| id.line));
    claims.claim(&id, &format!("offering `{name}`"), place, report);
    let mut seen = Vec::new();
    let plans = file
        .plans
        .iter()
        .map(|plan| {
            // A blank or repeated name has been reported; its id would only be in the way.
            if plan.name.value.is_empty() || seen.contains(&plan.name.value.as_str()) {
                return String::new();
            }
            seen.push(plan.name.value.as_str());
            let at = plan.name.line;
            let id = lock.resolve((name, Some(&plan.name)), plan.id.as_ref(), at, report);
            let place = plan.id.as_ref().map_or(at, |id| id.line);
            claims.claim(&id, &format!("plan `{}` of `{name}`", plan.name.value), place, report);
            id
        })
        .collect();
    (id, plans)
}

fn metadata(file: &OfferingFile) -> Object {
    let texts = file.metadata.texts.iter();
    let mut metadata: Object =
        texts.map(|(key, text)| ((*key).to_owned(), text.value.as_str().into())).collect();
    if file.metadata.shareable {
        metadata.insert("shareable".to_owned(), true.into());
    }
    metadata
}

fn plan(file: &PlanFile, offering: &OfferingFile, id: String, schemas: Schemas) -> Plan {
    let mut metadata = Object::new();
    if let Some(name) = &file.display_name {
        metadata.insert("displayName".to_owned(), name.value.as_str().into());
    }
    if !file.bullets.is_empty() {
        let bullets = file.bullets.iter().map(|bullet| bullet.value.as_str()).collect();
        metadata.insert("bullets".to_owned(), bullets);
    }
    if !file.costs.is_empty() {
        metadata.insert("costs".to_owned(), file.costs.clone().into());
    }
    let maintenance = file.maintenance.as_ref().or(offering.maintenance.as_ref());
    let description = |it: &MaintenanceFile| it.description.as_ref().map(|text| text.value.clone());
    Plan {
        id: id.into(),
        name: file.name.value.clone(),
        description: file.description.value.clone(),
        free: file.free,
        synchronous: file.synchronous,
        bindable: file.bindable.unwrap_or(offering.bindable),
        binding_rotatable: file.binding_rotatable && file.bindable.unwrap_or(offering.bindable),
        bindings_expire_after_s: file.bindings.expire_after_s,
        bindings_renew_before_s: file.bindings.renew_before_s,
        memory_bytes: file.resources.memory.value,
        cpu_millis: file.resources.cpu_millis,
        pids: file.resources.pids,
        disk_bytes: file.resources.disk.value,
        connections: file.resources.connections,
        tls: file.tls,
        update_to: file.update_to.iter().map(|name| name.value.clone()).collect(),
        instances_per_tenant: file.instances_per_tenant,
        maintenance_version: maintenance.map(|it| it.version.value.clone()),
        maintenance_description: maintenance.and_then(description),
        maximum_polling_duration_s: file.maximum_polling_duration_s,
        plan_updateable: !file.update_to.is_empty(),
        schemas,
        metadata,
    }
}
