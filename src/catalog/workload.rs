//! `workload.yaml.hbs`: what it may say, and how it becomes a [`Workload`].

mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, json};

use super::template::{Flaw, Templates};
use super::{Inputs, Plan, size, yaml};
use crate::model::scripts::Scripts;
use crate::model::tls::Part;
use crate::model::workload::{Admin, Change, Container, File, Image, Resources, Stop, Volume};
use crate::model::{Object, Workload};
use crate::secret::Secret;

/// What a workload is rendered from, apart from the plan and the inputs.
#[derive(Debug)]
pub(super) struct Recipe {
    /// The offering's folder.
    pub(super) folder: String,
    pub(super) engine: String,
    pub(super) image: Image,
    pub(super) bind_defaults: Object,
    pub(super) templates: Templates,
}

/// The rendered file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadFile {
    admin: AdminFile,
    #[serde(default)]
    settings: Object,
    #[serde(default)]
    scripts: Scripts,
    containers: Vec<ContainerFile>,
    #[serde(default)]
    volumes: BTreeMap<String, VolumeFile>,
}

/// The password is the system's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdminFile {
    user: String,
    database: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContainerFile {
    role: String,
    /// The offering's if none is said.
    image: Option<String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    user: String,
    #[serde(default)]
    files: Vec<FileFile>,
    #[serde(default)]
    mounts: BTreeMap<String, String>,
    #[serde(default)]
    tmpfs: BTreeMap<String, String>,
    #[serde(default)]
    ports: BTreeMap<String, u16>,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    writable_root: bool,
    #[serde(default)]
    resources: ResourcesFile,
    #[serde(default)]
    stop: Stop,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileFile {
    path: String,
    /// Relative to the offering's folder.
    template: Option<String>,
    /// In the place of a template.
    tls: Option<Part>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    uid: u32,
    #[serde(default)]
    gid: u32,
    change: Option<Change>,
}

/// What the plan says, unless a container is to have only a part of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourcesFile {
    memory: Option<Size>,
    cpu_millis: Option<u32>,
    pids: Option<u32>,
    shm: Option<Size>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VolumeFile {
    size: Size,
}

/// `64Mi`, or a number of bytes.
#[derive(Clone, Copy, Debug)]
struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        size::parse(&String::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
    }
}

/// Permission bits, always octal: `0400` and `0o400` are the same.
#[derive(Clone, Copy, Debug)]
struct Mode(u32);

impl Default for Mode {
    fn default() -> Self {
        Self(0o400)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(text.trim_start_matches("0o"), 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .map(Self)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no file mode: write 0400")))
    }
}

impl Recipe {
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Everything but the files' own `admin.user` and `admin.database`.
    pub(super) fn context(&self, plan: &Plan, inputs: &Inputs<'_>, parameters: &Object) -> Value {
        json!({
            "instance": { "key": inputs.key },
            "plan": {
                "name": plan.name,
                "memory_bytes": plan.memory_bytes,
                "memory_mib": plan.memory_bytes >> 20,
                "cpu_millis": plan.cpu_millis,
                "disk_bytes": plan.disk_bytes,
                "pids": plan.pids,
                "connections": plan.connections,
                "tls": plan.tls.as_str(),
            },
            "tls": { "on": plan.tls.is_on(), "required": plan.tls.is_required() },
            "parameters": parameters,
            "admin": { "password": inputs.admin_password.expose() },
            "image": { "ref": self.image.reference },
        })
    }

    /// Renders and checks. `context`: see [`Self::context`].
    pub(super) fn workload(&self, plan: &Plan, context: Value) -> Result<Workload, Flaw> {
        let path = self.path("workload.yaml.hbs");
        let rendered = self.templates.render(&path, &context)?;
        let file: WorkloadFile = yaml::parse(&rendered).map_err(|(line, why)| {
            let line = self.template_line(&path, &rendered, line);
            Flaw::new(&path, line, "what it renders to is no workload").quoting(why)
        })?;
        let workload = self.assemble(file, plan, context)?;
        rules::check(&workload).map_err(|why| {
            Flaw::new(&path, 0, "what it renders to is no workload that can run").quoting(why)
        })?;
        Ok(workload)
    }

