//! Handshakes by rustls against what the authority made, names verified.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use super::*;
use crate::clock::{Clock as _, SystemClock};

const YEAR: Millis = 365 * DAY;

fn authority() -> Authority {
    let kept = Authority::found(&BrokerId::from("broker00"), SystemClock.now_ms()).unwrap();
    Authority::open(&kept).unwrap()
}

fn identity(authority: &Authority, names: &[&str], life_ms: Millis) -> Identity {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    authority.issue("instance", names, SystemClock.now_ms(), life_ms).unwrap()
}

/// A handshake in memory: what the client says of a server that shows this identity.
fn greet(identity: &Identity, trusted: &str, name: &str) -> Result<(), rustls::Error> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&ring))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn a_client_that_verifies_the_name_connects() {
    let authority = authority();
    let identity = identity(&authority, &["db.example.org", "127.0.0.1"], YEAR);
    for name in ["db.example.org", "127.0.0.1"] {
        greet(&identity, authority.certificate(), name).unwrap();
    }
}

#[test]
fn other_names_other_authorities_and_other_times_are_refused() {
    let authority = authority();
    let good = identity(&authority, &["db.example.org"], YEAR);
    greet(&good, authority.certificate(), "www.example.org").unwrap_err();
    greet(&good, self::authority().certificate(), "db.example.org").unwrap_err();
    let ended = identity(&authority, &["db.example.org"], -1_000);
    greet(&ended, authority.certificate(), "db.example.org").unwrap_err();
    let end = Duration::from_millis(u64::try_from(ended.ends_at).unwrap());
    assert!(UnixTime::now() > UnixTime::since_unix_epoch(end));
}

#[test]
fn an_instance_cannot_vouch_for_another() {
    let authority = authority();
    let instance = identity(&authority, &["a.example.org"], YEAR);
    let kept = format!("{}{}", instance.key.expose(), instance.certificate);
    let impostor = Authority::open(&kept.into()).unwrap();
    let forged = identity(&impostor, &["b.example.org"], YEAR);
    greet(&forged, authority.certificate(), "b.example.org").unwrap_err();
}

#[test]
fn what_is_no_authority_is_told_without_its_key() {
    let whole = Authority::found(&BrokerId::from("broker00"), 0).unwrap();
    let key = whole.expose().split(BEGIN_CERTIFICATE).next().unwrap().to_owned();
    for kept in ["", "x", key.as_str()] {
        let error = Authority::open(&kept.into()).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("PRIVATE"), "{error:?}");
    }
    assert!(!format!("{:?}", Authority::open(&whole).unwrap()).contains("PRIVATE"));
}

#[test]
fn names_that_are_none_are_refused() {
    assert!(authority().issue("x", vec!["é".to_owned()], 0, YEAR).is_err());
}
