//! Holds the broker against what the same work costs without it: `cargo bench`.
//!
//! Everything is measured within one run and told as a ratio or against a target; nothing fails
//! for being slow, because a busy machine is no mistake in the program. Some parts only:
//! `cargo bench -- serving rest`. Needs Docker; talks to loopback alone and removes what it made.

mod bare;
mod binding;
mod broker;
mod containers;
mod http;
mod platform;
mod provisioning;
mod rest;
mod samples;
mod serving;
mod table;

use broker::{Broker, House};
use containers::Containers;
use platform::Platform;
use table::Table;

/// A part by its name on the command line.
const PARTS: [&str; 4] = ["rest", "serving", "binding", "provisioning"];

fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("bare", rest)) = arguments.split_first().map(|(first, rest)| (&**first, rest)) {
        return bare::serve(rest);
    }
    let benching = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| !argument.starts_with("--"));
    if !benching {
        println!("this measures, and measures releases only: run `cargo bench`");
        return Ok(());
    }
    if let Some(unknown) = arguments.iter().find(|part| !PARTS.contains(&part.as_str())) {
        anyhow::bail!("there is no part `{unknown}`; there are: {}", PARTS.join(", "));
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(&arguments))
}

async fn run(parts: &[String]) -> anyhow::Result<()> {
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let house = House::new()?;
    let mut table = Table::default();
    if wanted("rest") {
        rest::measure(&house, &mut table).await?;
    }
    let broker = Broker::start(&house).await?;
    let containers = Containers::connect(&broker).await?;
    let measured = tokio::select! {
        measured = with_broker(&broker, &containers, &wanted, &mut table) => measured,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    broker.stop().await?;
    containers.remove_all().await?;
    println!("{table}");
    measured
}

async fn with_broker(
    broker: &Broker,
    containers: &Containers,
    wanted: &dyn Fn(&str) -> bool,
    table: &mut Table,
) -> anyhow::Result<()> {
    let mut platform = Platform::connect(broker).await?;
    if wanted("serving") {
        serving::measure(broker, &mut platform, table).await?;
    }
    if wanted("binding") {
        binding::measure(&mut platform, table).await?;
    }
    if wanted("provisioning") {
        provisioning::measure(&mut platform, containers, table).await?;
    }
    table.note(format!("resident memory at the end: {:.1} MB", broker.resident_mb()?));
    Ok(())
}
