//! What makes a workload one that any backend can run.

use std::collections::BTreeSet;

use super::super::check::image_reference;
use crate::model::Workload;
use crate::model::scripts::Purpose;
use crate::model::tls::Part;
use crate::model::workload::Container;

/// The engine that runs scripts.
const SCRIPTED: &str = "scripted";

/// Refuses, with what is wrong; never quotes a secret.
pub(super) fn check(workload: &Workload) -> Result<(), String> {
    if workload.containers.is_empty() {
        return Err("a workload has at least one container".to_owned());
    }
    if workload.port_names().next().is_none() {
        return Err("no container has a port, so that no app could reach it".to_owned());
    }
    if workload.admin.user.is_empty() {
        return Err("`admin.user` is blank".to_owned());
    }
    let mut roles = BTreeSet::new();
    let mut ports = BTreeSet::new();
    for container in &workload.containers {
        let role = container.role.as_str();
        check_container(container, workload).map_err(|why| format!("container `{role}`: {why}"))?;
        if !roles.insert(role) {
            return Err(format!("two containers have the role `{role}`"));
        }
        if let Some(port) = container.ports.keys().find(|port| !ports.insert(port.as_str())) {
            return Err(format!("two containers have a port `{port}`"));
        }
    }
    check_scripts(workload)?;
    check_tls(workload)?;
    let unused = |name: &&String| !workload.containers.iter().any(|c| c.mounts.contains_key(*name));
    match workload.volumes.keys().find(unused) {
        Some(name) => Err(format!("no container mounts the volume `{name}`")),
        None => Ok(()),
    }
}

/// The engine `scripted` has what it runs, and no other engine has any.
fn check_scripts(workload: &Workload) -> Result<(), String> {
    if workload.engine != SCRIPTED {
        return if workload.scripts.is_empty() {
            Ok(())
        } else {
            Err(format!("`scripts` are for `engine: {SCRIPTED}` alone"))
        };
    }
    if let Some(purpose) = Purpose::NEEDED.iter().find(|p| !workload.scripts.contains_key(p)) {
        return Err(format!("`engine: {SCRIPTED}` needs `scripts.{}`", purpose.as_str()));
    }
    for (purpose, script) in &workload.scripts {
        let (purpose, role) = (purpose.as_str(), &script.role);
        if !workload.containers.iter().any(|container| container.role == *role) {
            return Err(format!("`scripts.{purpose}`: no container has the role `{role}`"));
        }
        let secret = workload.admin.password.expose();
        if script.command.iter().any(|word| !secret.is_empty() && word.contains(secret)) {
            return Err(format!(
                "`scripts.{purpose}`: the password is in `command`, where everybody sees it; it \
                 comes by standard input"
            ));
        }
        if script.command.first().is_none_or(String::is_empty) {
            return Err(format!("`scripts.{purpose}`: `command` is empty"));
        }
    }
    Ok(())
}

/// A plan with TLS has a certificate somewhere, and one without it has none.
fn check_tls(workload: &Workload) -> Result<(), String> {
    let files = workload.containers.iter().flat_map(|container| &container.files);
    let parts: BTreeSet<Part> = files.filter_map(|file| file.tls).collect();
    let whole = parts.contains(&Part::Bundle)
        || (parts.contains(&Part::Certificate) && parts.contains(&Part::Key));
    if workload.tls.is_on() && !whole {
        return Err("the plan has TLS, but no files hold the certificate and its key: write \
                    `tls: certificate` and `tls: key`, or `tls: bundle`"
            .to_owned());
    }
    if workload.tls.is_off() && !parts.is_empty() {
        return Err("a file says `tls`, but the plan has none: put it between {{#if tls.on}} and \
                    {{/if}}"
            .to_owned());
    }
    Ok(())
}

fn check_container(container: &Container, workload: &Workload) -> Result<(), String> {
    word("role", &container.role)?;
    let reference = &container.image.reference;
    image_reference(reference).map_err(|why| format!("`{reference}` is no image: {why}"))?;
    for (volume, path) in &container.mounts {
        word("volume", volume)?;
        if !workload.volumes.contains_key(volume) {
            return Err(format!("mounts the volume `{volume}`, which `volumes` does not declare"));
        }
        absolute(path)?;
    }
    container.tmpfs.keys().try_for_each(|path| absolute(path))?;
    check_files(container)?;
    check_addresses(container, workload)?;
    for (name, port) in &container.ports {
        word("port", name)?;
        if *port == 0 {
            return Err(format!("port `{name}` is 0"));
        }
    }
    check_user(container)?;
    check_limits(container)?;
    no_secret(container, workload)
}

fn check_files(container: &Container) -> Result<(), String> {
    let mut paths = BTreeSet::new();
    for file in &container.files {
        let path = file.path.as_str();
        absolute(path)?;
        let inside = |mount: &String| {
            path.strip_prefix(mount.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        if !container.mounts.values().any(inside) {
            return Err(format!("the file {path} is in none of its mounts"));
        }
        if !paths.insert(path) {
            return Err(format!("the file {path} is there twice"));
        }
    }
    Ok(())
}

/// What stands for a port in a file can be filled in.
fn check_addresses(container: &Container, workload: &Workload) -> Result<(), String> {
    for file in &container.files {
        let unknown = |name: &&str| !workload.port_names().any(|port| port == *name);
        if let Some(name) = file.ports_named().find(unknown) {
            let path = &file.path;
            return Err(format!("the file {path} asks for the port `{name}`, which there is not"));
        }
    }
    Ok(())
}

fn check_user(container: &Container) -> Result<(), String> {
    let number = |text: &str| text.parse::<u32>().is_ok();
    let user = container.user.as_str();
    if !user.is_empty() && !user.splitn(2, ':').all(number) {
        return Err(format!("`user: {user}` is not `uid` or `uid:gid`, in numbers"));
    }
    let named = |name: &String| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    if let Some(name) = container.capabilities.iter().find(|name| name.is_empty() || !named(name)) {
        return Err(format!("`{name}` is no capability: write NET_BIND_SERVICE"));
    }
    let signal = &container.stop.signal;
    if signal.strip_prefix("SIG").is_none_or(|rest| word("signal", rest).is_err()) {
        return Err(format!("`stop.signal: {signal}` is no signal: write SIGTERM"));
    }
    Ok(())
}

fn check_limits(container: &Container) -> Result<(), String> {
    let limits = &container.resources;
    if limits.memory_bytes == 0 || limits.cpu_millis == 0 || limits.pids == 0 {
        return Err("every container has limits of memory, CPU and processes".to_owned());
    }
    if container.stop.timeout_s == 0 || container.stop.timeout_s > 600 {
        return Err("`stop.timeout_s` is 1 to 600 seconds".to_owned());
    }
    Ok(())
}

/// Environment and arguments are seen by everyone who may inspect containers.
fn no_secret(container: &Container, workload: &Workload) -> Result<(), String> {
    let secret = workload.admin.password.expose();
    let environment = container.environment.values();
    if !secret.is_empty() && environment.chain(&container.command).any(|text| text.contains(secret))
    {
        return Err("the password is in `environment` or `command`, where everybody sees it; \
                    put it into a file"
            .to_owned());
    }
    Ok(())
}

/// Ends up in names of containers and volumes.
fn word(what: &str, text: &str) -> Result<(), String> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        && text.len() <= 32;
    if fits { Ok(()) } else { Err(format!("`{text}` is no name for a {what}")) }
}

fn absolute(path: &str) -> Result<(), String> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(plain)) {
        return Ok(());
    }
    Err(format!("`{path}` is not a plain absolute path"))
}
