//! Waiting for the end of what was begun, so that most answers need no polling.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use super::Broker;
use crate::id::OperationId;
use crate::model::{Kind, Operation, OperationState, Phase};
use crate::osb::Refusal;

/// Between two looks at the database: another broker on it may have done the work.
const LOOK: Duration = Duration::from_millis(500);

/// How an operation stood when the wait was over.
pub(super) enum Ended {
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed(Box<Operation>),
    /// It still runs.
    Not,
}

impl Broker {
    /// Waits for the end of an operation, at most `longest`.
    pub(super) async fn ended(
        &self,
        id: &OperationId,
        longest: Duration,
    ) -> Result<Ended, Refusal> {
        if longest.is_zero() {
            return Ok(Ended::Not);
        }
        let end = Instant::now() + longest;
        // Before looking, or an end between the look and the wait is missed.
        let mut bell = self.bell.listen();
        loop {
            match self.store.operation(id).await? {
                Some(operation) if operation.state == OperationState::Running => {}
                Some(operation) if operation.state == OperationState::Failed => {
                    return Ok(Ended::Failed(Box::new(operation)));
                }
                // An operation that is remembered no longer ended long ago.
                Some(_) | None => return Ok(Ended::Succeeded),
            }
            let look = end.min(Instant::now() + LOOK);
            next_end(&mut bell, id, look).await;
            if Instant::now() >= end {
                return Ok(Ended::Not);
            }
        }
    }

    /// The answer to who waited for something that failed. What was called off meanwhile was so by
    /// a later request on the same thing, or on the instance around it.
    pub(super) async fn failure(&self, failed: Operation) -> Refusal {
        let latest = tokio::try_join!(
            self.store.latest(failed.subject()),
            self.store.latest(failed.instance.as_str()),
        );
        let (own, around) = match latest {
            Ok(latest) => latest,
            Err(error) => return error.into(),
        };
        let leaves = around.is_none_or(|latest| latest.kind == Kind::Deprovision);
        if leaves || own.is_none_or(|latest| latest.id != failed.id) {
            return Refusal::Concurrency;
        }
        let update = failed.kind == Kind::Update;
        Refusal::Failed {
            description: failed.description,
            instance_usable: failed.instance_usable.filter(|_| update),
            update_repeatable: failed.update_repeatable.filter(|_| update),
        }
    }

    /// How long an answer may wait: where it may be 202, not long.
    pub(super) fn patience(&self, accepts_incomplete: bool) -> Duration {
        if accepts_incomplete { self.settings.inline_wait } else { self.settings.longest_wait }
    }

    /// What was asked for and did not end in time, by someone who cannot poll. What makes is called
    /// off and taken back; what removes goes on, and the same request again finds it.
    pub(super) async fn take_back(&self, id: &OperationId) -> Result<Refusal, Refusal> {
        let late = Refusal::Unavailable(
            "this took too long and is being taken back: try again later, or with \
             accepts_incomplete=true"
                .into(),
        );
        let goes_on = Refusal::Unavailable("this takes long and goes on: ask again later".into());
        let Some(operation) = self.store.operation(id).await? else { return Ok(late) };
        let mut decision = self.store.decide(&operation.instance).await?;
        let running = decision.running().await?;
        if !running.iter().any(|other| other.id == *id) {
            return Ok(late);
        }
        let undo = match operation.kind {
            Kind::Provision => Kind::Deprovision,
            Kind::Bind => Kind::Unbind,
            Kind::Update => Kind::Update,
            Kind::Deprovision | Kind::Unbind | Kind::Expire | Kind::Renew => return Ok(goes_on),
        };
        let mut back = self.operation(undo, &operation.instance, operation.binding.as_ref());
        if undo == Kind::Update {
            back.phase = Phase::Undo;
            "it took too long".clone_into(&mut back.description);
        }
        decision.call_off(id, "it took too long and was taken back", self.now()).await?;
        decision.begin(&back).await?;
        decision.commit().await?;
        self.bell.call_off(id);
        self.bell.ring();
        Ok(late)
    }
}

/// Returns when this operation ended, when some ends may have been missed, or at `look`.
async fn next_end(bell: &mut Receiver<OperationId>, id: &OperationId, look: Instant) {
    loop {
        match timeout_at(look, bell.recv()).await {
            Ok(Ok(ended)) if ended != *id => {}
            Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => return,
            // The bell hangs as long as the broker does; should it not, no hot loop.
            Ok(Err(RecvError::Closed)) => return tokio::time::sleep_until(look).await,
        }
    }
}
