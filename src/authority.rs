//! The broker's own certificate authority: it vouches for the instances, each of which shows a
//! certificate of its own. Apps are given the authority's certificate with their credentials.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

use crate::clock::Millis;
use crate::id::BrokerId;
use crate::model::tls::Identity;
use crate::secret::Secret;

/// How long the authority lives, in ms: 20 years. It would take every binding anew to exchange it.
const LIFE: Millis = 20 * 365 * DAY;
/// A day, in ms.
const DAY: Millis = 24 * 60 * 60 * 1_000;
/// How far behind a client's clock may be, in ms.
const SKEW: Millis = DAY;
/// Where the certificate begins in what is kept.
const BEGIN_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// Signs the certificates of instances: P-256, for TLS servers alone.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// What is kept of the authority is not what [`Authority::found`] made.
    #[error("what the database keeps of the certificate authority is no key with its certificate")]
    Damaged(#[source] rcgen::Error),
    /// A certificate could not be made: a name that is none, a time that no calendar holds.
    #[error("a certificate could not be made")]
    Refused(#[source] rcgen::Error),
}

impl Authority {
    /// Makes a new one: its key and its certificate, in PEM, to be kept and opened.
    ///
    /// # Errors
    /// [`AuthorityError::Refused`], which no time of this millennium and no broker's id can cause.
    pub fn found(broker: &BrokerId, now: Millis) -> Result<Secret, AuthorityError> {
        let key = KeyPair::generate().map_err(AuthorityError::Refused)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(format!("Banquet {broker} authority"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = time(now - SKEW)?;
        params.not_after = time(now + LIFE)?;
        let certificate = params.self_signed(&key).map_err(AuthorityError::Refused)?;
        Ok(format!("{}{}", key.serialize_pem(), certificate.pem()).into())
    }

    /// Opens what [`Self::found`] made.
    ///
    /// # Errors
    /// [`AuthorityError::Damaged`].
    pub fn open(kept: &Secret) -> Result<Self, AuthorityError> {
        let text = kept.expose();
        let at = text.find(BEGIN_CERTIFICATE).unwrap_or(text.len());
        let (key, certificate) = text.split_at(at);
        let key = KeyPair::from_pem(key).map_err(AuthorityError::Damaged)?;
        let issuer = Issuer::from_ca_cert_pem(certificate, key).map_err(AuthorityError::Damaged)?;
        Ok(Self { issuer, certificate: certificate.to_owned() })
    }

    /// Its certificate, in PEM: no secret.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A new key with a certificate for these host names and addresses, good for `life_ms` from
    /// `now` on. `subject` is for people.
    ///
    /// # Errors
    /// [`AuthorityError::Refused`] for what is neither a host name nor an address.
    pub fn issue(
        &self,
        subject: &str,
        names: Vec<String>,
        now: Millis,
        life_ms: Millis,
    ) -> Result<Identity, AuthorityError> {
        let refused = AuthorityError::Refused;
        let key = KeyPair::generate().map_err(refused)?;
        let mut params = CertificateParams::new(names.clone()).map_err(refused)?;
        params.distinguished_name = named(subject.to_owned());
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Clients that are strict (Python from 3.13 on) want it.
        params.use_authority_key_identifier_extension = true;
        params.not_before = time(now - SKEW)?;
        params.not_after = time(now + life_ms)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(refused)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem().into(),
            authority: self.certificate.clone(),
            names,
            made_at: now,
            ends_at: now + life_ms,
        })
    }
}

fn named(name: String) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn time(at: Millis) -> Result<OffsetDateTime, AuthorityError> {
    OffsetDateTime::from_unix_timestamp(at / 1_000)
        .map_err(|_| AuthorityError::Refused(rcgen::Error::Time))
}

#[cfg(test)]
mod tests;
