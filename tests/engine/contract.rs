//! What holds for every engine, stamped on each with `contract!`.

use std::time::Duration;

use banquet::engine::{Engine, Target};
use banquet::model::FaultKind;
use serde_json::json;

use crate::live::{Live, grant};

/// A kind of server, and an app of it that writes and reads by name.
pub(crate) trait Product {
    type Engine: Engine;
    type App;

    fn engine() -> Self::Engine;

    /// A server that is not started yet.
    fn create() -> Live;

    /// Settings that no server fits into which holds what [`Product::fill`] wrote.
    fn too_small() -> serde_json::Value;

    async fn login(target: &Target, user: &str, password: &str) -> Result<Self::App, String>;
    async fn write(app: &mut Self::App, name: &str, value: &str) -> Result<(), String>;
    async fn read(app: &mut Self::App, name: &str) -> Result<String, String>;

    /// Holds some MiB.
    async fn fill(app: &mut Self::App) -> Result<(), String>;
}

/// A server that is ready and set up.
pub(crate) async fn serving<P: Product>() -> Live {
    let live = P::create();
    live.container.start();
    let engine = P::engine();
    live.until_ready(&engine).await;
    engine.bootstrap(&live.target).await.expect("a first bootstrap");
    live
}

/// A user and an app that has logged in as it.
pub(crate) async fn bound<P: Product>(
    live: &Live,
    user: &str,
    parameters: serde_json::Value,
) -> P::App {
    let grant = grant(user, parameters);
    P::engine().grant(&live.target, &grant).await.expect("a grant");
    P::login(&live.target, user, grant.password.expose()).await.expect("a login")
}

pub(crate) async fn readiness_is_truth<P: Product>() {
    let live = P::create();
    let engine = P::engine();
    let fault = engine.ready(&live.target).await.expect_err("nothing runs yet");
    assert_eq!(fault.kind, FaultKind::Retry);
    live.container.start();
    live.until_ready(&engine).await;
    engine.bootstrap(&live.target).await.expect("ready means that it can be set up");

    let mut stranger = live.target.clone();
    stranger.admin.password = "wrong".into();
    let fault = engine.ready(&stranger).await.expect_err("a wrong password");
    assert_eq!(fault.kind, FaultKind::Retry);
    assert!(fault.message.contains("refused the broker's password"), "{}", fault.message);
    assert!(!fault.chain().contains("wrong"), "{}", fault.chain());

    live.container.stop();
    assert_eq!(live.container.inspect("{{.State.ExitCode}}"), "0");
    let fault = engine.ready(&live.target).await.expect_err("it was stopped");
    assert_eq!(fault.kind, FaultKind::Retry);
}

pub(crate) async fn bootstrap_is_idempotent<P: Product>() {
    let live = serving::<P>().await;
    let mut app = bound::<P>(&live, "b1", json!({})).await;
    P::write(&mut app, "kept", "1").await.unwrap();
    P::engine().bootstrap(&live.target).await.unwrap();
    assert_eq!(P::read(&mut app, "kept").await.unwrap(), "1");
    let mut other = live.target.clone();
    other.settings.insert("no such setting".to_owned(), json!(1));
    let fault = P::engine().bootstrap(&other).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
}

pub(crate) async fn bindings_share_data_and_nothing_else<P: Product>() {
    let live = serving::<P>().await;
    let engine = P::engine();
    let (one, two) = (grant("b1", json!({})), grant("b2", json!({})));
    engine.grant(&live.target, &one).await.unwrap();
    engine.grant(&live.target, &two).await.unwrap();
    let login = |user, password| P::login(&live.target, user, password);
    let mut first = login("b1", one.password.expose()).await.unwrap();
    let mut second = login("b2", two.password.expose()).await.unwrap();
    P::write(&mut first, "shared", "from one").await.unwrap();
    assert_eq!(P::read(&mut second, "shared").await.unwrap(), "from one");
    P::write(&mut second, "shared", "from two").await.unwrap();
    assert_eq!(P::read(&mut first, "shared").await.unwrap(), "from two");
    assert!(login("b1", two.password.expose()).await.is_err());

    // The same again changes nothing; another password replaces the first.
    engine.grant(&live.target, &one).await.unwrap();
    login("b1", one.password.expose()).await.unwrap();
    let again = grant("b1", json!({}));
    engine.grant(&live.target, &again).await.unwrap();
    login("b1", again.password.expose()).await.unwrap();
    assert!(login("b1", one.password.expose()).await.is_err());
    for secret in [&one, &two, &again] {
        assert!(!live.container.logs().contains(secret.password.expose()));
    }
}

