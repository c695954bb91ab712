//! How long a binding takes, as a platform sees it.

use std::time::Duration;

use tokio::time::sleep;

use crate::platform::{Instance, Platform};
use crate::samples::Samples;
use crate::table::{Row, Table, Target};

const ROUNDS: usize = 40;
/// Sockets, memory and statements are made at the first ones.
const WARM_UP: usize = 3;
/// Between two rounds. Without, the plan's share of a processor is used up by them, and what is
/// measured is how long the kernel holds its containers back.
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) async fn measure(platform: &mut Platform, table: &mut Table) -> anyhow::Result<()> {
    for offering in ["redis", "postgresql"] {
        let instance = Instance { id: format!("bench-bound-{offering}"), offering };
        platform.provision(&instance, "bench").await?;
        let (mut binds, mut unbinds) = (Samples::default(), Samples::default());
        for round in 0..ROUNDS + WARM_UP {
            let binding = format!("binding-{round}");
            sleep(PAUSE).await;
            let bound = platform.bind(&instance, &binding).await?;
            sleep(PAUSE).await;
            let unbound = platform.unbind(&instance, &binding).await?;
            if round >= WARM_UP {
                binds.add_ms(bound);
                unbinds.add_ms(unbound);
            }
        }
        platform.deprovision(&instance).await?;
        for (what, samples, target) in
            [("bind", binds, Target::AtMost(25.0)), ("unbind", unbinds, Target::None)]
        {
            table.add(Row {
                what: format!("{what} {offering} ({ROUNDS}×)"),
                ours: format!("median {:.1}, p90 {:.1} ms", samples.median(), samples.p90()),
                bare: String::new(),
                result: samples.median(),
                unit: "ms",
                target,
            });
        }
    }
    Ok(())
}
