//! Whether apps are answered. Without a login, which would count against the apps' connections.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::engine::{READY_LIMIT, Target, tls};
use crate::model::Fault;

/// Asks for AMQP 0-9-1.
const HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// How `connection.start` begins: a method's frame on channel 0 …
const METHOD: [u8; 3] = [1, 0, 0];
/// … and, behind its size, class 10, method 10.
const START: [u8; 4] = [0, 10, 0, 10];

/// Waits for the server's greeting at the address that apps are given.
pub(super) async fn greets(target: &Target) -> Result<(), Fault> {
    let required = target.needs_tls();
    let port = target.port(if required { "amqps" } else { "amqp" })?;
    let config = required.then(|| tls::config(target)).transpose()?;
    let host = target.host.clone();
    let greeted = tokio::task::spawn_blocking(move || greeted(&host, port, config)).await;
    match greeted.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::retry("RabbitMQ does not speak AMQP yet")),
        Err(error) => Err(Fault::retry("RabbitMQ does not answer apps yet").because(error)),
    }
}

fn greeted(host: &str, port: u16, config: Option<ClientConfig>) -> io::Result<bool> {
    let address = (host, port).to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&address, READY_LIMIT)?;
    stream.set_read_timeout(Some(READY_LIMIT))?;
    stream.set_write_timeout(Some(READY_LIMIT))?;
    let Some(config) = config else { return starts(&mut stream) };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    starts(&mut StreamOwned::new(session, stream))
}

fn starts(stream: &mut (impl Read + Write)) -> io::Result<bool> {
    stream.write_all(HEADER)?;
    let mut frame = [0; 11];
    stream.read_exact(&mut frame)?;
    Ok(frame.starts_with(&METHOD) && frame.ends_with(&START))
}
