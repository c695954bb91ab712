//! An engine behind TCP and TLS, as `DOCKER_HOST`, `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` name
//! it: the program itself speaks to it, because these variables belong to a process.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

use crate::docker_rig::socket;

type Authority = Issuer<'static, KeyPair>;

fn authority() -> (Authority, rcgen::Certificate) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let certificate = params.self_signed(&key).unwrap();
    (Issuer::new(params, key), certificate)
}

fn leaf(authority: &Authority, usage: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
    params.extended_key_usages = vec![usage];
    (params.signed_by(&key, authority).unwrap(), key)
}

/// Listens with TLS, lets only clients of the authority in, and passes them on to the engine.
async fn front(authority: &Authority, root: &rcgen::Certificate) -> u16 {
    let (certificate, key) = leaf(authority, ExtendedKeyUsagePurpose::ServerAuth);
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that is not let in is what one of the tests is about.
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut engine = UnixStream::connect(socket()).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut engine).await;
            });
        }
    });
    port
}

fn write_client(folder: &Path, authority: &Authority, root: &rcgen::Certificate) {
    let (certificate, key) = leaf(authority, ExtendedKeyUsagePurpose::ClientAuth);
    std::fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

async fn images_list(port: u16, certificates: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banquet"));
    command
        .args(["images", "list"])
        .env("DOCKER_HOST", format!("tcp://127.0.0.1:{port}"))
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", certificates)
        .env("BANQUET_DATA_DIR", certificates);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_behind_tls_is_spoken_to_with_our_certificate() {
    let (authority, root) = authority();
    let port = front(&authority, &root).await;
    let folder = tempfile::tempdir().unwrap();
    write_client(folder.path(), &authority, &root);
    let output = images_list(port, folder.path()).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("redis:8.0"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_on_either_side_is_not_spoken_to() {
    let (authority_of_engine, root_of_engine) = authority();
    let port = front(&authority_of_engine, &root_of_engine).await;
    let (stranger, root_of_stranger) = authority();

    let folder = tempfile::tempdir().unwrap();
    write_client(folder.path(), &stranger, &root_of_stranger);
    let output = images_list(port, folder.path()).await;
    assert_eq!(output.status.code(), Some(3), "an engine that we have no reason to trust");

    std::fs::write(folder.path().join("ca.pem"), root_of_engine.pem()).unwrap();
    let output = images_list(port, folder.path()).await;
    assert_eq!(output.status.code(), Some(3), "a client that the engine does not know");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.starts_with("error: "), "{text}");
}
