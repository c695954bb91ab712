//! (operation, outcome, now) → operation: the only place that moves one. Pure.

use crate::clock::Millis;
use crate::model::{Fault, FaultKind, Kind, Operation, OperationState, Phase, Step};

/// The longest wait between two tries of a step that goes forward, in ms.
const FORWARD_PAUSE: Millis = 2_000;
/// The longest wait between two tries of a removal, in ms: it is tried for ever.
const REMOVAL_PAUSE: Millis = 60_000;
/// The first wait, in ms; each further one is twice as long.
const FIRST_PAUSE: Millis = 100;

/// What came of a step.
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It is not.
    Fault(Fault),
}

/// How long a step may be tried before that counts as fatal, in ms.
#[must_use]
pub const fn patience(step: Step) -> Millis {
    match step {
        // Pulls over slow lines and local builds take minutes.
        Step::Image => 30 * 60_000,
        Step::Ensure | Step::AwaitReady => 5 * 60_000,
        Step::Prepare | Step::Bootstrap | Step::Renew | Step::Grant => 2 * 60_000,
        // Never given up: see `fatal`.
        Step::Revoke | Step::Remove | Step::Forget => Millis::MAX / 2,
    }
}

/// The operation after an attempt at its current step.
#[must_use]
pub fn advance(operation: &Operation, outcome: &Outcome, now: Millis) -> Operation {
    let mut next = operation.clone();
    match outcome {
        Outcome::Done => forward(&mut next, now),
        Outcome::Fault(fault) => match fault.kind {
            FaultKind::Cancelled => next.attempts = next.attempts.saturating_sub(1),
            FaultKind::Unreachable => {
                let pause = pause(&next);
                next.run_after = now + pause;
                next.deadline = next.deadline.saturating_add(pause);
                keep(&mut next, &fault.message);
            }
            FaultKind::Retry | FaultKind::PortTaken(_) if now < next.deadline => {
                next.run_after = now + pause(&next);
                keep(&mut next, &fault.message);
            }
            FaultKind::Retry | FaultKind::PortTaken(_) | FaultKind::Fatal => {
                fatal(&mut next, &fault.message, now);
            }
        },
    }
    next
}

fn forward(next: &mut Operation, now: Millis) {
    next.step += 1;
    next.attempts = 0;
    next.run_after = now;
    match next.current() {
        Some(step) => next.deadline = now.saturating_add(patience(step)),
        None => end(next, now),
    }
}

fn end(next: &mut Operation, now: Millis) {
    match next.phase {
        Phase::Forward => {
            next.state = OperationState::Succeeded;
            next.finished_at = Some(now);
            next.description.clear();
        }
        Phase::Undo => fail(next, true, now),
    }
}

/// Ends what was taken back. `usable`: an instance that was to be changed is as it was before.
fn fail(next: &mut Operation, usable: bool, now: Millis) {
    next.state = OperationState::Failed;
    next.finished_at = Some(now);
    if next.kind == Kind::Update {
        next.instance_usable = Some(usable);
        next.update_repeatable = Some(true);
    }
}

/// A fatal fault turns what goes forward back. What removes goes on for ever, ever more slowly, so
/// that nothing is left behind in silence. A change that can't be taken back either ends, so that
/// its instance can be changed again or deleted.
fn fatal(next: &mut Operation, reason: &str, now: Millis) {
    match (next.kind, next.phase) {
        (Kind::Provision | Kind::Update | Kind::Renew | Kind::Bind, Phase::Forward) => {
            next.phase = Phase::Undo;
            next.step = 0;
            next.attempts = 0;
            next.run_after = now;
            next.deadline = now.saturating_add(next.current().map_or(0, patience));
            reason.clone_into(&mut next.description);
        }
        (Kind::Update | Kind::Renew, Phase::Undo) => {
            let both = format!("{}; and it could not be taken back: {reason}", next.description);
            next.description = both;
            fail(next, false, now);
        }
        (Kind::Provision | Kind::Bind, Phase::Undo)
        | (Kind::Deprovision | Kind::Unbind | Kind::Expire, _) => {
            next.run_after = now + pause(next);
            keep(next, reason);
        }
    }
}

/// While something is taken back its description stays the reason why.
fn keep(next: &mut Operation, message: &str) {
    if next.phase == Phase::Forward {
        message.clone_into(&mut next.description);
    }
}

