//! Answers per second over 32 connections, held against a bare handler that answers the same.
//!
//! Both servers are processes of their own on the same runtime. The generator compares no more than
//! the length and the status, and shares the machine's cores with whichever server it asks. So it
//! takes more of them from the cheaper server; what that hides is told beside, as the servers' own
//! processor time per answer.

use std::time::Duration;

use anyhow::ensure;

use crate::bare::Bare;
use crate::broker::{Broker, cpu_seconds};
use crate::http::load;
use crate::platform::{Instance, Platform};
use crate::samples::Samples;
use crate::table::{Row, Table, Target};

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(1_500);

pub(crate) async fn measure(
    broker: &Broker,
    platform: &mut Platform,
    table: &mut Table,
) -> anyhow::Result<()> {
    compare(broker, platform, ("GET /v2/catalog", "/v2/catalog", 0.5), table).await?;
    let instance = Instance { id: "bench-polled".to_owned(), offering: "redis" };
    platform.provision(&instance, "bench").await?;
    let path = format!("/v2/service_instances/{}/last_operation", instance.id);
    compare(broker, platform, ("GET …/last_operation", &path, 1.0 / 3.0), table).await?;
    platform.deprovision(&instance).await?;
    Ok(())
}

async fn compare(
    broker: &Broker,
    platform: &mut Platform,
    (what, path, least): (&str, &str, f64),
    table: &mut Table,
) -> anyhow::Result<()> {
    let line = format!("GET {path}");
    let answer = platform.answer(&line, "").await?;
    ensure!(answer.status == 200, "{what} was answered {}", answer.status);
    let bare = Bare::start(path, &answer, &broker.scratch("answer"))?;
    let request = platform.request(&line, "");
    let servers = [(broker.address, broker.pid()), (bare.address, bare.pid())];
    let mut rates = [Samples::default(), Samples::default()];
    let mut costs = [Samples::default(), Samples::default()];
    for round in 0..=ROUNDS {
        for (index, (address, pid)) in servers.iter().enumerate() {
            let before = cpu_seconds(*pid)?;
            let rate = load(*address, &request, CONNECTIONS, ROUND).await?;
            // The first round warms up.
            if round > 0 {
                rates[index].add(rate);
                let used = cpu_seconds(*pid)? - before;
                costs[index].add(used * 1e6 / (rate * ROUND.as_secs_f64()));
            }
        }
    }
    let [ours, theirs] = rates.map(|rates| rates.median());
    let [our_cost, their_cost] = costs.map(|costs| costs.median());
    let told = |rate: f64, cost: f64| format!("{rate:.0}/s, {cost:.1} µs of cpu");
    table.add(Row {
        what: format!("{what}, {CONNECTIONS} connections ({ROUNDS}×, {} bytes)", answer.body.len()),
        ours: told(ours, our_cost),
        bare: told(theirs, their_cost),
        result: ours / theirs,
        unit: "",
        target: Target::AtLeast(least),
    });
    Ok(())
}