pub(crate) async fn read_only_reads_only<P: Product>() {
    let live = serving::<P>().await;
    let mut writer = bound::<P>(&live, "b1", json!({})).await;
    let mut reader = bound::<P>(&live, "r1", json!({"read_only": true})).await;
    P::write(&mut writer, "shared", "1").await.unwrap();
    assert_eq!(P::read(&mut reader, "shared").await.unwrap(), "1");
    assert!(P::write(&mut reader, "shared", "2").await.is_err());
    assert!(P::write(&mut reader, "own", "2").await.is_err());
    // A repeated grant gives the rights that it says, not those of before.
    let mut writer_now = bound::<P>(&live, "r1", json!({"read_only": false})).await;
    P::write(&mut writer_now, "shared", "3").await.unwrap();
    let mut reader_now = bound::<P>(&live, "b1", json!({"read_only": true})).await;
    assert!(P::write(&mut reader_now, "shared", "4").await.is_err());
    let fault = P::engine().grant(&live.target, &grant("b3", json!({"read_only": 1}))).await;
    assert_eq!(fault.unwrap_err().kind, FaultKind::Fatal);
}

pub(crate) async fn users_survive_a_restart<P: Product>() {
    let live = serving::<P>().await;
    let engine = P::engine();
    let (kept, gone) = (grant("b1", json!({})), grant("b2", json!({})));
    engine.grant(&live.target, &kept).await.unwrap();
    engine.grant(&live.target, &gone).await.unwrap();
    engine.revoke(&live.target, "b2").await.unwrap();
    // Not even a crash right after the answer may undo it.
    live.container.kill();
    live.container.start();
    live.until_ready(&engine).await;
    P::login(&live.target, "b1", kept.password.expose()).await.unwrap();
    assert!(P::login(&live.target, "b2", gone.password.expose()).await.is_err());
}

pub(crate) async fn revoke_cuts_and_keeps<P: Product>() {
    let live = serving::<P>().await;
    let engine = P::engine();
    let leaver = grant("b1", json!({}));
    engine.grant(&live.target, &leaver).await.unwrap();
    let mut leaving = P::login(&live.target, "b1", leaver.password.expose()).await.unwrap();
    let mut idle = P::login(&live.target, "b1", leaver.password.expose()).await.unwrap();
    let mut staying = bound::<P>(&live, "b2", json!({})).await;
    P::write(&mut leaving, "relic", "behind").await.unwrap();

    engine.revoke(&live.target, "b1").await.unwrap();
    assert!(P::read(&mut leaving, "relic").await.is_err(), "a live connection goes on");
    assert!(P::write(&mut idle, "relic", "late").await.is_err(), "a live connection goes on");
    assert!(P::login(&live.target, "b1", leaver.password.expose()).await.is_err());
    assert_eq!(P::read(&mut staying, "relic").await.unwrap(), "behind");
    P::write(&mut staying, "relic", "taken over").await.unwrap();

    engine.revoke(&live.target, "b1").await.expect("absent is fine");
    engine.revoke(&live.target, "never").await.expect("absent is fine");
    engine.grant(&live.target, &leaver).await.expect("a name can be used again");
    let mut back = P::login(&live.target, "b1", leaver.password.expose()).await.unwrap();
    assert_eq!(P::read(&mut back, "relic").await.unwrap(), "taken over");
}

pub(crate) async fn prepare_refuses_what_does_not_fit<P: Product>() {
    let live = serving::<P>().await;
    let mut app = bound::<P>(&live, "b1", json!({})).await;
    P::fill(&mut app).await.unwrap();
    let (engine, too_small) = (P::engine(), P::too_small());
    let too_small = too_small.as_object().expect("an object");
    let fault = engine.prepare(&live.target, too_small).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
    assert!(fault.message.contains("delete data first"), "{}", fault.message);
    let mut large = too_small.clone();
    large.values_mut().for_each(|value| *value = json!(1_u64 << 40));
    engine.prepare(&live.target, &large).await.unwrap();
    engine.prepare(&live.target, &banquet::model::Object::new()).await.unwrap();
    P::write(&mut app, "still", "writable").await.unwrap();
}

/// A server that accepts connections and says nothing holds no caller.
pub(crate) async fn a_mute_server_holds_nobody<P: Product>() {
    let live = P::create();
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = live.target.clone();
    let port = mute.local_addr().unwrap().port();
    target.ports.values_mut().for_each(|mapped| *mapped = port);
    let ready =
        tokio::time::timeout(
            Duration::from_secs(4),
            async move { P::engine().ready(&target).await },
        );
    let fault = ready.await.expect("an answer in time").unwrap_err();
    assert_eq!(fault.kind, FaultKind::Retry);
    let mut portless = live.target.clone();
    portless.ports.clear();
    let fault = P::engine().ready(&portless).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
}

macro_rules! contract {
    ($product:ty: $($name:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            crate::contract::$name::<$product>().await;
        }
    )*};
    ($product:ty) => {
        crate::contract::contract! {
            $product: readiness_is_truth, bootstrap_is_idempotent,
            bindings_share_data_and_nothing_else, read_only_reads_only, users_survive_a_restart,
            revoke_cuts_and_keeps, prepare_refuses_what_does_not_fit, a_mute_server_holds_nobody,
        }
    };
}
pub(crate) use contract;
