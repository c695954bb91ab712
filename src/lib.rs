//! Banquet, a middleware-as-a-service broker: platforms call it over the Open Service Broker API
//! 2.17 to get message queues, caches and databases from a catalog.

#![warn(unreachable_pub)]

pub mod app;
pub mod authority;
pub mod backend;
pub mod broker;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod http;
pub mod id;
pub mod lifecycle;
pub mod model;
pub mod osb;
pub mod secret;
pub mod store;
pub mod tasks;
pub mod view;