    fn assemble(
        &self,
        file: WorkloadFile,
        plan: &Plan,
        mut context: Value,
    ) -> Result<Workload, Flaw> {
        let password = context["admin"]["password"].as_str().unwrap_or_default();
        let admin = Admin {
            user: file.admin.user,
            password: Secret::from(password),
            database: file.admin.database,
        };
        context["admin"]["user"] = admin.user.as_str().into();
        context["admin"]["database"] = admin.database.as_deref().unwrap_or_default().into();
        let credentials = self.templates.text(&self.path("credentials.json.hbs"));
        Ok(Workload {
            engine: self.engine.clone(),
            admin,
            settings: file.settings,
            credentials: credentials.unwrap_or_default().to_owned(),
            bind_defaults: self.bind_defaults.clone(),
            scripts: file.scripts,
            tls: plan.tls,
            identity: None,
            containers: file
                .containers
                .into_iter()
                .map(|container| self.container(container, plan, &context))
                .collect::<Result<_, _>>()?,
            volumes: file
                .volumes
                .into_iter()
                .map(|(name, volume)| (name, Volume { size_bytes: volume.size.0 }))
                .collect(),
        })
    }

    fn container(
        &self,
        file: ContainerFile,
        plan: &Plan,
        context: &Value,
    ) -> Result<Container, Flaw> {
        let bytes = |size: Option<Size>, default| size.map_or(default, |size| size.0);
        Ok(Container {
            role: file.role,
            image: match file.image {
                None => self.image.clone(),
                Some(reference) => Image { reference, build: None, resolved: None },
            },
            command: file.command,
            environment: file.environment,
            user: file.user,
            files: file
                .files
                .into_iter()
                .map(|file| self.file(file, context))
                .collect::<Result<_, _>>()?,
            mounts: file.mounts,
            tmpfs: file.tmpfs,
            ports: file.ports,
            capabilities: file.capabilities,
            writable_root: file.writable_root,
            resources: Resources {
                memory_bytes: bytes(file.resources.memory, plan.memory_bytes),
                cpu_millis: file.resources.cpu_millis.unwrap_or(plan.cpu_millis),
                pids: file.resources.pids.unwrap_or(plan.pids),
                shm_bytes: bytes(file.resources.shm, 0),
            },
            stop: file.stop,
        })
    }

    fn file(&self, file: FileFile, context: &Value) -> Result<File, Flaw> {
        let (text, change) = match (&file.template, file.tls, file.change) {
            (Some(name), None, change) => {
                (self.content(name, context)?, change.unwrap_or_default())
            }
            // Made with the instance; whoever renews it has the engine take it.
            (None, Some(_), None) => (Secret::from(""), Change::Live),
            (None, Some(_), Some(_)) => {
                return Err(self.flaw(&file.path, "a file of `tls` says no `change`"));
            }
            (None, None, _) | (Some(_), Some(_), _) => {
                return Err(self.flaw(&file.path, "a file has either a `template` or `tls`"));
            }
        };
        Ok(File {
            path: file.path,
            content: text,
            mode: file.mode.0,
            uid: file.uid,
            gid: file.gid,
            change,
            tls: file.tls,
        })
    }

    fn content(&self, name: &str, context: &Value) -> Result<Secret, Flaw> {
        let template = self.path(name);
        if !self.templates.holds(&template) {
            return Err(self.flaw(name, &format!("there is no usable template {template}")));
        }
        Ok(self.templates.render(&template, context)?.into())
    }

    /// A mistake in the workload's template, where these words stand.
    fn flaw(&self, words: &str, message: &str) -> Flaw {
        let path = self.path("workload.yaml.hbs");
        let text = self.templates.text(&path).unwrap_or_default();
        Flaw::new(&path, super::template::line_with(text, words), message)
    }

    /// The template's line that a rendered line most likely came from: one that begins alike, the
    /// nearest. Rendering drops lines (`{{#if}}`) and repeats them (`{{#each}}`).
    pub(super) fn template_line(&self, path: &str, rendered: &str, line: usize) -> usize {
        let text = self.templates.text(path).unwrap_or_default();
        let Some(wanted) = rendered.lines().nth(line.saturating_sub(1)) else { return 0 };
        text.lines()
            .enumerate()
            .filter(|(_, line)| {
                let fixed = line.split("{{").next().unwrap_or_default();
                *line == wanted || (!fixed.trim().is_empty() && wanted.starts_with(fixed))
            })
            .map(|(index, _)| index + 1)
            .min_by_key(|found| found.abs_diff(line))
            .unwrap_or(0)
    }
}
