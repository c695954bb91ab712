//! What every backend must do.

use std::collections::BTreeMap;
use std::time::Duration;

use banquet::backend::{Backend, Observed, Place, Thing};
use banquet::model::workload::{Change, File};
use banquet::model::{FaultKind, Progress, Workload};
use banquet::secret::Secret;

use crate::rig::{self, Rig, ensure, only};

/// Stamps a test of each function here for one engine.
macro_rules! suite {
    ($name:ident, $rig:ty) => {
        mod $name {
            $crate::contract::suite!(@ $rig:
                makes_one_of_everything_and_removes_it
                making_it_again_changes_nothing
                limits_are_changed_on_the_running_container
                a_new_command_makes_the_container_anew_with_its_data_and_port
                a_port_in_use_is_told_and_exchanged
                what_ended_or_vanished_after_the_first_ready_comes_back_with_its_data
                an_interrupted_first_start_begins_anew
                seeds_are_written_once_and_live_files_again
                a_network_stays_while_an_instance_of_its_tenant_does
                containers_that_are_no_longer_wanted_go
                a_call_that_was_called_off_ends
                files_are_written_into_containers_that_run
                who_is_not_there_cannot_be_entered
                an_engine_that_is_not_there_is_told
            );
        }
    };
    (@ $rig:ty: $($test:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let rig = <$rig as $crate::rig::Rig>::up().await;
            $crate::contract::$test(&rig).await;
        }
    )*};
}
pub(crate) use suite;

/// An instance that was ready.
async fn ready(rig: &impl Rig) -> (Place, Workload) {
    let mut place = rig::place();
    let workload = rig::workload(&rig.image());
    ensure(rig.backend(), &place, &workload).await;
    place.was_ready = true;
    (place, workload)
}

async fn found(backend: &dyn Backend) -> BTreeMap<Thing, usize> {
    let mut counts = BTreeMap::new();
    for found in backend.found().await.unwrap() {
        *counts.entry(found.what).or_default() += 1;
    }
    counts
}

pub(crate) async fn makes_one_of_everything_and_removes_it(rig: &impl Rig) {
    let backend = rig.backend();
    let (place, workload) = (rig::place(), rig::workload(&rig.image()));
    backend.ping().await.unwrap();
    assert_eq!(backend.observe(&place).await.unwrap(), Observed::Absent);
    ensure(backend, &place, &workload).await;
    assert_eq!(backend.observe(&place).await.unwrap(), Observed::Running);
    let all = [(Thing::Container, 1), (Thing::Volume, 2), (Thing::Network, 1)];
    assert_eq!(found(backend).await, BTreeMap::from(all));
    for found in backend.found().await.unwrap() {
        assert_eq!(found.tenant, place.tenant);
        let instance = (found.what != Thing::Network).then(|| place.instance.clone());
        assert_eq!(found.instance, instance);
    }
    assert_eq!(rig.file(&place, "/conf/secret").await.as_deref(), Some("restart-1"));
    for _ in 0..2 {
        backend.remove(&place).await.unwrap();
        assert_eq!(backend.observe(&place).await.unwrap(), Observed::Absent);
        assert_eq!(found(backend).await, BTreeMap::from([(Thing::Network, 1)]));
    }
    for _ in 0..2 {
        backend.remove_network(&place.tenant).await.unwrap();
        assert_eq!(found(backend).await, BTreeMap::new());
    }
}

pub(crate) async fn making_it_again_changes_nothing(rig: &impl Rig) {
    let (mut place, workload) = (rig::place(), rig::workload(&rig.image()));
    ensure(rig.backend(), &place, &workload).await;
    let id = rig.id(&place).await;
    assert!(id.is_some());
    for was_ready in [false, true] {
        place.was_ready = was_ready;
        ensure(rig.backend(), &place, &workload).await;
        assert_eq!(rig.id(&place).await, id);
    }
    assert_eq!(rig.starts(&place).await, 1);
}

pub(crate) async fn limits_are_changed_on_the_running_container(rig: &impl Rig) {
    let (place, mut workload) = ready(rig).await;
    let id = rig.id(&place).await;
    for (memory_bytes, cpu_millis, pids) in [(64 << 20, 250, 70), (24 << 20, 1000, 40)] {
        let resources = &mut only(&mut workload).resources;
        (resources.memory_bytes, resources.cpu_millis, resources.pids) =
            (memory_bytes, cpu_millis, pids);
        let wanted = resources.clone();
        ensure(rig.backend(), &place, &workload).await;
        assert_eq!(rig.limits(&place).await, wanted);
    }
    assert_eq!((rig.id(&place).await, rig.starts(&place).await), (id, 1));
}

