//! What every offering of the carried catalog must do, through the real binary and a platform's
//! requests, for an app that has nothing but its credentials. The offerings are listed by the
//! catalog itself: none can be added without passing.
//!
//! Needs what `tests/live` needs. For each type of credentials there are two clients that share
//! nothing: in `tests/clients/python/sessions` and in `tests/clients/node`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the tests of one broker need more of it")]
#[path = "../live/broker.rs"]
mod broker;
mod contract;
mod etcd;
#[expect(dead_code, reason = "the tests of one broker need more of it")]
#[path = "../live/ground.rs"]
mod ground;
mod mosquitto;
#[expect(dead_code, reason = "the tests of one broker need more of it")]
#[path = "../live/osb.rs"]
mod osb;
#[path = "../support/programs.rs"]
mod programs;
mod refusals;
mod session;
#[expect(dead_code, reason = "the tests of one broker need more of it")]
#[path = "../live/things.rs"]
mod things;
mod tls;

use banquet::catalog::{Catalog, Files, Offering};
use banquet::model::tls::Mode;
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

fn main() {
    let engines = banquet::engine::engines();
    let names: Vec<&str> = engines.keys().map(String::as_str).collect();
    let catalog = Box::leak(Box::new(Catalog::load(Files::shipped(), &names).unwrap()));
    let trials = catalog.offerings.iter().flat_map(trials).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// One life with everything in it, a short one on each plan, and a renewal where there is TLS.
fn trials(offering: &'static Offering) -> Vec<Trial> {
    let name = &offering.name;
    let plan_trials = offering.plans.iter().map(|plan| {
        let plan = &plan.name;
        trial(format!("{name}::works_on_{plan}"), contract::works_on(offering, plan))
    });
    let life = trial(format!("{name}::lives"), contract::lives(offering));
    let with_tls = offering.plans.iter().find(|plan| plan.tls == Mode::Optional);
    let renewal = with_tls
        .map(|plan| trial(format!("{name}::renews"), contract::renews(offering, &plan.name)));
    plan_trials.chain([life]).chain(renewal).chain(own(offering)).collect()
}

/// What only one of them promises, where it has no tests of an engine of its own.
fn own(offering: &'static Offering) -> Vec<Trial> {
    match offering.name.as_str() {
        "etcd" => etcd::trials(offering),
        "mosquitto" => mosquitto::trials(offering),
        _ => Vec::new(),
    }
}

fn trial(name: impl Into<String>, work: impl Future<Output = ()> + Send + 'static) -> Trial {
    Trial::test(name.into(), move || {
        Runtime::new().unwrap().block_on(work);
        Ok(())
    })
}
