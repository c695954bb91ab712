//! A workload's container in the engine's words.

use std::collections::HashMap;
use std::net::IpAddr;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum, ContainerUpdateBody,
    EndpointSettings, HostConfig, HostConfigLogConfig, Mount, MountType, NetworkingConfig,
    PortBinding, PortMap, RestartPolicy, RestartPolicyNameEnum,
};

use super::names;
use crate::backend::Place;
use crate::backend::reconcile::{self, Limits, Seen, Status};
use crate::id::BrokerId;
use crate::model::Fault;
use crate::model::workload::{Container, Resources};

/// Over which time the kernel counts what a container uses of a processor, in µs.
const CPU_PERIOD: i64 = 100_000;

/// What all containers of a broker have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct House<'a> {
    pub(super) broker: &'a BrokerId,
    pub(super) publish_address: IpAddr,
}

/// The request that makes a container. Locked down: what is not asked for is not given.
pub(super) fn create(
    house: House<'_>,
    place: &Place,
    container: &Container,
    count: usize,
) -> Result<ContainerCreateBody, Fault> {
    let mut labels = names::instance_labels(house.broker, place);
    let spec = reconcile::spec(container, place, house.publish_address);
    labels.insert(names::SPEC.to_owned(), spec);
    labels.insert(names::COUNT.to_owned(), count.to_string());
    let environment = container.environment.iter().map(|(name, value)| format!("{name}={value}"));
    Ok(ContainerCreateBody {
        image: Some(reconcile::image(container).to_owned()),
        hostname: Some(place.instance.to_string()),
        user: Some(container.user.clone()).filter(|user| !user.is_empty()),
        cmd: Some(container.command.clone()).filter(|command| !command.is_empty()),
        env: Some(environment.collect()),
        labels: Some(labels),
        exposed_ports: Some(container.ports.values().map(|port| format!("{port}/tcp")).collect()),
        stop_signal: Some(container.stop.signal.clone()),
        stop_timeout: Some(container.stop.timeout_s.into()),
        host_config: Some(host_config(house, place, container)?),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(
                names::network(house.broker, &place.tenant),
                EndpointSettings {
                    aliases: Some(vec![names::alias(&place.instance, &container.role)]),
                    ..EndpointSettings::default()
                },
            )])),
        }),
        ..ContainerCreateBody::default()
    })
}

fn host_config(
    house: House<'_>,
    place: &Place,
    container: &Container,
) -> Result<HostConfig, Fault> {
    let resources = &container.resources;
    let memory = bytes(resources.memory_bytes);
    Ok(HostConfig {
        network_mode: Some(names::network(house.broker, &place.tenant)),
        port_bindings: Some(port_bindings(house.publish_address, place, container)?),
        mounts: Some(mounts(house.broker, place, container)),
        tmpfs: Some(container.tmpfs.clone().into_iter().collect()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(container.capabilities.clone()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(!container.writable_root),
        init: Some(false),
        memory: Some(memory),
        memory_swap: Some(memory),
        cpu_period: Some(CPU_PERIOD),
        cpu_quota: Some(cpu_quota(resources)),
        pids_limit: Some(resources.pids.into()),
        shm_size: Some(bytes(resources.shm_bytes)).filter(|size| *size > 0),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(
                [("max-size", "10m"), ("max-file", "2")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
            ),
        }),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        }),
        ..HostConfig::default()
    })
}

fn port_bindings(address: IpAddr, place: &Place, container: &Container) -> Result<PortMap, Fault> {
    let bind = |(inner, host): (u16, Option<u16>)| {
        let host = host.ok_or_else(|| {
            let role = &container.role;
            Fault::fatal(format!("no port of the host was given for port {inner} of {role}"))
        })?;
        let binding =
            PortBinding { host_ip: Some(address.to_string()), host_port: Some(host.to_string()) };
        Ok((format!("{inner}/tcp"), Some(vec![binding])))
    };
    reconcile::host_ports(container, place).map(bind).collect()
}

