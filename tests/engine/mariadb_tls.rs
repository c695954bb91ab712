//! MariaDB over TLS as the carried catalog sets it up.

use banquet::engine::Target;
use banquet::engine::mysql::Mysql;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{Connection as _, Executor as _};

use crate::live;
use crate::tls::{Secured, carried, only_the_right_one_is_taken, serving};

async fn plan(plan: &str, names: &[&str]) -> Secured {
    let mounts = [("data", "/var/lib/mysql"), ("conf", "/conf")];
    let options = [
        "--tmpfs=/tmp:mode=1777",
        "--tmpfs=/run/mysqld:uid=999,gid=999",
        "--env=MARIADB_ROOT_PASSWORD_FILE=/conf/password",
        "--memory=512m",
        "--memory-swap=512m",
    ];
    serving((live::MARIADB, carried("mariadb", plan), names), &mounts, &options, &Mysql).await
}

/// An app that is the broker's own user.
async fn app(target: &Target, mode: MySqlSslMode) -> Result<MySqlConnection, String> {
    let authority = target.tls.as_ref().unwrap().authority.clone();
    let options = MySqlConnectOptions::new()
        .host(&target.host)
        .port(target.ports["mysql"])
        .username(&target.admin.user)
        .password(target.admin.password.expose())
        .ssl_mode(mode)
        .ssl_ca_from_pem(authority.into_bytes());
    MySqlConnection::connect_with(&options).await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_alone() {
    let mut secured = plan("large", &["127.0.0.1"]).await;
    only_the_right_one_is_taken(&secured, &Mysql).await;
    let target = secured.live.target.clone();
    let refused = app(&target, MySqlSslMode::Disabled).await.unwrap_err();
    assert!(refused.contains("insecure transport"), "{refused}");
    let mut kept = app(&target, MySqlSslMode::VerifyIdentity).await.unwrap();

    secured.renew(&Mysql, &["127.0.0.1", "localhost"]).await;
    kept.execute("SELECT 1").await.unwrap();
    app(&secured.called("localhost"), MySqlSslMode::VerifyIdentity).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways() {
    let secured = plan("small", &["localhost"]).await;
    let target = secured.live.target.clone();
    app(&target, MySqlSslMode::Disabled).await.unwrap();
    app(&secured.called("localhost"), MySqlSslMode::VerifyIdentity).await.unwrap();
    app(&target, MySqlSslMode::VerifyIdentity).await.unwrap_err();
}
