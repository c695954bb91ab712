//! The stand-in images keep the official ones' contracts.

use std::time::Duration;

use banquet::engine::postgres::Postgres;

use crate::contract::Product;
use crate::postgres::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_of_postgresql_that_was_interrupted_begins_anew() {
    for delay_ms in [150, 500, 900] {
        let live = Server::create();
        live.container.start();
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        live.container.kill();
        live.container.start();
        live.until_ready(&Postgres).await;
    }
}
