//! The parts of this machine that tests must not share: host ports and network ranges.

use std::net::TcpListener;

const FIRST_PORT: u16 = 23_000;
const PORTS: u16 = 50;
const GROUNDS: u16 = 40;

/// Ports and a network range that no other test uses, in this process or another.
pub(crate) struct Ground {
    first: u16,
    /// Holding its last port open is what claims a ground.
    _claim: TcpListener,
}

impl Ground {
    pub(crate) fn claim() -> Self {
        (0..GROUNDS)
            .map(|number| FIRST_PORT + number * PORTS)
            .find_map(|first| {
                let claim = TcpListener::bind(("127.0.0.1", first + PORTS - 1)).ok()?;
                Some(Self { first, _claim: claim })
            })
            .expect("fewer than 40 tests run at once")
    }

    /// The first port that instances are given.
    pub(crate) fn first_port(&self) -> u16 {
        self.first
    }

    /// For `BANQUET_PORTS`.
    pub(crate) fn ports(&self) -> String {
        format!("{}-{}", self.first, self.first + PORTS - 4)
    }

    /// For `BANQUET_LISTEN`, of the first and of a second broker: platforms know a broker by its
    /// address, so that stays the same from one start to the next.
    pub(crate) fn listen(&self, broker: u16) -> String {
        assert!(broker < 2);
        format!("127.0.0.1:{}", self.first + PORTS - 3 + broker)
    }

    /// For `BANQUET_SUBNETS`. Apart from the shipped default and from what the demo takes.
    pub(crate) fn subnets(&self) -> String {
        let number = (self.first - FIRST_PORT) / PORTS;
        format!("10.{}.{}.0/20", 216 + number / 16, number % 16 * 16)
    }
}
