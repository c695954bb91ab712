//! What an instance shows to those who come over TLS.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::contract::Stage;
use crate::session::Session;

/// How long a renewal may take, on a busy machine.
const RENEWAL: Duration = Duration::from_mins(1);

/// The largest greeting of a server before TLS begins.
const GREETING_BYTES: usize = 4_096;

/// Another name for the same host has the certificate exchanged, and costs no app its connection.
pub(crate) async fn renews(stage: &mut Stage) {
    let credentials = stage.bind("kept", json!({})).await;
    let mut app = Session::login(&credentials).await.unwrap();
    app.write("kept", "before").await.unwrap();
    let before = certificate(&credentials).await.unwrap();

    stage.broker.kill().await;
    stage.broker.set("BANQUET_ADVERTISE_HOST", "LOCALHOST");
    stage.broker.start().await;
    let begin = Instant::now();
    while certificate(&credentials).await.is_ok_and(|now| now == before) {
        assert!(begin.elapsed() < RENEWAL, "it shows the old one");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stage.broker.platform.ended(stage.instance).await.succeeded();
    assert_ne!(certificate(&credentials).await.unwrap(), before);
    assert_eq!(app.read("kept").await.unwrap(), "before");
    Session::login(&credentials).await.unwrap();
}

/// The certificate of the address that apps are given for TLS, verified as they can.
async fn certificate(credentials: &Value) -> Result<CertificateDer<'static>, String> {
    let text = |field: &str| credentials[field].as_str().unwrap();
    let authority = CertificateDer::from_pem_slice(text("ca_certificate").as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    // Without one of its own, both ways lead through one port.
    let uri = Url::parse(text(if credentials["tls_uri"].is_null() { "uri" } else { "tls_uri" }));
    let port = uri.unwrap().port().unwrap();
    let told = |error: std::io::Error| error.to_string();

    let mut stream = TcpStream::connect((text("host"), port)).await.map_err(told)?;
    ask_for_tls(&mut stream, text("type")).await.map_err(told)?;
    let name = ServerName::try_from(text("host").to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.map_err(told)?;
    Ok(stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned())
}

/// Some protocols begin in the clear.
async fn ask_for_tls(stream: &mut TcpStream, kind: &str) -> std::io::Result<()> {
    let mut greeting = [0; GREETING_BYTES];
    match kind {
        // https://www.postgresql.org/docs/current/protocol-message-formats.html (SSLRequest)
        "postgresql" => {
            stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await?;
            stream.read_exact(&mut greeting[..1]).await?;
            assert_eq!(greeting[0], b'S');
        }
        // https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting (SSLRequest):
        // the protocol of 4.1, TLS, and hashed passwords.
        "mysql" => {
            let _ = stream.read(&mut greeting).await?;
            let mut request = [0; 36];
            request[..9].copy_from_slice(&[32, 0, 0, 1, 0x00, 0x8a, 0, 0, 0]);
            request[7..12].copy_from_slice(&[0, 0, 0, 1, 45]);
            stream.write_all(&request).await?;
        }
        // https://docs.nats.io/reference/reference-protocols/nats-protocol: INFO comes first.
        "nats" => {
            let _ = stream.read(&mut greeting).await?;
        }
        _ => {}
    }
    Ok(())
}
