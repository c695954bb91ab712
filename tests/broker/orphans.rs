//! What a crash may have left on the container engine: requirement 128.

use banquet::backend::Backend as _;
use banquet::id::InstanceKey;
use banquet::lifecycle::perform::place;
use banquet::model::Progress;

use crate::harness::*;

#[test]
fn r128_only_what_was_deprovisioned_here_is_removed() {
    let mut broker = Broker::new();
    broker.provisioned("left");
    broker.provisioned("lives");
    let row = broker.row("left").unwrap();
    broker.deprovisioned("left");

    let mut left = place(&row, "10.213.0.0/26".parse().unwrap());
    left.was_ready = false;
    let mut unknown = left.clone();
    unknown.instance = InstanceKey::derive(&"cf".into(), &"of-another-life".into());
    unknown.ports = [("cache".to_owned(), 20_040)].into();
    let progress = Progress::default();
    for place in [&left, &unknown] {
        broker.wait(broker.backend.ensure(place, &row.workload, &progress)).unwrap();
    }
    assert_eq!(broker.backend.containers().len(), 3);

    // It looks when it starts, and every ten minutes.
    broker.stop();
    broker.start();
    Broker::until(|| broker.backend.containers().len() < 3);
    broker.assert_whole("lives");
    assert!(broker.backend.has_exactly(&unknown, &row.workload), "told, not touched");
    assert!(!broker.backend.has_exactly(&left, &row.workload));
}