pub(crate) async fn a_new_command_makes_the_container_anew_with_its_data_and_port(rig: &impl Rig) {
    let (place, mut workload) = ready(rig).await;
    let id = rig.id(&place).await;
    only(&mut workload).command = vec!["serve".to_owned(), "more".to_owned()];
    only(&mut workload).files[0].content = "restart-2".into();
    only(&mut workload).files[2].content = "seed-2".into();
    ensure(rig.backend(), &place, &workload).await;
    assert_ne!(rig.id(&place).await, id);
    assert_eq!(rig.starts(&place).await, 2);
    assert_eq!(rig.file(&place, "/conf/secret").await.as_deref(), Some("restart-2"));
    assert_eq!(rig.file(&place, "/conf/seed").await.as_deref(), Some("seed-1"));
    assert_eq!(rig.backend().observe(&place).await.unwrap(), Observed::Running);
    assert_eq!(found(rig.backend()).await[&Thing::Container], 1);
}

pub(crate) async fn a_port_in_use_is_told_and_exchanged(rig: &impl Rig) {
    let backend = rig.backend();
    let (mut place, workload) = (rig::place(), rig::workload(&rig.image()));
    let port = place.ports["main"];
    rig.take_port(port).await;
    for _ in 0..2 {
        let fault = backend.ensure(&place, &workload, &Progress::default()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::PortTaken(port), "{}", fault.chain());
        assert_eq!(rig.id(&place).await, None);
    }
    place.ports.insert("main".to_owned(), rig::free_port());
    ensure(backend, &place, &workload).await;
    assert_eq!(backend.observe(&place).await.unwrap(), Observed::Running);
    assert_eq!(rig.starts(&place).await, 1);
}

pub(crate) async fn what_ended_or_vanished_after_the_first_ready_comes_back_with_its_data(
    rig: &impl Rig,
) {
    let backend = rig.backend();
    let (place, workload) = ready(rig).await;
    let id = rig.id(&place).await;
    rig.end(&place).await;
    assert!(matches!(backend.observe(&place).await.unwrap(), Observed::Down(_)));
    ensure(backend, &place, &workload).await;
    assert_eq!(backend.observe(&place).await.unwrap(), Observed::Running);
    assert_eq!((rig.id(&place).await, rig.starts(&place).await), (id.clone(), 2));

    rig.lose_container(&place).await;
    assert_eq!(backend.observe(&place).await.unwrap(), Observed::Absent);
    ensure(backend, &place, &workload).await;
    assert_ne!(rig.id(&place).await, id);
    assert_eq!(rig.starts(&place).await, 3);
    assert_eq!(backend.observe(&place).await.unwrap(), Observed::Running);
}

pub(crate) async fn an_interrupted_first_start_begins_anew(rig: &impl Rig) {
    let backend = rig.backend();
    let (place, workload) = (rig::place(), rig::workload(&rig.image()));
    ensure(backend, &place, &workload).await;
    rig.end(&place).await;
    assert!(matches!(backend.observe(&place).await.unwrap(), Observed::Down(_)));
    ensure(backend, &place, &workload).await;
    assert_eq!(backend.observe(&place).await.unwrap(), Observed::Running);
    assert_eq!(rig.starts(&place).await, 1);

    rig.lose_container(&place).await;
    ensure(backend, &place, &workload).await;
    assert_eq!(rig.starts(&place).await, 1);

    let mut other = workload.clone();
    only(&mut other).command.push("more".to_owned());
    ensure(backend, &place, &other).await;
    assert_eq!(rig.starts(&place).await, 1);
    let all = [(Thing::Container, 1), (Thing::Volume, 2), (Thing::Network, 1)];
    assert_eq!(found(backend).await, BTreeMap::from(all));
}

pub(crate) async fn seeds_are_written_once_and_live_files_again(rig: &impl Rig) {
    let (place, mut workload) = ready(rig).await;
    let id = rig.id(&place).await;
    assert_eq!(rig.file(&place, "/conf/seed").await.as_deref(), Some("seed-1"));
    assert_eq!(rig.file(&place, "/conf/sub/live").await.as_deref(), Some("live-1"));
    only(&mut workload).files[1].content = "live-2".into();
    only(&mut workload).files[2].content = "seed-2".into();
    ensure(rig.backend(), &place, &workload).await;
    assert_eq!(rig.file(&place, "/conf/seed").await.as_deref(), Some("seed-1"));
    assert_eq!(rig.file(&place, "/conf/sub/live").await.as_deref(), Some("live-2"));
    assert_eq!((rig.id(&place).await, rig.starts(&place).await), (id, 1));
}

