//! Secrets in the database are sealed: AES-256-GCM-SIV, with a key id beside each, bound to the
//! row that they belong to.

use std::collections::BTreeMap;
use std::fmt;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

use super::Secret;
use crate::id::hex;

/// Seals and opens. The newest key seals; all keys open.
#[derive(Clone)]
pub struct Seal {
    keys: BTreeMap<String, Aes256GcmSiv>,
    newest: String,
}

/// Why something could not be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The master key is not the one that sealed it.
    #[error("sealed with the master key {0}, which is not among those given")]
    UnknownKey(String),
    /// It was changed, moved to another row, or never was sealed.
    #[error("sealed data is damaged")]
    Damaged,
    /// The master key's text is not 64 hexadecimal digits.
    #[error("a master key is 64 hexadecimal digits (32 bytes)")]
    BadKey,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("newest", &self.newest).finish_non_exhaustive()
    }
}

impl Seal {
    /// From master keys as hexadecimal text, the newest first.
    ///
    /// # Errors
    /// [`SealError::BadKey`] if one is not 64 hexadecimal digits, or there is none.
    pub fn new(keys: &[Secret]) -> Result<Self, SealError> {
        let mut seal = Self { keys: BTreeMap::new(), newest: String::new() };
        for key in keys.iter().rev() {
            let bytes = unhex(key.expose().trim()).ok_or(SealError::BadKey)?;
            seal.newest = key_id(&bytes);
            let cipher = Aes256GcmSiv::new_from_slice(&bytes).map_err(|_| SealError::BadKey)?;
            seal.keys.insert(seal.newest.clone(), cipher);
        }
        if seal.keys.is_empty() { Err(SealError::BadKey) } else { Ok(seal) }
    }

    /// A new master key as hexadecimal text.
    #[must_use]
    pub fn generate_key() -> Secret {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).expect("the system's random source never fails once started");
        Secret::from(hex(&bytes))
    }

    /// The id of the key that seals: eight digits of its hash.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.newest
    }

    /// Seals `plain` for the row named by `place`; it opens nowhere else.
    #[must_use]
    pub fn seal(&self, plain: &str, place: &str) -> String {
        let mut nonce = [0_u8; 12];
        getrandom::fill(&mut nonce).expect("the system's random source never fails once started");
        let payload = Payload { msg: plain.as_bytes(), aad: place.as_bytes() };
        let sealed = self.keys[&self.newest]
            .encrypt(&Nonce::from(nonce), payload)
            .expect("rows are far below the cipher's limit of 64 GiB");
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&sealed);
        format!("{}:{}", self.newest, BASE64.encode(bytes))
    }

    /// Opens what [`Self::seal`] made for the same `place`.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open(&self, sealed: &str, place: &str) -> Result<Secret, SealError> {
        let (id, body) = sealed.split_once(':').ok_or(SealError::Damaged)?;
        let cipher = self.keys.get(id).ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let bytes = BASE64.decode(body).map_err(|_| SealError::Damaged)?;
        let (nonce, body) = bytes.split_first_chunk::<12>().ok_or(SealError::Damaged)?;
        let payload = Payload { msg: body, aad: place.as_bytes() };
        let plain =
            cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::Damaged)?;
        String::from_utf8(plain).map(Secret::from).map_err(|_| SealError::Damaged)
    }
}

fn key_id(key: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"banquet master key");
    hash.update(key);
    hex(&hash.finalize()[..4])
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    (0..32).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_in_its_own_place_only() {
        let seal = Seal::new(&[Seal::generate_key()]).unwrap();
        let sealed = seal.seal("geheim", "instance/1");
        assert!(!sealed.contains("geheim"));
        assert_eq!(seal.open(&sealed, "instance/1").unwrap().expose(), "geheim");
        assert_eq!(seal.open(&sealed, "instance/2"), Err(SealError::Damaged));
    }

    #[test]
    fn another_key_says_so_and_an_old_one_still_opens() {
        let (old, new) = (Seal::generate_key(), Seal::generate_key());
        let sealed = Seal::new(std::slice::from_ref(&old)).unwrap().seal("x", "p");
        assert!(matches!(
            Seal::new(std::slice::from_ref(&new)).unwrap().open(&sealed, "p"),
            Err(SealError::UnknownKey(_))
        ));
        let both = Seal::new(&[new, old]).unwrap();
        assert_eq!(both.open(&sealed, "p").unwrap().expose(), "x");
        assert!(both.seal("x", "p").starts_with(both.key_id()));
        assert_ne!(sealed.split(':').next(), Some(both.key_id()));
    }

    #[test]
    fn a_bad_key_is_refused() {
        for text in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Seal::new(&[Secret::from(text)]).unwrap_err(), SealError::BadKey);
        }
        assert_eq!(Seal::new(&[]).unwrap_err(), SealError::BadKey);
    }
}
