//! One asked-for change, durable: a kind, its steps, a cursor, a lease.

use serde::{Deserialize, Serialize};

use super::{Object, Workload};
use crate::clock::Millis;
use crate::id::{BindingKey, InstanceKey, OperationId, PlanId};

/// A row of ours for something that a platform or an administrator asked for. It outlives its
/// subject: a finished operation is remembered for 72 hours (requirement 53).
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Also the `operation` token on the wire.
    pub id: OperationId,
    /// What is asked.
    pub kind: Kind,
    /// Of which instance.
    pub instance: InstanceKey,
    /// Of which binding, for bind and unbind.
    pub binding: Option<BindingKey>,
    /// What the instance is to become, for an update.
    pub target: Option<Target>,
    /// Whether it still runs.
    pub state: OperationState,
    /// Forward, or back after a fatal fault.
    pub phase: Phase,
    /// Index into the steps of its kind and phase.
    pub step: usize,
    /// How often the present step was begun.
    pub attempts: u32,
    /// Not before, in ms.
    pub run_after: Millis,
    /// When trying again ends, in ms; moves on while the container engine is away.
    pub deadline: Millis,
    /// For people: what is being done, or why it failed. Never empty once failed.
    pub description: String,
    /// After a failed update or deprovision: whether the instance can be used (requirement 21).
    pub instance_usable: Option<bool>,
    /// After a failed update: whether the same may be asked again (requirement 22).
    pub update_repeatable: Option<bool>,
    /// In ms.
    pub created_at: Millis,
    /// In ms, once ended.
    pub finished_at: Option<Millis>,
}

impl Operation {
    /// What "only one at a time" is about: the binding where there is one, else the instance.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.binding.as_ref().map_or(self.instance.as_str(), BindingKey::as_str)
    }

    /// The step at the cursor; none: past the last.
    #[must_use]
    pub fn current(&self) -> Option<Step> {
        self.kind.steps(self.phase).get(self.step).copied()
    }
}

/// What an update makes of its instance, decided when it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The plan then.
    pub plan_id: PlanId,
    /// The parameters then.
    pub parameters: Object,
    /// The context then.
    pub context: Object,
    /// The name then.
    pub name: String,
    /// The maintenance version then.
    pub maintenance_version: Option<String>,
    /// The workload then.
    pub workload: Workload,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Make an instance.
    Provision,
    /// Change an instance.
    Update,
    /// Remove an instance.
    Deprovision,
    /// Make a binding.
    Bind,
    /// Remove a binding.
    Unbind,
    /// Revoke a binding's credentials, whose time is over.
    Expire,
    /// Exchange an instance's certificate.
    Renew,
}

/// Which way an operation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Towards what was asked.
    Forward,
    /// Back to nothing, or to the last good state.
    Undo,
}

/// One idempotent piece of work: after a crash it is simply run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The image is on the engine.
    Image,
    /// The engine is told what is to come, and may refuse: a shrink below what is stored.
    Prepare,
    /// Network, volumes, files and containers are as the workload says.
    Ensure,
    /// The engine answers the admin at the address that apps are given.
    AwaitReady,
    /// Databases, groups and live settings are as the workload says.
    Bootstrap,
    /// The engine shows the certificate that its files hold.
    Renew,
    /// The binding's user exists and works.
    Grant,
    /// The binding's user is gone and its connections are cut.
    Revoke,
    /// Containers and volumes are gone; the tenant's network too if this was its last instance.
    Remove,
    /// The row goes, in the same transaction as the end of the operation.
    Forget,
}

/// Whether an operation still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationState {
    /// `in progress` on the wire.
    Running,
    /// `succeeded`.
    Succeeded,
    /// `failed`.
    Failed,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Provision,
        Self::Update,
        Self::Deprovision,
        Self::Bind,
        Self::Unbind,
        Self::Expire,
        Self::Renew,
    ];

    /// What is done, in order.
    #[must_use]
    pub const fn steps(self, phase: Phase) -> &'static [Step] {
        use Step::{
            AwaitReady, Bootstrap, Ensure, Forget, Grant, Image, Prepare, Remove, Renew, Revoke,
        };
        match (self, phase) {
            (Self::Provision, Phase::Forward) => &[Image, Ensure, AwaitReady, Bootstrap],
            (Self::Provision, Phase::Undo) => &[Remove],
            (Self::Update, Phase::Forward) => &[Image, Prepare, Ensure, AwaitReady, Bootstrap],
            (Self::Update, Phase::Undo) => &[Ensure, AwaitReady, Bootstrap],
            // Its files are written whatever the engine does; then it is told of them.
            (Self::Renew, _) => &[Ensure, Renew, AwaitReady, Bootstrap],
            (Self::Deprovision, _) => &[Remove, Forget],
            (Self::Bind, Phase::Forward) => &[Grant],
            (Self::Bind, Phase::Undo) | (Self::Expire, _) => &[Revoke],
            (Self::Unbind, _) => &[Revoke, Forget],
        }
    }

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Update => "update",
            Self::Deprovision => "deprovision",
            Self::Bind => "bind",
            Self::Unbind => "unbind",
            Self::Expire => "expire",
            Self::Renew => "renew",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Phase {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Undo => "undo",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Forward, Self::Undo].into_iter().find(|phase| phase.as_str() == text)
    }
}

impl Step {
    /// For logs and people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Prepare => "prepare",
            Self::Ensure => "ensure",
            Self::AwaitReady => "await ready",
            Self::Bootstrap => "bootstrap",
            Self::Renew => "renew",
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::Remove => "remove",
            Self::Forget => "forget",
        }
    }
}

impl OperationState {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed].into_iter().find(|s| s.as_str() == text)
    }
}
