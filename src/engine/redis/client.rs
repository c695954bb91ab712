//! The connection, and what its errors mean for an operation.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, RedisResult, ServerErrorKind, TlsCertificates,
};

use crate::engine::Target;
use crate::model::Fault;

/// The library's own defaults are half a second: too short for a busy host.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A new connection, logged in as the broker. It costs a millisecond and ends when dropped, so none
/// is kept: a kept one would count against `maxclients` and outlive its instance.
pub(super) async fn connect(target: &Target) -> Result<MultiplexedConnection, Fault> {
    let doing = "log in to Redis";
    let login = RedisConnectionInfo::default()
        .set_username(&target.admin.user)
        .set_password(target.admin.password.expose())
        .set_lib_name("banquet", env!("CARGO_PKG_VERSION"));
    let client = client(target, login)?.map_err(|error| fault(doing, error))?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .map_err(|error| fault(doing, error))
}

/// In the clear where that is open, else over TLS with the name verified.
fn client(target: &Target, login: RedisConnectionInfo) -> Result<RedisResult<Client>, Fault> {
    let host = target.host.clone();
    let info = |address: ConnectionAddr| {
        address.into_connection_info().map(|info| info.set_redis_settings(login))
    };
    let Some(tls) = target.tls.as_ref().filter(|tls| tls.required) else {
        return Ok(info(ConnectionAddr::Tcp(host, target.port("redis")?)).and_then(Client::open));
    };
    let port = target.port("redis_tls")?;
    let address = ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
    let root_cert = Some(tls.authority.clone().into_bytes());
    let certificates = TlsCertificates { client_tls: None, root_cert };
    Ok(info(address).and_then(|info| Client::build_with_tls(info, certificates)))
}

/// Says what could not be done. Redis's own words may repeat a command's arguments: they go to the
/// log only.
pub(super) fn fault(doing: &str, error: RedisError) -> Fault {
    let retry = |why: &str| Fault::retry(format!("could not {doing}: {why}"));
    let fault = match error.kind() {
        ErrorKind::AuthenticationFailed => retry(
            "it refused the broker's password; if it is not just starting, its access list is not \
             the one that the broker wrote",
        ),
        ErrorKind::Io if error.is_timeout() => retry("no answer in time"),
        ErrorKind::Io => retry("the connection failed"),
        ErrorKind::Server(ServerErrorKind::BusyLoading) => retry("it is still loading its data"),
        ErrorKind::Server(
            ServerErrorKind::ResponseError
            | ServerErrorKind::NoPerm
            | ServerErrorKind::ExecAbort
            | ServerErrorKind::CrossSlot,
        )
        | ErrorKind::InvalidClientConfig => {
            Fault::fatal(format!("could not {doing}: Redis refused it"))
        }
        // Neither list can be complete: the library's is open, and Redis has errors of its own
        // (`BUSY`, `MISCONF`) that pass.
        _ => retry("Redis answered with an error"),
    };
    fault.because(error)
}
