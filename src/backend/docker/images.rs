//! Images: had from the engine, from a registry, or built here from an offering's files.
//!
//! What is built here never carries the official name: `docker.io/library/redis:8.0` is built as
//! `banquet-local/redis:8.0`.

mod base;
mod build;
mod fetch;
mod presence;
mod pull;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bollard::models::ImageInspect;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

pub use self::presence::{Listed, Presence};
use super::connection::Connection;
use crate::model::fetch::Makings;
use crate::model::workload::Image;
use crate::model::{Fault, Progress};

/// An offering's name → what its image is built from.
pub type MakingsOf = Arc<dyn Fn(&str) -> Option<Makings> + Send + Sync>;

/// Before the names of images that are made here.
const LOCAL: &str = "banquet-local/";

/// Which ways to an image are allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub(super) pull: bool,
    pub(super) build: bool,
}

/// The images of an engine.
pub struct Images {
    connection: Arc<Connection>,
    ways: Ways,
    makings: MakingsOf,
    /// See [`super::Settings::maven`].
    maven: String,
    /// Registries that could not be reached, until when not to try again, and why.
    out_of_reach: Mutex<HashMap<String, (Instant, String)>>,
    /// One at a time works on an image; the others wait and find it there.
    making: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
}

impl Images {
    pub(super) fn new(
        connection: Arc<Connection>,
        ways: Ways,
        makings: MakingsOf,
        maven: String,
    ) -> Self {
        let (out_of_reach, making) = (Mutex::default(), Mutex::default());
        Self { connection, ways, makings, maven, out_of_reach, making }
    }

    /// See [`crate::backend::Backend::image`].
    pub(super) async fn acquire(
        &self,
        image: &Image,
        progress: &Progress,
    ) -> Result<String, Fault> {
        if let Some(id) = self.present(image).await? {
            return Ok(id);
        }
        let _alone = self.alone(&image.reference, progress).await?;
        // Whoever was before us may have brought it.
        if let Some(id) = self.present(image).await? {
            return Ok(id);
        }
        let reason = if is_local(&image.reference) {
            "it is built here and in no registry".to_owned()
        } else {
            match self.try_pull(&image.reference, progress).await? {
                Ok(id) => return Ok(id),
                Err(reason) => reason,
            }
        };
        let offering = image.build.as_deref();
        match offering.and_then(|offering| Some((offering, (self.makings)(offering)?))) {
            Some((offering, makings)) if self.ways.build => {
                progress.say(format!("building image {offering}"));
                self.build_alone(offering, &image.reference, &makings, progress).await
            }
            buildable => {
                Err(unavailable(&image.reference, &reason, buildable.map(|(name, _)| name)))
            }
        }
    }

    /// The image if it is on the engine: the one that ran before, the official one, the one built
    /// here, unless it can be built anew from what is another by now.
    async fn present(&self, image: &Image) -> Result<Option<String>, Fault> {
        let local = image.build.as_ref().map(|offering| local_name(offering, &image.reference));
        let names = [image.resolved.clone(), Some(image.reference.clone()), local];
        for name in names.into_iter().flatten() {
            let Some(found) = self.inspect(&name).await? else { continue };
            let ran_before = image.resolved.as_ref() == Some(&name);
            let of_another = || match &image.build {
                Some(offering) => self.ways.build && self.is_outdated(&name, &found, offering),
                None => false,
            };
            if ran_before || !of_another() {
                return Ok(found.id);
            }
        }
        Ok(None)
    }

    async fn inspect(&self, name: &str) -> Result<Option<ImageInspect>, Fault> {
        let engine = self.connection.engine().await?;
        let inspection = engine.inspect_image(name);
        self.connection.ask_for(&format!("look for the image {name}"), inspection).await
    }

    /// The id of an image that was just made.
    async fn id_of(&self, name: &str) -> Result<String, Fault> {
        let id = self.inspect(name).await?.and_then(|image| image.id);
        id.ok_or_else(|| Fault::retry(format!("the image {name} vanished as soon as it was there")))
    }

    /// Waits for whoever works on the same image.
    async fn alone(
        &self,
        name: &str,
        progress: &Progress,
    ) -> Result<tokio::sync::OwnedMutexGuard<()>, Fault> {
        let lock = {
            let mut making = self.making.lock().expect("nothing panics while it is held");
            Arc::clone(making.entry(name.to_owned()).or_default())
        };
        if let Ok(guard) = Arc::clone(&lock).try_lock_owned() {
            return Ok(guard);
        }
        progress.say(format!("waiting for the image {name}, which is being fetched or built"));
        tokio::select! {
            guard = lock.lock_owned() => Ok(guard),
            () = progress.cancel.cancelled() => Err(Fault::cancelled()),
        }
    }
}

fn unavailable(reference: &str, reason: &str, offering: Option<&str>) -> Fault {
    Fault::fatal(match offering {
        Some(offering) => format!(
            "the image {reference} could not be pulled ({reason}), and building it is not allowed \
             by the settings; an administrator can have it built: banquet images build {offering}"
        ),
        None => format!(
            "the image {reference} could not be pulled ({reason}), and there is nothing to build \
             it from; an administrator can bring it to the container engine: docker load"
        ),
    })
}

/// Whether a reference names an image that is made here and in no registry.
fn is_local(reference: &str) -> bool {
    reference.starts_with(LOCAL)
}

/// What an offering's image is called when it is built here.
#[must_use]
pub fn local_name(offering: &str, reference: &str) -> String {
    format!("{LOCAL}{offering}:{}", tag(reference).unwrap_or("latest"))
}

/// The tag of a reference: what follows the last colon, unless that belongs to a port.
fn tag(reference: &str) -> Option<&str> {
    let name = reference.split('@').next().unwrap_or(reference);
    let (_, tag) = name.rsplit_once(':')?;
    (!tag.contains('/')).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_image_has_the_tag_and_never_the_name() {
        for (reference, name) in [
            ("docker.io/library/redis:8.0", "banquet-local/redis:8.0"),
            ("redis", "banquet-local/redis:latest"),
            ("localhost:5000/redis", "banquet-local/redis:latest"),
            ("localhost:5000/redis:7@sha256:00ff", "banquet-local/redis:7"),
        ] {
            assert_eq!(local_name("redis", reference), name);
        }
    }

    #[test]
    fn what_can_not_be_had_says_what_to_do() {
        let fault = unavailable("redis:8.0", "no such host", Some("redis"));
        assert!(fault.message.contains("no such host"));
        assert!(fault.message.contains("banquet images build redis"));
    }
}