fn pause(operation: &Operation) -> Millis {
    let removes =
        matches!(operation.current(), Some(Step::Remove | Step::Revoke | Step::Forget) | None);
    let longest = if removes { REMOVAL_PAUSE } else { FORWARD_PAUSE };
    let doublings = operation.attempts.saturating_sub(1).min(16);
    (FIRST_PAUSE << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_000_000;

    fn operation(kind: Kind, phase: Phase, step: usize) -> Operation {
        Operation {
            id: "op-1".into(),
            kind,
            instance: "i".into(),
            binding: None,
            target: None,
            state: OperationState::Running,
            phase,
            step,
            attempts: 1,
            run_after: 0,
            deadline: NOW + 10_000,
            description: String::new(),
            instance_usable: None,
            update_repeatable: None,
            created_at: 0,
            finished_at: None,
        }
    }

    #[test]
    fn done_walks_every_step_of_every_kind_to_the_end() {
        for kind in Kind::ALL {
            for (phase, last) in
                [(Phase::Forward, OperationState::Succeeded), (Phase::Undo, OperationState::Failed)]
            {
                let mut op = operation(kind, phase, 0);
                for _ in kind.steps(phase) {
                    assert_eq!(op.state, OperationState::Running);
                    op = advance(&op, &Outcome::Done, NOW);
                }
                assert_eq!((op.state, op.finished_at), (last, Some(NOW)), "{kind:?} {phase:?}");
            }
        }
    }

    #[test]
    fn a_fatal_fault_takes_back_what_makes_and_never_ends_what_removes() {
        for kind in Kind::ALL {
            let fault = Outcome::Fault(Fault::fatal("no"));
            let next = advance(&operation(kind, Phase::Forward, 0), &fault, NOW);
            assert_eq!(next.state, OperationState::Running);
            assert_eq!(next.description, "no");
            let removes = matches!(kind, Kind::Deprovision | Kind::Unbind | Kind::Expire);
            assert_eq!(next.phase, if removes { Phase::Forward } else { Phase::Undo }, "{kind:?}");
            assert_eq!(next.step, 0);
            assert_eq!(next.run_after > NOW, removes);
        }
    }

    #[test]
    fn the_reason_survives_what_goes_wrong_while_taking_back() {
        let mut op = operation(Kind::Provision, Phase::Forward, 1);
        op = advance(&op, &Outcome::Fault(Fault::fatal("no image")), NOW);
        op = advance(&op, &Outcome::Fault(Fault::unreachable("engine away")), NOW);
        op = advance(&op, &Outcome::Fault(Fault::fatal("stuck volume")), NOW);
        op = advance(&op, &Outcome::Done, NOW);
        assert_eq!((op.state, op.description.as_str()), (OperationState::Failed, "no image"));
    }

    #[test]
    fn trying_again_ends_at_the_deadline_but_not_while_the_engine_is_away() {
        let op = operation(Kind::Provision, Phase::Forward, 1);
        let retry = Outcome::Fault(Fault::retry("not yet"));
        assert_eq!(advance(&op, &retry, NOW).phase, Phase::Forward);
        assert_eq!(advance(&op, &retry, NOW + 10_000).phase, Phase::Undo);
        let away = Outcome::Fault(Fault::unreachable("away"));
        let mut waiting = op;
        for round in 1..100 {
            waiting.attempts = round;
            waiting = advance(&waiting, &away, waiting.run_after.max(NOW));
            assert_eq!(waiting.phase, Phase::Forward);
            assert!(waiting.run_after < waiting.deadline);
        }
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let mut op = operation(Kind::Deprovision, Phase::Forward, 0);
        let fault = Outcome::Fault(Fault::retry("busy"));
        let mut last = 0;
        for attempt in 1..40 {
            op.attempts = attempt;
            let pause = advance(&op, &fault, NOW).run_after - NOW;
            assert!(pause >= last && pause <= REMOVAL_PAUSE);
            last = pause;
        }
        assert_eq!(last, REMOVAL_PAUSE);
    }

    #[test]
    fn called_off_changes_nothing() {
        let op = operation(Kind::Bind, Phase::Forward, 0);
        let next = advance(&op, &Outcome::Fault(Fault::cancelled()), NOW);
        assert_eq!(next, Operation { attempts: 0, ..op });
    }

    #[test]
    fn an_update_that_cannot_be_taken_back_ends_and_says_so() {
        let mut op = operation(Kind::Update, Phase::Undo, 0);
        op.description = "no room".into();
        let next = advance(&op, &Outcome::Fault(Fault::fatal("no image")), NOW);
        assert_eq!((next.state, next.instance_usable), (OperationState::Failed, Some(false)));
        assert_eq!(next.description, "no room; and it could not be taken back: no image");
    }

    #[test]
    fn a_failed_update_says_whether_it_may_be_asked_again() {
        let op = operation(Kind::Update, Phase::Undo, Kind::Update.steps(Phase::Undo).len() - 1);
        let next = advance(&op, &Outcome::Done, NOW);
        assert_eq!((next.instance_usable, next.update_repeatable), (Some(true), Some(true)));
    }
}
