//! What every offering of the carried catalog must do, through the real binary and a platform's
//! requests, for an app that has nothing but its credentials. The offerings are listed by the
//! catalog itself: none can be added without passing.
//!
//! Needs what `tests/live` needs; a client for each type of credentials is in
//! `tests/clients/python/sessions`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the tests of one broker need more of it")]
#[path = "../live/broker.rs"]
mod broker;
mod contract;
mod etcd;
#[expect(dead_code, reason = "the tests of one broker need more of it")]
#[path = "../live/ground.rs"]
mod ground;
#[expect(dead_code, reason = "the tests of one broker need more of it")]
#[path = "../live/osb.rs"]
mod osb;
#[path = "../support/programs.rs"]
mod programs;
mod session;
#[expect(dead_code, reason = "the tests of one broker need more of it")]
#[path = "../live/things.rs"]
mod things;

use banquet::catalog::{Catalog, Files, Offering};
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

fn main() {
    let engines = banquet::engine::engines();
    let names: Vec<&str> = engines.keys().map(String::as_str).collect();
    let catalog = Catalog::load(Files::shipped(), &names).unwrap();
    let trials = catalog.offerings.iter().flat_map(trials).chain(etcd::trials()).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// One life with everything in it, and a short one on each plan.
fn trials(offering: &Offering) -> Vec<Trial> {
    let name: &'static str = offering.name.clone().leak();
    let plans: Vec<&'static str> =
        offering.plans.iter().map(|plan| &*plan.name.clone().leak()).collect();
    let plan_trials = plans
        .clone()
        .into_iter()
        .map(|plan| trial(format!("{name}::works_on_{plan}"), contract::works_on(name, plan)));
    let life = trial(format!("{name}::lives"), contract::lives(name, plans.clone()));
    plan_trials.chain([life]).collect()
}

fn trial(name: String, work: impl Future<Output = ()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        Runtime::new().unwrap().block_on(work);
        Ok(())
    })
}
