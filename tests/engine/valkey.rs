//! Valkey: the contract, by the engine of Redis.

use crate::contract::contract;
use crate::live;
use crate::redis::{Image, Resp};

struct Valkey;

impl Image for Valkey {
    const NAME: &str = live::VALKEY;
}

contract!(Resp<Valkey>);
