//! What it takes to make a container be what its workload says: pure, and the same for every
//! backend.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Place;
use crate::id::hex;
use crate::model::Fault;
use crate::model::workload::{Change, Container, File, Resources, Stop};

/// A container of ours as the engine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// What [`spec`] was when it was made.
    pub(super) spec: String,
    /// What it does now.
    pub(super) status: Status,
    /// Whether a process of it ever ended, even if it runs again since.
    pub(super) ended: bool,
    /// What it may use now.
    pub(super) limits: Limits,
}

/// What a container does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Made and never started.
    Created,
    /// It runs.
    Running,
    /// Held still by someone.
    Paused,
    /// It ended, or is between two attempts of the engine to start it.
    Stopped,
    /// The engine is about to remove it, or failed half-way in doing so.
    Removing,
}

/// The limits that can be changed while a container runs; `None` where the engine does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// In bytes.
    pub(super) memory: Option<u64>,
    /// In thousandths of a core.
    pub(super) cpu_millis: Option<u32>,
    /// Processes and threads.
    pub(super) pids: Option<u32>,
}

/// What is to be done about a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It is not there: make it.
    Create,
    /// Its first start was interrupted: remove it with its volumes, then make it.
    Renew,
    /// Stop it, remove it and make it with the same volumes.
    Recreate,
    /// It is the right one: see that it runs, and change its limits if told to.
    Keep {
        /// What it does now.
        status: Status,
        /// Whether its limits differ from what is wanted.
        limit: bool,
    },
}

/// Decides about one container.
pub(super) fn decide(
    seen: Option<&Seen>,
    spec: &str,
    resources: &Resources,
    was_ready: bool,
) -> Action {
    let Some(seen) = seen else { return Action::Create };
    let differs = seen.spec != spec || seen.status == Status::Removing;
    let started = seen.status != Status::Created;
    if !was_ready && (seen.ended || (differs && started)) {
        Action::Renew
    } else if differs {
        Action::Recreate
    } else {
        Action::Keep { status: seen.status, limit: seen.limits.differ_from(resources) }
    }
}

impl Limits {
    /// What an engine does not report (no swap or pids accounting in its kernel) cannot differ.
    fn differ_from(self, wanted: &Resources) -> bool {
        self.memory.is_some_and(|memory| memory != wanted.memory_bytes)
            || self.cpu_millis.is_some_and(|millis| millis != wanted.cpu_millis)
            || self.pids.is_some_and(|pids| pids != wanted.pids)
    }
}

impl From<&Resources> for Limits {
    fn from(resources: &Resources) -> Self {
        Self {
            memory: Some(resources.memory_bytes),
            cpu_millis: Some(resources.cpu_millis),
            pids: Some(resources.pids),
        }
    }
}

/// Everything whose change needs a new container.
#[derive(Serialize)]
struct Spec<'a> {
    /// Raised when the meaning of a field changes: all containers are then made anew at their
    /// next change.
    version: u8,
    image: &'a str,
    command: &'a [String],
    environment: &'a BTreeMap<String, String>,
    user: &'a str,
    mounts: &'a BTreeMap<String, String>,
    tmpfs: &'a BTreeMap<String, String>,
    ports: BTreeMap<u16, Option<u16>>,
    publish_address: IpAddr,
    capabilities: &'a [String],
    writable_root: bool,
    shm_bytes: u64,
    stop: &'a Stop,
    files: Vec<&'a File>,
}

/// A hash of everything whose change needs a new container, for the label `banquet.spec`.
///
/// It covers the contents of files with passwords in them, and tells nothing about those: they
/// have 190 bits.
pub(super) fn spec(container: &Container, place: &Place, publish_address: IpAddr) -> String {
    let spec = Spec {
        version: 1,
        image: image(container),
        command: &container.command,
        environment: &container.environment,
        user: &container.user,
        mounts: &container.mounts,
        tmpfs: &container.tmpfs,
        ports: host_ports(container, place).collect(),
        publish_address,
        capabilities: &container.capabilities,
        writable_root: container.writable_root,
        shm_bytes: container.resources.shm_bytes,
        stop: &container.stop,
        files: container.files.iter().filter(|file| file.change == Change::Restart).collect(),
    };
    let text = serde_json::to_vec(&spec).expect("strings, numbers and maps with such keys");
    hex(&Sha256::digest(&text))
}

