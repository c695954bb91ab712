//! Every engine against the real thing: what [`banquet::engine::Engine`] promises, then what is
//! particular to each. Needs Docker and the images of `catalog/*/image`, named as in [`live`].

#![expect(clippy::unwrap_used, reason = "a test that can't go on stops")]

mod contract;
mod entered;
mod images;
mod kafka;
mod kafka_tls;
mod live;
mod mariadb;
mod mariadb_tls;
mod nats;
mod postgres;
#[path = "../support/programs.rs"]
mod programs;
mod rabbitmq;
mod rabbitmq_tls;
mod redis;
#[path = "../offerings/session.rs"]
mod session;
mod tls;
mod valkey;