fn mounts(broker: &BrokerId, place: &Place, container: &Container) -> Vec<Mount> {
    let mount = |(volume, path): (&String, &String)| Mount {
        typ: Some(MountType::VOLUME),
        source: Some(names::volume(broker, &place.instance, volume)),
        target: Some(path.clone()),
        ..Mount::default()
    };
    container.mounts.iter().map(mount).collect()
}

/// The request that changes limits: memory and swap must go together, or the engine refuses to
/// raise one above the other.
pub(super) fn update(resources: &Resources) -> ContainerUpdateBody {
    let memory = bytes(resources.memory_bytes);
    ContainerUpdateBody {
        memory: Some(memory),
        memory_swap: Some(memory),
        cpu_period: Some(CPU_PERIOD),
        cpu_quota: Some(cpu_quota(resources)),
        pids_limit: Some(resources.pids.into()),
        ..ContainerUpdateBody::default()
    }
}

/// Not `nano_cpus`: Podman ignores those in an update, and Docker refuses to change a quota where
/// they were given.
fn cpu_quota(resources: &Resources) -> i64 {
    i64::from(resources.cpu_millis) * CPU_PERIOD / 1000
}

fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What an inspection says, as far as it matters.
pub(super) fn seen(inspection: &ContainerInspectResponse) -> Seen {
    let labels = inspection.config.as_ref().and_then(|config| config.labels.as_ref());
    Seen {
        spec: labels.and_then(|labels| labels.get(names::SPEC)).cloned().unwrap_or_default(),
        status: status(inspection),
        ended: ended(inspection),
        limits: inspection
            .host_config
            .as_ref()
            .map_or(Limits { memory: None, cpu_millis: None, pids: None }, limits),
    }
}

fn status(inspection: &ContainerInspectResponse) -> Status {
    let status = inspection.state.as_ref().and_then(|state| state.status);
    match status.unwrap_or(ContainerStateStatusEnum::EMPTY) {
        ContainerStateStatusEnum::CREATED => Status::Created,
        ContainerStateStatusEnum::RUNNING => Status::Running,
        ContainerStateStatusEnum::PAUSED => Status::Paused,
        ContainerStateStatusEnum::EMPTY
        | ContainerStateStatusEnum::RESTARTING
        | ContainerStateStatusEnum::EXITED
        | ContainerStateStatusEnum::STOPPING => Status::Stopped,
        ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD => Status::Removing,
    }
}

/// Whether a process of it ever ended: the engine keeps the time of it over later starts, and
/// says year 1 where there is none.
pub(super) fn ended(inspection: &ContainerInspectResponse) -> bool {
    let finished = inspection.state.as_ref().and_then(|state| state.finished_at.as_deref());
    finished.is_some_and(|at| !at.is_empty() && !at.starts_with("0001-"))
}

fn limits(config: &HostConfig) -> Limits {
    let positive = |value: Option<i64>| value.filter(|value| *value > 0);
    let period = positive(config.cpu_period).unwrap_or(CPU_PERIOD);
    let millis = positive(config.cpu_quota).map(|quota| quota * 1000 / period);
    Limits {
        memory: positive(config.memory).and_then(|bytes| bytes.try_into().ok()),
        cpu_millis: millis.and_then(|millis| millis.try_into().ok()),
        pids: positive(config.pids_limit).and_then(|pids| pids.try_into().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_reads_as_cores() {
        let config = HostConfig {
            cpu_quota: Some(50_000),
            cpu_period: Some(100_000),
            memory: Some(0),
            pids_limit: Some(-1),
            ..HostConfig::default()
        };
        let expected = Limits { memory: None, cpu_millis: Some(500), pids: None };
        assert_eq!(limits(&config), expected);
    }

    #[test]
    fn the_year_one_is_no_end() {
        let at = |time: &str| ContainerInspectResponse {
            state: Some(bollard::models::ContainerState {
                finished_at: Some(time.to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert!(!ended(&at("0001-01-01T00:00:00Z")));
        assert!(ended(&at("2026-01-01T00:00:00Z")));
    }
}
