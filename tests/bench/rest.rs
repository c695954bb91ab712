//! How soon it serves, and what it takes while nobody asks.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::broker::{Broker, House};
use crate::platform::Platform;
use crate::samples::Samples;
use crate::table::{Row, Table, Target};

const ROUNDS: usize = 15;
/// Until it has done what it does after a start.
const SETTLE: Duration = Duration::from_secs(4);

pub(crate) async fn measure(house: &House, table: &mut Table) -> anyhow::Result<()> {
    // The first start makes the database.
    Broker::start(house).await?.stop().await?;
    let (mut healthy, mut serving) = (Samples::default(), Samples::default());
    let mut resident = Samples::default();
    for round in 0..ROUNDS {
        let began = Instant::now();
        let broker = Broker::start(house).await?;
        healthy.add_ms(broker.healthy_after);
        Platform::connect(&broker).await?;
        serving.add_ms(began.elapsed());
        if round % 5 == 4 {
            sleep(SETTLE).await;
            resident.add(broker.resident_mb()?);
        }
        broker.stop().await?;
    }
    for (what, samples, unit, most) in [
        ("start until /healthz is 200", &healthy, "ms", 150.0),
        ("start until /v2/catalog is 200", &serving, "ms", 150.0),
        ("resident memory at rest", &resident, "MB", 30.0),
    ] {
        table.add(Row {
            what: format!("{what} ({}×)", samples.count()),
            ours: format!("median {:.1}, p90 {:.1} {unit}", samples.median(), samples.p90()),
            bare: String::new(),
            result: samples.median(),
            unit,
            target: Target::AtMost(most),
        });
    }
    Ok(())
}
