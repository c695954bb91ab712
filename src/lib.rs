//! Banquet, a middleware-as-a-service broker: platforms call it over the Open Service Broker API
//! 2.17 to get message queues, caches and databases from a catalog.

pub mod app;
pub mod backend;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod id;
pub mod model;
pub mod secret;
pub mod store;
pub mod view;
