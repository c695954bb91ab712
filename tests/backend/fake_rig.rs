//! The fake engine under the contract.

use async_trait::async_trait;
use banquet::backend::fake::{Fake, FakeContainer};
use banquet::backend::{Backend, Place};
use banquet::model::workload::{Image, Resources};

use crate::rig::Rig;

pub(crate) struct FakeRig(Fake);

impl FakeRig {
    fn container(&self, place: &Place) -> Option<FakeContainer> {
        let ours =
            |one: &FakeContainer| one.instance == place.instance && one.wanted.role == "server";
        self.0.containers().into_iter().find(ours)
    }
}

#[async_trait]
impl Rig for FakeRig {
    async fn up() -> Self {
        Self(Fake::new())
    }

    fn backend(&self) -> &dyn Backend {
        &self.0
    }

    fn image(&self) -> Image {
        Image { reference: "banquet.test/x:1".to_owned(), build: None, resolved: None }
    }

    fn unreachable(&self) -> Box<dyn Backend> {
        let fake = Fake::new();
        fake.set_reachable(false);
        Box::new(fake)
    }

    async fn id(&self, place: &Place) -> Option<String> {
        self.container(place).map(|container| container.id.to_string())
    }

    async fn starts(&self, place: &Place) -> usize {
        let volumes = self.0.volumes();
        let data = volumes.iter().find(|one| one.instance == place.instance && one.name == "data");
        data.map_or(0, |volume| volume.starts)
    }

    async fn file(&self, place: &Place, path: &str) -> Option<String> {
        let volumes = self.0.volumes().into_iter().filter(|one| one.instance == place.instance);
        let mut files = volumes.filter_map(|volume| volume.files.get(path).cloned());
        files.next().map(|content| content.expose().to_owned())
    }

    async fn limits(&self, place: &Place) -> Resources {
        self.container(place).unwrap().wanted.resources
    }

    async fn end(&self, place: &Place) {
        self.0.end(&place.instance, "it ended");
    }

    async fn lose_container(&self, place: &Place) {
        self.0.lose_containers(&place.instance);
    }

    async fn take_port(&self, port: u16) {
        self.0.take_port(port);
    }
}
