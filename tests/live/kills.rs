//! `kill -9` at any moment of any operation, then a start: it finishes, and there is exactly one of
//! everything, or nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::apps::{App, is_refused, users};
use crate::broker::Broker;
use crate::osb::{Ended, Instance, Reply, postgresql, redis};
use crate::things::{NOTHING, ONE_INSTANCE, inspect};

/// What is done to an instance, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Provision,
    Bind,
    Update,
    Unbind,
    Deprovision,
}

const ACTS: [Act; 5] = [Act::Provision, Act::Bind, Act::Update, Act::Unbind, Act::Deprovision];
const BINDING: &str = "b";

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_finished_whenever_the_broker_is_killed() {
    kill_at_moments_of_every_act(redis("r"), 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_finished_whenever_the_broker_is_killed() {
    kill_at_moments_of_every_act(postgresql("p"), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_broker_was_making_can_be_deleted_at_once() {
    let mut broker = Broker::started(&[("BANQUET_INLINE_WAIT", "0")]).await;
    for instance in [redis("r"), postgresql("p")] {
        for moment in [0, 60, 300, 1000] {
            broker.platform.provision(instance, "small").await.answers(&[202]);
            tokio::time::sleep(Duration::from_millis(moment)).await;
            broker.kill().await;
            broker.start().await;
            broker.platform.remove(instance).await;
            assert_eq!(broker.things().await.counts(), NOTHING, "{instance:?} after {moment} ms");
        }
    }
}

/// A platform that got no answer does not know whether it was heard; asking again is safe.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_an_answer_was_taken_as_a_whole_or_not_at_all() {
    let mut broker = Broker::started(&[("BANQUET_INLINE_WAIT", "0")]).await;
    let instance = redis("r");
    for moment in [0, 2, 4, 8, 16, 32] {
        let platform = broker.platform.clone();
        let asking = tokio::spawn(async move { platform.try_provision(instance, "small").await });
        tokio::time::sleep(Duration::from_millis(moment)).await;
        broker.kill().await;
        let answer = asking.await.unwrap();
        broker.start().await;

        let heard = broker.platform.last_operation(instance).await.answers(&[200, 404]).status;
        if answer.is_ok() {
            assert_eq!(heard, 200, "what was answered is kept: {answer:?}");
        }
        broker.platform.create(instance, "small").await;
        assert_eq!(broker.things().await.counts(), ONE_INSTANCE);
        broker.platform.remove(instance).await;
        assert_eq!(broker.things().await.counts(), NOTHING);
    }
}

/// Measures how long each act takes undisturbed, then goes through all of them `rounds` times, each
/// time killing the broker a bit later in each.
async fn kill_at_moments_of_every_act(instance: Instance<'static>, rounds: u32) {
    let mut broker = Broker::started(&[("BANQUET_INLINE_WAIT", "0")]).await;
    let mut takes = Vec::new();
    for act in ACTS {
        let begin = Instant::now();
        act.ask(&broker, instance).await.answers(&[202]);
        act.ended(&broker, instance).await.succeeded();
        takes.push(begin.elapsed());
    }
    let mut in_the_middle = 0;
    for round in 0..rounds {
        let mut credentials = Value::Null;
        for (act, takes) in ACTS.into_iter().zip(&takes) {
            let moment = *takes * round / rounds;
            act.ask(&broker, instance).await.answers(&[202]);
            tokio::time::sleep(moment).await;
            in_the_middle += u32::from(act.runs(&broker, instance).await);
            broker.kill().await;
            broker.start().await;
            act.ended(&broker, instance).await.succeeded();
            if act == Act::Bind {
                let fetched = broker.platform.fetch_binding(instance, BINDING).await;
                credentials = fetched.answers(&[200]).body["credentials"].clone();
            }
            act.check(&broker, instance, &credentials).await;
        }
    }
    println!("undisturbed: {takes:?}; {in_the_middle} of {} kills met a running one", rounds * 5);
    assert!(in_the_middle >= rounds, "the kills come too late: {takes:?}");
}

impl Act {
    async fn ask(self, broker: &Broker, instance: Instance<'_>) -> Reply {
        let platform = &broker.platform;
        match self {
            Self::Provision => platform.provision(instance, "small").await,
            Self::Bind => platform.bind(instance, BINDING).await,
            Self::Update => platform.update(instance, "medium").await,
            Self::Unbind => platform.unbind(instance, BINDING).await,
            Self::Deprovision => platform.deprovision(instance).await,
        }
    }

    /// Bindings have operations of their own.
    const fn is_of_binding(self) -> bool {
        matches!(self, Self::Bind | Self::Unbind)
    }

    async fn runs(self, broker: &Broker, instance: Instance<'_>) -> bool {
        let reply = if self.is_of_binding() {
            broker.platform.last_binding_operation(instance, BINDING).await
        } else {
            broker.platform.last_operation(instance).await
        };
        reply.answers(&[200]).body["state"] == "in progress"
    }

    async fn ended(self, broker: &Broker, instance: Instance<'_>) -> Ended {
        if self.is_of_binding() {
            broker.platform.binding_ended(instance, BINDING).await
        } else {
            broker.platform.ended(instance).await
        }
    }

    /// Exactly what there has to be after this act.
    async fn check(self, broker: &Broker, instance: Instance<'_>, credentials: &Value) {
        let things = broker.things().await;
        if self == Self::Deprovision {
            assert_eq!(things.counts(), NOTHING);
            broker.platform.fetch(instance).await.answers(&[404]);
            return;
        }
        assert_eq!(things.counts(), ONE_INSTANCE);
        let users = users(&broker.kept(instance.id).await).await;
        match self {
            Self::Provision => assert_eq!(users, BTreeSet::new()),
            Self::Bind => {
                assert_eq!(users, BTreeSet::from([text(&credentials["username"])]));
                App::noting(credentials, "greeting", "hello").await;
            }
            Self::Update => {
                assert_eq!(users, BTreeSet::from([text(&credentials["username"])]));
                let app = App::log_in(credentials).await.unwrap();
                let mut app = app.still("greeting", "hello").await;
                let memory = app.memory().await;
                assert!(["161061273", "128MB"].contains(&memory.as_str()), "{memory}");
                let seen = inspect(things.container()).await;
                let memory = seen["HostConfig"]["Memory"].as_u64().unwrap() >> 20;
                assert_eq!(memory, if instance.offering == "redis" { 256 } else { 512 });
            }
            Self::Unbind => {
                assert_eq!(users, BTreeSet::new());
                is_refused(credentials).await;
            }
            Self::Deprovision => unreachable!("answered above"),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
