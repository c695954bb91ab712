//! On what terms an instance can be bound: what its plan and offering say, as far as they are still
//! in the catalog.

use serde_json::Value;

use super::{Broker, check};
use crate::catalog::{Catalog, Offering, Plan};
use crate::clock::Millis;
use crate::model::{Instance, Object};
use crate::osb::Refusal;
use crate::osb::bind::Request;

/// The binding parameter that says after how many seconds the credentials end.
const EXPIRES_IN: &str = "expires_in_s";

/// What a plan says about its bindings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// Whether a binding may take over from another.
    pub(super) rotatable: bool,
    /// When credentials end, in ms after they were made, at the latest.
    expire_after: Option<Millis>,
    /// By when they should be replaced, in ms before they end.
    renew_ahead: Option<Millis>,
}

/// Checks a request against the catalog. A plan that has left it can still be bound; its parameters
/// are then the engine's to judge.
pub(super) fn of(
    catalog: &Catalog,
    request: &Request,
    instance: Option<&Instance>,
) -> Result<Terms, Refusal> {
    let own =
        |row: &&Instance| request.offering_id.as_ref().is_none_or(|id| *id == row.offering_id);
    let kept = instance.filter(own);
    if instance.is_some() && kept.is_none() {
        return Err(Refusal::Invalid("service_id is not the instance's offering".into()));
    }
    let id = request.offering_id.as_ref().or(instance.map(|row| &row.offering_id));
    // A rotation of nothing at all names no offering; that there is no instance is told later.
    let Some(id) = id else { return Ok(Terms::default()) };
    let offering = match Broker::offering(catalog, id) {
        Ok(offering) => offering,
        Err(_) if kept.is_some() => return Ok(Terms { rotatable: true, ..Terms::default() }),
        Err(refusal) => return Err(refusal),
    };
    let plan = plan(catalog, offering, request, instance)?;
    if !plan.map_or(offering.bindable, |plan| plan.bindable) {
        return Err(Refusal::Invalid(format!("`{}` cannot be bound", offering.name)));
    }
    // A plan that has left the catalog bounds nothing any more.
    check(&plan.map_or(&offering.schemas, |plan| &plan.schemas).bind, &request.parameters)?;
    let seconds =
        |count: Option<u64>| count.and_then(|s| Millis::try_from(s).ok()?.checked_mul(1000));
    Ok(Terms {
        rotatable: plan.is_none_or(|plan| plan.binding_rotatable),
        expire_after: plan.and_then(|plan| seconds(plan.bindings_expire_after_s)),
        renew_ahead: plan.and_then(|plan| seconds(plan.bindings_renew_before_s)),
    })
}

/// The plan that the request names, unless it is the instance's own and has left the catalog.
fn plan<'a>(
    catalog: &'a Catalog,
    offering: &'a Offering,
    request: &Request,
    instance: Option<&Instance>,
) -> Result<Option<&'a Plan>, Refusal> {
    let own = instance.map(|row| &row.plan_id);
    match request.plan_id.as_ref().or(own) {
        Some(id) if Some(id) == own => Ok(offering.plan(id)),
        Some(id) => Broker::plan(catalog, &offering.id, id).map(|(_, plan)| Some(plan)),
        None => Ok(None),
    }
}

impl Terms {
    /// When a binding made `now` ends, and by when it should be renewed: as its parameter asks, and
    /// never later than the plan allows. Where the plan does not say how long ahead, a fifth of the
    /// time is left (requirement 100).
    pub(super) fn times(
        &self,
        parameters: &Object,
        now: Millis,
    ) -> (Option<Millis>, Option<Millis>) {
        let asked = parameters.get(EXPIRES_IN).and_then(Value::as_u64);
        let asked = asked.and_then(|s| Millis::try_from(s).ok()?.checked_mul(1000));
        let lives = match (asked, self.expire_after) {
            (Some(asked), Some(longest)) => asked.min(longest),
            (Some(lives), None) | (None, Some(lives)) => lives,
            (None, None) => return (None, None),
        };
        let ahead = self.renew_ahead.filter(|ahead| *ahead < lives).unwrap_or(lives / 5);
        let expires_at = now.saturating_add(lives);
        (Some(expires_at), Some(expires_at - ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(expire_after: Option<Millis>, renew_ahead: Option<Millis>) -> Terms {
        Terms { rotatable: true, expire_after, renew_ahead }
    }

    #[test]
    fn the_shorter_time_counts() {
        let asks = |seconds: u64| Object::from_iter([(EXPIRES_IN.to_owned(), seconds.into())]);
        for (plan, ahead, parameters, expected) in [
            (None, None, Object::new(), (None, None)),
            (Some(10_000), None, Object::new(), (Some(10_100), Some(8_100))),
            (Some(10_000), Some(1_000), Object::new(), (Some(10_100), Some(9_100))),
            (None, None, asks(5), (Some(5_100), Some(4_100))),
            (Some(10_000), None, asks(5), (Some(5_100), Some(4_100))),
            (Some(10_000), None, asks(50), (Some(10_100), Some(8_100))),
            (Some(10_000), Some(9_000), asks(5), (Some(5_100), Some(4_100))),
        ] {
            assert_eq!(terms(plan, ahead).times(&parameters, 100), expected);
        }
    }
}
