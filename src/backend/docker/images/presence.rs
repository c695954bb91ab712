//! Which images are on the engine, and how they came.

use std::collections::HashMap;

use bollard::models::ImageInspect;
use futures_util::future::join_all;

use super::{Images, is_local, local_name};
use crate::model::Fault;
use crate::model::fetch::Makings;

/// Says whose an image is that was built here.
const OFFERING: &str = "banquet.image";

/// Says what it was built from.
const MAKINGS: &str = "banquet.image.makings";

/// How an offering's image is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// On the engine, from a registry.
    Pulled,
    /// On the engine under its own name, loaded or tagged by someone.
    Loaded,
    /// The one built here is on the engine.
    Built,
    /// The one built here is on the engine, and was built from what is another by now.
    Outdated,
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
            Self::Outdated => "outdated",
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

/// What an image that is built here carries.
pub(super) fn labels(offering: &str, makings: &Makings) -> HashMap<String, String> {
    [(OFFERING, offering.to_owned()), (MAKINGS, makings.fingerprint())]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

impl Images {
    /// How each offering's image (name, reference) is had.
    pub async fn list(&self, wanted: &[(String, String)]) -> Result<Vec<Listed>, Fault> {
        let each = wanted.iter().map(|(offering, reference)| async move {
            let official = self.inspect(reference).await?;
            let presence = official.as_ref().map_or(Presence::Built, |image| {
                let from_registry = image.repo_digests.as_ref().is_some_and(|all| !all.is_empty());
                match () {
                    () if is_local(reference) => Presence::Built,
                    () if from_registry => Presence::Pulled,
                    () => Presence::Loaded,
                }
            });
            let local = local_name(offering, reference);
            let (image, name) = match official {
                Some(image) => (Some(image), reference),
                None => (self.inspect(&local).await?, &local),
            };
            let presence = match &image {
                None => Presence::Missing,
                Some(image) if self.is_outdated(name, image, offering) => Presence::Outdated,
                Some(_) => presence,
            };
            let size = image.as_ref().and_then(|image| image.size).unwrap_or_default();
            Ok(Listed {
                offering: offering.clone(),
                reference: reference.clone(),
                presence,
                id: image.and_then(|image| image.id),
                size_bytes: size.try_into().unwrap_or_default(),
            })
        });
        join_all(each).await.into_iter().collect()
    }

    /// Whether an image of this name was built from other files than those that its offering has
    /// now, or nobody knows from which.
    pub(super) fn is_outdated(&self, name: &str, image: &ImageInspect, offering: &str) -> bool {
        let labels = image.config.as_ref().and_then(|config| config.labels.as_ref());
        let from = labels.and_then(|labels| labels.get(MAKINGS));
        let makings = (self.makings)(offering).filter(|_| is_local(name));
        makings.is_some_and(|makings| from != Some(&makings.fingerprint()))
    }
}