/// What the container runs: the image's id once known.
pub(super) fn image(container: &Container) -> &str {
    container.image.resolved.as_deref().unwrap_or(&container.image.reference)
}

/// Port inside → port of the host, `None` where the place has none for it.
pub(super) fn host_ports<'a>(
    container: &'a Container,
    place: &'a Place,
) -> impl Iterator<Item = (u16, Option<u16>)> + 'a {
    container.ports.iter().map(|(name, inner)| (*inner, place.ports.get(name).copied()))
}

/// Where a file lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home<'a> {
    /// The volume's name, as mounts have it.
    pub(super) volume: &'a str,
    /// Where that is mounted.
    pub(super) mount: &'a str,
    /// The file's path in it.
    pub(super) inside: PathBuf,
}

/// The deepest mount that a file lies in. Fatal where there is none: files go into volumes only.
pub(super) fn home<'a>(container: &'a Container, file: &File) -> Result<Home<'a>, Fault> {
    let inside = |(volume, mount): (&'a String, &'a String)| {
        let rest = Path::new(&file.path).strip_prefix(mount).ok()?;
        let plain = rest.components().all(|part| matches!(part, Component::Normal(_)));
        (plain && !rest.as_os_str().is_empty()).then(|| Home {
            volume,
            mount,
            inside: rest.to_owned(),
        })
    };
    container.mounts.iter().filter_map(inside).max_by_key(|home| home.mount.len()).ok_or_else(
        || {
            let (path, role) = (&file.path, &container.role);
            Fault::fatal(format!("the file {path} of {role} lies in none of its volumes"))
        },
    )
}

/// Which files are to be written into a container's volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// It was freshly made, and is not ready or has an empty volume: all of them.
    First,
    /// It was freshly made and its volumes hold what the engine inside has made of the seeds.
    Again,
    /// It was there: what the engine inside is told over its protocol anyway.
    Live,
}

