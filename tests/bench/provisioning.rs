//! How long an instance takes, held against the same container made by hand: the same settings,
//! the same files, the same question whether it is ready.

use crate::containers::{ByHand, Containers};
use crate::platform::{Instance, Platform};
use crate::samples::Samples;
use crate::table::{Row, Table, Target};

pub(crate) async fn measure(
    platform: &mut Platform,
    containers: &Containers,
    table: &mut Table,
) -> anyhow::Result<()> {
    compare(platform, containers, ("redis", 21, Target::AtMost(1.25)), table).await?;
    compare(platform, containers, ("postgresql", 5, Target::None), table).await?;
    first_of_tenants(platform, table).await
}

/// Both ways in turn, with the order changing, so that a machine that gets busier favours none.
async fn compare(
    platform: &mut Platform,
    containers: &Containers,
    (offering, rounds, target): (&'static str, usize, Target),
    table: &mut Table,
) -> anyhow::Result<()> {
    let model = Instance { id: format!("bench-model-{offering}"), offering };
    platform.provision(&model, "bench").await?;
    let by_hand = containers.like(&model).await?;
    let (mut ours, mut bare) = (Samples::default(), Samples::default());
    for round in 0..rounds {
        if round % 2 == 0 {
            ours.add_ms(one(platform, offering, "bench").await?);
            bare.add_ms(by_hand_once(containers, &by_hand).await?);
        } else {
            bare.add_ms(by_hand_once(containers, &by_hand).await?);
            ours.add_ms(one(platform, offering, "bench").await?);
        }
    }
    platform.deprovision(&model).await?;
    let told =
        |samples: &Samples| format!("median {:.0}, p90 {:.0} ms", samples.median(), samples.p90());
    table.add(Row {
        what: format!("provision {offering} ({rounds}×)"),
        ours: told(&ours),
        bare: told(&bare),
        result: ours.median() / bare.median(),
        unit: "",
        target,
    });
    Ok(())
}

/// A tenant's first instance also makes its network.
async fn first_of_tenants(platform: &mut Platform, table: &mut Table) -> anyhow::Result<()> {
    const ROUNDS: usize = 7;
    let mut ours = Samples::default();
    for round in 0..ROUNDS {
        ours.add_ms(one(platform, "redis", &format!("bench-{round}")).await?);
    }
    table.add(Row {
        what: format!("provision redis as a tenant's first ({ROUNDS}×)"),
        ours: format!("median {:.0}, p90 {:.0} ms", ours.median(), ours.p90()),
        bare: String::new(),
        result: ours.median(),
        unit: "ms",
        target: Target::None,
    });
    Ok(())
}

async fn one(
    platform: &mut Platform,
    offering: &'static str,
    organization: &str,
) -> anyhow::Result<std::time::Duration> {
    let instance = Instance { id: format!("bench-one-{offering}-{organization}"), offering };
    let took = platform.provision(&instance, organization).await?;
    platform.deprovision(&instance).await?;
    Ok(took)
}

async fn by_hand_once(
    containers: &Containers,
    by_hand: &ByHand,
) -> anyhow::Result<std::time::Duration> {
    let took = containers.make(by_hand).await;
    containers.remove(by_hand).await?;
    took
}
