//! What every backend must do (`contract`), on the fake engine and on Docker, and what each of
//! them does beyond that.

#![expect(clippy::unwrap_used, reason = "a test that can't go on stops")]

mod contract;
mod docker;
mod docker_rig;
mod fake;
mod fake_rig;
mod images;
mod inside;
mod proxy;
mod rig;
mod tls;

contract::suite!(on_docker, crate::docker_rig::DockerRig);
contract::suite!(on_fake, crate::fake_rig::FakeRig);
