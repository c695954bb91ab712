//! A service binding.

use super::Object;
use crate::clock::Millis;
use crate::id::{BindingId, BindingKey, InstanceKey, OfferingId, PlanId};
use crate::secret::Secret;

/// A row of ours for a binding: a user of its own inside the instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Derived from the instance's key and `id`.
    pub key: BindingKey,
    /// Its instance.
    pub instance: InstanceKey,
    /// As the platform sent it.
    pub id: BindingId,
    /// As sent.
    pub offering_id: OfferingId,
    /// As sent.
    pub plan_id: PlanId,
    /// `bind_resource.app_guid` or `app_guid`; empty counts as absent.
    pub app_guid: Option<String>,
    /// As sent, without defaults.
    pub parameters: Object,
    /// As sent.
    pub context: Object,
    /// The user inside the instance: letters and digits, derived from the key.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// The binding that it takes over from, for a rotation (§Binding Rotation).
    pub predecessor: Option<BindingId>,
    /// When its credentials end, in ms; never, if none.
    pub expires_at: Option<Millis>,
    /// By when a platform should have replaced it, in ms; not after `expires_at`.
    pub renew_before: Option<Millis>,
    /// Where it stands.
    pub state: BindingState,
    /// In ms.
    pub created_at: Millis,
}

/// Where a binding stands, apart from what is running on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingState {
    /// Asked for and not yet there.
    Creating,
    /// Its credentials work.
    Ready,
    /// It could not be made; nothing but this row is left.
    Failed,
    /// Its time was over: its credentials are revoked, and the platform has yet to unbind it.
    Expired,
}

impl BindingState {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Creating, Self::Ready, Self::Failed, Self::Expired];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

impl Binding {
    /// `b` and the key's 16 digits: 17 characters, within every engine's limit.
    #[must_use]
    pub fn user_for(key: &BindingKey) -> String {
        format!("b{key}")
    }
}
