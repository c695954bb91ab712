//! Who may ask (§Platform to Service Broker Authentication, requirements 14 and 15).

use std::fmt;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::answer;
use crate::id::PlatformName;
use crate::secret::Secret;

/// A platform's basic credentials.
#[derive(Clone, Debug)]
pub struct Platform {
    /// Which platform they prove.
    pub name: PlatformName,
    /// As configured at the platform.
    pub username: String,
    /// As configured at the platform.
    pub password: Secret,
}

/// Everyone who may ask.
pub struct Gate {
    /// Callers of `/v2`.
    pub platforms: Vec<Platform>,
    /// The bearer token of `/admin/v1`.
    pub admin_token: Secret,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("platforms", &self.platforms).finish_non_exhaustive()
    }
}

impl Gate {
    /// The platform whose basic credentials the request carries. All are compared, each in constant
    /// time.
    #[must_use]
    pub fn platform(&self, headers: &HeaderMap) -> Option<&PlatformName> {
        let encoded = credential(headers, "basic")?;
        let decoded = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        let mut found = None;
        for platform in &self.platforms {
            let user = Secret::from(platform.username.as_str()).matches(username);
            if platform.password.matches(password) & user {
                found = Some(&platform.name);
            }
        }
        found
    }

    /// Whether the request carries the administrators' token.
    #[must_use]
    pub fn administrator(&self, headers: &HeaderMap) -> bool {
        credential(headers, "bearer").is_some_and(|token| self.admin_token.matches(token))
    }
}

fn credential<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (given, credential) =
        headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| credential.trim())
}

/// 401, on every route (requirement 14).
pub(super) fn unauthorized(challenge: &'static str, description: &str) -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, challenge)];
    (challenge, answer::error(StatusCode::UNAUTHORIZED, description)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let platform = |name: &str, password: &str| Platform {
            name: name.into(),
            username: name.into(),
            password: password.into(),
        };
        Gate {
            platforms: vec![platform("cf", "a:b"), platform("k8s", "c")],
            admin_token: "token".into(),
        }
    }

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn basic_credentials_name_their_platform() {
        let basic = |text: &str| with(&format!("Basic {}", BASE64.encode(text)));
        assert_eq!(gate().platform(&basic("cf:a:b")).unwrap().as_str(), "cf");
        assert_eq!(gate().platform(&basic("k8s:c")).unwrap().as_str(), "k8s");
        for wrong in ["cf:c", "k8s:a:b", "cf:", ":", "", "cf"] {
            assert_eq!(gate().platform(&basic(wrong)), None, "{wrong}");
        }
        for wrong in ["Basic", "Basic !!!", "Bearer token", "basic"] {
            assert_eq!(gate().platform(&with(wrong)), None, "{wrong}");
        }
        assert_eq!(gate().platform(&HeaderMap::new()), None);
    }

    #[test]
    fn the_token_is_for_administrators_only() {
        assert!(gate().administrator(&with("bearer token")));
        assert!(!gate().administrator(&with("Bearer tokens")));
        assert!(!gate().administrator(&with("Basic token")));
    }
}