pub(crate) async fn a_network_stays_while_an_instance_of_its_tenant_does(rig: &impl Rig) {
    let backend = rig.backend();
    let (one, workload) = (rig::place(), rig::workload(&rig.image()));
    let other = Place { tenant: one.tenant.clone(), subnet: one.subnet, ..rig::place() };
    let progress = Progress::default();
    let (first, second) = tokio::join!(
        backend.ensure(&one, &workload, &progress),
        backend.ensure(&other, &workload, &progress),
    );
    first.unwrap();
    second.unwrap();
    assert_eq!(found(backend).await[&Thing::Network], 1);
    backend.remove(&one).await.unwrap();
    backend.remove_network(&one.tenant).await.unwrap();
    assert_eq!(found(backend).await[&Thing::Network], 1);
    assert_eq!(backend.observe(&other).await.unwrap(), Observed::Running);
    backend.remove(&other).await.unwrap();
    backend.remove_network(&one.tenant).await.unwrap();
    assert_eq!(found(backend).await, BTreeMap::new());
}

pub(crate) async fn containers_that_are_no_longer_wanted_go(rig: &impl Rig) {
    let (place, mut workload) = ready(rig).await;
    only(&mut workload).role = String::from("primary");
    ensure(rig.backend(), &place, &workload).await;
    assert_eq!(rig.id(&place).await, None, "of the role that is no longer there");
    assert_eq!(found(rig.backend()).await[&Thing::Container], 1);
    assert_eq!(rig.backend().observe(&place).await.unwrap(), Observed::Running);
}

pub(crate) async fn a_call_that_was_called_off_ends(rig: &impl Rig) {
    let (place, workload) = (rig::place(), rig::workload(&rig.image()));
    let progress = Progress::default();
    progress.cancel.cancel();
    let fault = rig.backend().ensure(&place, &workload, &progress).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Cancelled);
    assert_eq!(rig.backend().observe(&place).await.unwrap(), Observed::Absent);
}

pub(crate) async fn an_engine_that_is_not_there_is_told(rig: &impl Rig) {
    let backend = rig.unreachable();
    let (place, workload) = (rig::place(), rig::workload(&rig.image()));
    let image = &workload.containers[0].image;
    let progress = Progress::default();
    let faults = [
        backend.ping().await.unwrap_err(),
        backend.image(image, &progress).await.unwrap_err(),
        backend.ensure(&place, &workload, &progress).await.unwrap_err(),
        backend.observe(&place).await.unwrap_err(),
        backend.remove(&place).await.unwrap_err(),
        backend.remove_network(&place.tenant).await.unwrap_err(),
        backend.found().await.unwrap_err(),
    ];
    for fault in faults {
        assert_eq!(fault.kind, FaultKind::Unreachable, "{}", fault.chain());
        assert!(fault.message.contains("does not answer"), "{}", fault.message);
    }
}

/// A file of root's, that a command of the container's user can read.
fn note(content: &str) -> File {
    File {
        path: "/conf/sub/note".to_owned(),
        content: content.into(),
        mode: 0o444,
        uid: 0,
        gid: 0,
        change: Change::Live,
        tls: None,
    }
}

pub(crate) async fn files_are_written_into_containers_that_run(rig: &impl Rig) {
    let (place, workload) = ready(rig).await;
    let inside = rig.backend().inside(&place, &workload);
    for content in ["first", "second, and longer", "3"] {
        inside.write("server", &note(content)).await.unwrap();
        assert_eq!(rig.file(&place, "/conf/sub/note").await.as_deref(), Some(content));
    }
    let elsewhere = File { path: "/etc/note".to_owned(), ..note("x") };
    let fault = inside.write("server", &elsewhere).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal, "files go into volumes only");
}

pub(crate) async fn who_is_not_there_cannot_be_entered(rig: &impl Rig) {
    let (place, workload) = ready(rig).await;
    let inside = rig.backend().inside(&place, &workload);
    let command = ["true".to_owned()];
    let nothing = Secret::from("");
    let run = |role| inside.run(role, &command, &nothing, Duration::from_secs(5));
    assert_eq!(run("server").await.unwrap().status, 0);
    rig.lose_container(&place).await;
    assert_eq!(run("server").await.unwrap_err().kind, FaultKind::Retry);
    for fault in [
        inside.write("server", &note("x")).await.unwrap_err(),
        inside.signal("server", "SIGHUP").await.unwrap_err(),
        inside.restart("server").await.unwrap_err(),
    ] {
        assert_eq!(fault.kind, FaultKind::Retry, "{}", fault.chain());
    }
}
