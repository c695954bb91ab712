//! Answers per second over 32 connections, held against bare handlers that answer the same.
//!
//! All servers are processes of their own on the same runtime. The generator compares no more than
//! the length and the status, and shares the machine's cores with whichever server it asks. So it
//! takes more of them from the cheaper server; what that hides is told beside, as the servers' own
//! processor time per answer.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;

use crate::bare::Bare;
use crate::broker::{Broker, cpu_seconds};
use crate::http::load;
use crate::platform::{Instance, Platform};
use crate::samples::Samples;
use crate::table::{Row, Table, Target};

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1_200);

pub(crate) async fn measure(
    broker: &Broker,
    platform: &mut Platform,
    table: &mut Table,
) -> anyhow::Result<()> {
    let instance = Instance { id: "bench-polled".to_owned(), offering: "redis" };
    platform.provision(&instance, "bench").await?;
    let path = format!("/v2/service_instances/{}/last_operation", instance.id);
    let (mut catalog, bare_catalog) = pair(broker, platform, "/v2/catalog").await?;
    let (mut poll, bare_poll) = pair(broker, platform, &path).await?;
    let [mut with_catalog, mut with_poll] = [&bare_catalog, &bare_poll]
        .map(|bare| Contender::new(bare.address, bare.pid(), catalog.request.clone()));
    with_poll.request.clone_from(&poll.request);
    // The first round warms up.
    for round in 0..=ROUNDS {
        for one in [&mut catalog, &mut with_catalog, &mut poll, &mut with_poll] {
            one.run(round > 0).await?;
        }
    }
    platform.deprovision(&instance).await?;
    let least = Target::AtLeast(1.0 / 3.0);
    for (what, ours, bare, target) in [
        ("GET /v2/catalog", &catalog, &with_catalog, Target::AtLeast(0.5)),
        ("GET …/last_operation against the same handler", &poll, &with_catalog, least),
        ("GET …/last_operation against one with its few bytes", &poll, &with_poll, Target::None),
    ] {
        table.add(Row {
            what: format!("{what} ({ROUNDS}×)"),
            ours: ours.told(),
            bare: bare.told(),
            result: ours.rate.median() / bare.rate.median(),
            unit: "",
            target,
        });
    }
    Ok(())
}

/// The broker at a path, and a bare server of what it answers there.
async fn pair(
    broker: &Broker,
    platform: &mut Platform,
    path: &str,
) -> anyhow::Result<(Contender, Bare)> {
    let line = format!("GET {path}");
    let answer = platform.answer(&line, "").await?;
    ensure!(answer.status == 200, "{path} was answered {}", answer.status);
    let bare = Bare::start(path, &answer, &broker.scratch("answer")).await?;
    Ok((Contender::new(broker.address, broker.pid(), platform.request(&line, "")), bare))
}

/// A server and what it is asked.
struct Contender {
    address: SocketAddr,
    pid: Option<u32>,
    request: Vec<u8>,
    /// Answers per second.
    rate: Samples,
    /// Processor time per answer, in µs.
    cost: Samples,
}

impl Contender {
    fn new(address: SocketAddr, pid: Option<u32>, request: Vec<u8>) -> Self {
        Self { address, pid, request, rate: Samples::default(), cost: Samples::default() }
    }

    async fn run(&mut self, counts: bool) -> anyhow::Result<()> {
        let before = cpu_seconds(self.pid)?;
        let rate = load(self.address, &self.request, CONNECTIONS, ROUND).await?;
        if counts {
            let used = cpu_seconds(self.pid)? - before;
            self.rate.add(rate);
            self.cost.add(used * 1e6 / (rate * ROUND.as_secs_f64()));
        }
        Ok(())
    }

    fn told(&self) -> String {
        format!("{:.0}/s, {:.0} µs of cpu each", self.rate.median(), self.cost.median())
    }
}
