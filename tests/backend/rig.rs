//! What the contract asks of an engine under test besides the backend itself.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use async_trait::async_trait;
use banquet::backend::{Backend, Place};
use banquet::id::{InstanceKey, TenantId};
use banquet::model::workload::{Container, Image, Resources};
use banquet::model::{Progress, Workload};

/// An engine with a backend on it, empty, and taken away when dropped.
#[async_trait]
pub(crate) trait Rig: Sync {
    /// A fresh one.
    async fn up() -> Self;
    fn backend(&self) -> &dyn Backend;
    /// Runs a program that counts its starts in the volume `data`.
    fn image(&self) -> Image;
    /// A backend whose engine is not there.
    fn unreachable(&self) -> Box<dyn Backend>;
    /// Which container it is.
    async fn id(&self, place: &Place) -> Option<String>;
    /// How often a container with this volume was started.
    async fn starts(&self, place: &Place) -> usize;
    /// A file in the container's volumes.
    async fn file(&self, place: &Place, path: &str) -> Option<String>;
    /// The limits in force.
    async fn limits(&self, place: &Place) -> Resources;
    /// The container ends without anybody having asked the backend.
    async fn end(&self, place: &Place);
    /// Somebody removes the container.
    async fn lose_container(&self, place: &Place);
    /// Something else listens on the port from now on.
    async fn take_port(&self, port: u16);
}

/// A place like no other.
pub(crate) fn place() -> Place {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let [a, b] = std::process::id().to_be_bytes()[2..] else { unreachable!("two of four") };
    let subnet = format!("10.{}.{}.{}/28", 200 + a % 50, b, (number % 16) * 16);
    Place {
        instance: InstanceKey::from(format!("{:08x}{number:08x}", std::process::id())),
        instance_id: format!("an id/with 'odd' characters {number}").as_str().into(),
        tenant: TenantId::from(format!("cf/org {number}")),
        subnet: subnet.parse().unwrap(),
        labels: BTreeMap::from([("banquet.name".to_owned(), "orders".to_owned())]),
        ports: BTreeMap::from([("main".to_owned(), free_port())]),
        was_ready: false,
    }
}

/// A port of the host that nothing listens on, and that no other test gets.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset = u16::try_from(std::process::id() % 40).unwrap() * 50;
        let port = 29_000 + (offset + NEXT.fetch_add(1, Ordering::SeqCst)) % 2000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// One container with two volumes and three files.
pub(crate) fn workload(image: &Image) -> Workload {
    serde_json::from_value(serde_json::json!({
        "engine": "test",
        "admin": { "user": "admin", "password": "adminadminadmin" },
        "containers": [{
            "role": "server",
            "image": image,
            "command": ["serve"],
            "environment": { "MODE": "test" },
            "user": "999:999",
            "files": [
                { "path": "/conf/secret", "content": "restart-1", "mode": 0o400, "uid": 999, "gid": 999 },
                { "path": "/conf/sub/live", "content": "live-1", "mode": 0o440, "uid": 999, "gid": 999, "change": "live" },
                { "path": "/conf/seed", "content": "seed-1", "mode": 0o600, "uid": 999, "gid": 999, "change": "seed" },
            ],
            "mounts": { "conf": "/conf", "data": "/data" },
            "tmpfs": { "/tmp": "size=1m,mode=1777" },
            "ports": { "main": 7000 },
            "resources": { "memory_bytes": 32 << 20, "cpu_millis": 500, "pids": 50 },
            "stop": { "signal": "SIGTERM", "timeout_s": 5 },
        }],
        "volumes": { "conf": { "size_bytes": 1 << 20 }, "data": { "size_bytes": 1 << 20 } },
    }))
    .unwrap()
}

/// The only container.
pub(crate) fn only(workload: &mut Workload) -> &mut Container {
    &mut workload.containers[0]
}

/// Ensures, and panics with the whole chain of causes.
pub(crate) async fn ensure(backend: &dyn Backend, place: &Place, workload: &Workload) {
    if let Err(fault) = backend.ensure(place, workload, &Progress::default()).await {
        panic!("ensure: {}", fault.chain());
    }
}
