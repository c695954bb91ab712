//! Images: had from the engine, from a registry, or built here from an offering's files.
//!
//! What is built here never carries the official name: `docker.io/library/redis:8.0` is built as
//! `banquet-local/redis:8.0`.

mod base;
mod build;
mod fetch;
mod pull;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bollard::models::ImageInspect;
use futures_util::future::join_all;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

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

/// How an offering's image is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// On the engine, from a registry.
    Pulled,
    /// On the engine under its own name, loaded or tagged by someone.
    Loaded,
    /// The one built here is on the engine.
    Built,
    /// Not on the engine.
    Missing,
}

impl Presence {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pulled => "pulled",
            Self::Loaded => "loaded",
            Self::Built => "built",
            Self::Missing => "missing",
        }
    }
}

/// An offering's image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Whose.
    pub offering: String,
    /// The official one.
    pub reference: String,
    /// Whether and how it is on the engine.
    pub presence: Presence,
    /// The engine's id of it.
    pub id: Option<String>,
    /// In bytes; 0 where it is missing.
    pub size_bytes: u64,
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

    /// How each offering's image (name, reference) is had.
    pub async fn list(&self, wanted: &[(String, String)]) -> Result<Vec<Listed>, Fault> {
        let each = wanted.iter().map(|(offering, reference)| async {
            let official = self.inspect(reference).await?;
            let presence = official.as_ref().map_or(Presence::Built, |image| {
                let from_registry = image.repo_digests.as_ref().is_some_and(|all| !all.is_empty());
                match () {
                    () if is_local(reference) => Presence::Built,
                    () if from_registry => Presence::Pulled,
                    () => Presence::Loaded,
                }
            });
            let image = match official {
                Some(image) => Some(image),
                None => self.inspect(&local_name(offering, reference)).await?,
            };
            let size = image.as_ref().and_then(|image| image.size).unwrap_or_default();
            Ok(Listed {
                offering: offering.clone(),
                reference: reference.clone(),
                presence: if image.is_some() { presence } else { Presence::Missing },
                id: image.and_then(|image| image.id),
                size_bytes: size.try_into().unwrap_or_default(),
            })
        });
        join_all(each).await.into_iter().collect()
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
    /// here.
    async fn present(&self, image: &Image) -> Result<Option<String>, Fault> {
        let local = image.build.as_ref().map(|offering| local_name(offering, &image.reference));
        let names = [image.resolved.clone(), Some(image.reference.clone()), local];
        for name in names.into_iter().flatten() {
            if let Some(found) = self.inspect(&name).await? {
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
