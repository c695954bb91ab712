//! What the fake engine can be told to do, on which other tests rely.

use std::sync::Arc;
use std::time::Duration;

use banquet::backend::fake::{Fake, Method, Moment};
use banquet::backend::{Backend, Observed};
use banquet::model::workload::Image;
use banquet::model::{Fault, FaultKind, Progress};

use crate::rig::{self, ensure};

fn image() -> Image {
    Image { reference: "banquet.test/x:1".to_owned(), build: None, resolved: None }
}

#[tokio::test]
async fn a_held_call_waits_until_it_is_released() {
    let fake = Arc::new(Fake::new());
    let (place, workload) = (rig::place(), rig::workload(&image()));
    fake.hold(Method::Ensure);
    let call = tokio::spawn({
        let (fake, place, workload) = (Arc::clone(&fake), place.clone(), workload.clone());
        async move { fake.ensure(&place, &workload, &Progress::default()).await }
    });
    fake.held(Method::Ensure).await;
    assert!(fake.is_empty() && !call.is_finished());
    fake.release(Method::Ensure);
    call.await.unwrap().unwrap();
    assert!(fake.has_exactly(&place, &workload));
}

#[tokio::test]
async fn a_held_call_hears_that_it_was_called_off() {
    let fake = Fake::new();
    fake.hold(Method::Image);
    let progress = Progress::default();
    let (image, held) = (image(), fake.held(Method::Image));
    let (result, ()) = tokio::join!(fake.image(&image, &progress), async {
        held.await;
        progress.cancel.cancel();
    });
    assert_eq!(result.unwrap_err().kind, FaultKind::Cancelled);
    let again = tokio::time::timeout(Duration::from_millis(20), fake.held(Method::Image)).await;
    assert!(again.is_err(), "nobody waits any more");
}

#[tokio::test]
async fn planned_faults_come_once_at_their_call_and_moment() {
    let (place, workload) = (rig::place(), rig::workload(&image()));
    for (moment, containers, volumes) in
        [(Moment::Before, 0, 0), (Moment::Halfway, 0, 2), (Moment::After, 1, 2)]
    {
        let fake = Fake::new();
        fake.fail(Method::Ensure, 2, moment, Fault::retry("no"));
        ensure(&fake, &place, &workload).await;
        fake.remove(&place).await.unwrap();
        let fault = fake.ensure(&place, &workload, &Progress::default()).await.unwrap_err();
        assert_eq!(fault.message, "no");
        let counts = (fake.containers().len(), fake.volumes().len());
        assert_eq!(counts, (containers, volumes), "{moment:?}");
        ensure(&fake, &place, &workload).await;
        assert!(fake.has_exactly(&place, &workload));
        assert_eq!(fake.calls(Method::Ensure), 3);
    }
}

#[tokio::test]
async fn a_removal_can_stop_halfway() {
    let fake = Fake::new();
    let (place, workload) = (rig::place(), rig::workload(&image()));
    ensure(&fake, &place, &workload).await;
    fake.fail(Method::Remove, 1, Moment::Halfway, Fault::unreachable("gone"));
    fake.remove(&place).await.unwrap_err();
    assert_eq!(fake.observe(&place).await.unwrap(), Observed::Absent);
    assert!(!fake.has_nothing_of(&place.instance));
    fake.remove(&place).await.unwrap();
    assert!(fake.has_nothing_of(&place.instance) && !fake.is_empty());
}

#[tokio::test]
async fn an_image_can_be_missing_for_a_while() {
    let (fake, image, progress) = (Fake::new(), image(), Progress::default());
    fake.miss_image(&image.reference);
    assert_eq!(fake.image(&image, &progress).await.unwrap_err().kind, FaultKind::Fatal);
    fake.bring_image(&image.reference);
    assert!(fake.image(&image, &progress).await.unwrap().starts_with("sha256:"));
}

#[tokio::test]
async fn two_instances_do_not_share_a_port() {
    let fake = Fake::new();
    let (one, mut other) = (rig::place(), rig::place());
    other.ports.clone_from(&one.ports);
    let workload = rig::workload(&image());
    ensure(&fake, &one, &workload).await;
    let fault = fake.ensure(&other, &workload, &Progress::default()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::PortTaken(one.ports["main"]));
}
