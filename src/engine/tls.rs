//! The way to an instance for clients that speak TLS by rustls: what its certificate is verified by.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::Target;
use crate::model::Fault;

/// Trusts the instance's authority and nobody else.
pub(super) fn config(target: &Target) -> Result<ClientConfig, Fault> {
    let mut roots = RootCertStore::empty();
    if let Some(tls) = &target.tls {
        let broken = "the certificate of the authority cannot be read";
        let certificate = CertificateDer::from_pem_slice(tls.authority.as_bytes())
            .map_err(|error| Fault::fatal(broken).because(error))?;
        roots.add(certificate).map_err(|error| Fault::fatal(broken).because(error))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites of both versions");
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
