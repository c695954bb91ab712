//! What a path names, whatever platforms and administrators call their things.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::osb::Refusal;

/// The path's parameters, decoded. What is not percent-encoded UTF-8 is refused as everything else
/// is: axum's own refusal would not be JSON.
pub(super) struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0))
            .map_err(|_| Refusal::Invalid("the path is not valid percent-encoded UTF-8".into()))
    }
}
