//! Where apps reach an instance, in files of it: an engine that tells its clients where to go next
//! must know its own address as they see it.
//!
//! A host port can change until the instance is first ready, after the files were rendered. So a
//! snapshot holds stand-ins, and the address is filled in each time that files are written. No
//! value can pose as one: their marks are written as they are by nothing but [`stand_in`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{File, Workload};
use crate::model::Fault;

/// Before and after a stand-in: a character for private use, that a template cannot hold itself and
/// no kind of template lets a value write.
pub const MARK: char = '\u{e000}';

/// What a template calls the host.
const HOST: &str = "address.host";
/// What it calls a port, before the port's name.
const PORT: &str = "address.ports.";

/// What stands in a rendered file for a name of a template: `address.host`, `address.ports.NAME`.
/// None: that is no such name.
#[must_use]
pub fn stand_in(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let port = |port: &str| !port.is_empty() && port.chars().all(plain);
    let known = name == HOST || name.strip_prefix(PORT).is_some_and(port);
    known.then(|| format!("{MARK}{name}{MARK}"))
}

impl File {
    /// The names of the ports that stand in it.
    pub fn ports_named(&self) -> impl Iterator<Item = &str> {
        let names = self.content.expose().split(MARK).skip(1).step_by(2);
        names.filter_map(|name| name.strip_prefix(PORT))
    }
}

impl Workload {
    /// With the address that apps are given in place of what stands for it.
    ///
    /// # Errors
    /// Fatal where a file asks for a port that there is none of.
    pub fn addressed(
        &self,
        host: &str,
        ports: &BTreeMap<String, u16>,
    ) -> Result<Cow<'_, Self>, Fault> {
        let marked = |file: &File| file.content.expose().contains(MARK);
        let mut files = self.containers.iter().flat_map(|container| &container.files);
        if !files.any(marked) {
            return Ok(Cow::Borrowed(self));
        }
        let mut workload = self.clone();
        let files = workload.containers.iter_mut().flat_map(|container| &mut container.files);
        for file in files {
            file.content = filled(file, host, ports)?.into();
        }
        Ok(Cow::Owned(workload))
    }
}

fn filled(file: &File, host: &str, ports: &BTreeMap<String, u16>) -> Result<String, Fault> {
    let filled = file.content.expose().split(MARK).enumerate().map(|(index, text)| {
        if index % 2 == 0 {
            return Ok(Cow::Borrowed(text));
        }
        if text == HOST {
            return Ok(Cow::Borrowed(host));
        }
        let port = text.strip_prefix(PORT).and_then(|name| ports.get(name));
        port.map(|port| Cow::Owned(port.to_string())).ok_or_else(|| {
            Fault::fatal(format!("the file {} asks for {text}, which there is not", file.path))
        })
    });
    filled.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FaultKind;

    fn workload(content: &str) -> Workload {
        serde_json::from_value(json!({
            "engine": "fake",
            "admin": { "user": "admin", "password": "secret" },
            "containers": [{
                "role": "server",
                "image": { "ref": "x" },
                "files": [
                    { "path": "/conf/plain", "content": "a {{address.host}} b" },
                    { "path": "/conf/marked", "content": content },
                ],
                "resources": { "memory_bytes": 1, "cpu_millis": 1, "pids": 1 },
            }],
        }))
        .unwrap()
    }

    fn text(workload: &Workload, file: usize) -> &str {
        workload.containers[0].files[file].content.expose()
    }

    #[test]
    fn the_address_is_filled_in_and_nothing_else_changes() {
        let (host, port) = (stand_in("address.host"), stand_in("address.ports.kafka"));
        let content = format!("at {}:{} .", host.unwrap(), port.unwrap());
        let wanted = workload(&content);
        assert_eq!(wanted.containers[0].files[1].ports_named().collect::<Vec<_>>(), ["kafka"]);
        let ports = [("kafka".to_owned(), 20_007)].into();
        let addressed = wanted.addressed("10.0.0.7", &ports).unwrap().into_owned();
        assert_eq!(text(&addressed, 1), "at 10.0.0.7:20007 .");
        assert_eq!(text(&addressed, 0), "a {{address.host}} b");
        let mut same = addressed;
        same.containers[0].files[1].content = content.into();
        assert_eq!(same, wanted);
        let fault = wanted.addressed("10.0.0.7", &BTreeMap::new()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Fatal);
        assert!(fault.message.contains("/conf/marked asks for address.ports.kafka"));
    }

    #[test]
    fn a_workload_without_stand_ins_is_left_as_it_is() {
        let wanted = workload("address.host");
        assert!(matches!(wanted.addressed("h", &BTreeMap::new()), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn other_names_stand_for_nothing() {
        for name in ["address", "address.hosts", "address.ports", "address.ports.", "admin.user"] {
            assert_eq!(stand_in(name), None, "{name}");
        }
        assert_eq!(stand_in("address.ports.a b"), None);
    }
}