impl Writing {
    /// Whether a file belongs to this writing.
    pub(super) fn takes(self, file: &File) -> bool {
        match (self, file.change) {
            (Self::First, _)
            | (Self::Again, Change::Restart | Change::Live)
            | (Self::Live, Change::Live) => true,
            (Self::Again, Change::Seed) | (Self::Live, Change::Restart | Change::Seed) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Resources =
        Resources { memory_bytes: 64 << 20, cpu_millis: 500, pids: 100, shm_bytes: 0 };

    fn seen(status: Status, ended: bool) -> Seen {
        Seen { spec: "same".into(), status, ended, limits: Limits::from(&WANTED) }
    }

    #[test]
    fn the_table_of_decisions() {
        use Status::{Created, Paused, Removing, Running, Stopped};
        let keep = |status| Action::Keep { status, limit: false };
        let table = [
            // status, ended, spec, was ready → action
            (Created, false, "same", false, keep(Created)),
            (Created, false, "same", true, keep(Created)),
            (Created, false, "other", false, Action::Recreate),
            (Created, false, "other", true, Action::Recreate),
            (Running, false, "same", false, keep(Running)),
            (Running, false, "other", false, Action::Renew),
            (Running, false, "other", true, Action::Recreate),
            (Running, true, "same", false, Action::Renew),
            (Running, true, "same", true, keep(Running)),
            (Paused, false, "same", true, keep(Paused)),
            (Stopped, true, "same", false, Action::Renew),
            (Stopped, true, "same", true, keep(Stopped)),
            (Stopped, true, "other", true, Action::Recreate),
            (Removing, true, "same", false, Action::Renew),
            (Removing, true, "same", true, Action::Recreate),
        ];
        for (status, ended, spec, was_ready, action) in table {
            let found = decide(Some(&seen(status, ended)), spec, &WANTED, was_ready);
            assert_eq!(found, action, "{status:?} ended={ended} {spec} was_ready={was_ready}");
        }
        assert_eq!(decide(None, "same", &WANTED, true), Action::Create);
    }

    #[test]
    fn limits_that_are_not_reported_do_not_differ() {
        let unknown = Limits { memory: None, cpu_millis: None, pids: None };
        assert!(!unknown.differ_from(&WANTED));
        for other in [
            Resources { memory_bytes: 1, ..WANTED },
            Resources { cpu_millis: 1, ..WANTED },
            Resources { pids: 1, ..WANTED },
        ] {
            assert!(Limits::from(&WANTED).differ_from(&other));
        }
    }

    fn container() -> (Container, Place) {
        let container = serde_json::from_value(serde_json::json!({
            "role": "server",
            "image": { "ref": "docker.io/library/redis:8.0" },
            "files": [
                { "path": "/conf/a", "content": "restart" },
                { "path": "/conf/b", "content": "live", "change": "live" },
                { "path": "/conf/c", "content": "seed", "change": "seed" },
            ],
            "mounts": { "conf": "/conf" },
            "ports": { "redis": 6379 },
            "resources": { "memory_bytes": 1, "cpu_millis": 1, "pids": 1 },
        }))
        .unwrap();
        let place = Place {
            instance: "00aa".to_owned().into(),
            instance_id: "i".into(),
            tenant: "t".into(),
            subnet: "10.0.0.0/28".parse().unwrap(),
            labels: BTreeMap::new(),
            ports: BTreeMap::from([("redis".to_owned(), 20_000)]),
            was_ready: false,
        };
        (container, place)
    }

    #[test]
    fn the_spec_changes_with_what_needs_a_new_container_and_with_nothing_else() {
        let address = IpAddr::from([127, 0, 0, 1]);
        let (first, place) = container();
        let before = spec(&first, &place, address);
        let unchanged: [fn(&mut Container); 3] = [
            |c| c.resources.memory_bytes = 2,
            |c| c.files[1].content = "x".into(),
            |c| c.files[2].content = "x".into(),
        ];
        for change in unchanged {
            let mut other = first.clone();
            change(&mut other);
            assert_eq!(spec(&other, &place, address), before);
        }
        let changed: [fn(&mut Container); 5] = [
            |c| c.files[0].content = "x".into(),
            |c| c.files[0].mode = 0o440,
            |c| c.command.push("x".into()),
            |c| c.image.resolved = Some("sha256:1".into()),
            |c| c.resources.shm_bytes = 1,
        ];
        for change in changed {
            let mut other = first.clone();
            change(&mut other);
            assert_ne!(spec(&other, &place, address), before);
        }
        let mut moved = place.clone();
        moved.ports.insert("redis".into(), 20_001);
        assert_ne!(spec(&first, &moved, address), before);
        assert_ne!(spec(&first, &place, IpAddr::from([0, 0, 0, 0])), before);
    }

    #[test]
    fn seeds_are_written_once_and_live_files_always() {
        let (container, _) = container();
        let taken = |writing: Writing| {
            let files = container.files.iter().filter(|file| writing.takes(file));
            files.map(|file| file.path.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(taken(Writing::First), ["/conf/a", "/conf/b", "/conf/c"]);
        assert_eq!(taken(Writing::Again), ["/conf/a", "/conf/b"]);
        assert_eq!(taken(Writing::Live), ["/conf/b"]);
    }

    #[test]
    fn a_file_outside_of_all_volumes_is_refused() {
        for path in ["/etc/passwd", "/conf", "/config/x", "/conf/../etc/passwd", "conf/a"] {
            let (mut container, _) = container();
            container.files[0].path = path.to_owned();
            let fault = home(&container, &container.files[0]).unwrap_err();
            assert!(fault.message.contains(path), "{}", fault.message);
        }
    }
}
