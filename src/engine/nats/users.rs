//! The files that users are.

use std::io;

use serde_json::json;

use super::rights;
use crate::engine::{CALL_LIMIT, Grant, Target};
use crate::model::Fault;
use crate::secret::Secret;

/// The role of the container that the server runs in.
const SERVER: &str = "server";

/// `sh -c` this, then what to do and to whom.
const SCRIPT: &str = include_str!("users.sh");

/// Passwords are 32 random characters: what makes guessing slow would only make logins slow.
const BCRYPT_COST: u32 = 4;

/// One user, as the server's configuration has it.
pub(super) struct User<'a> {
    name: &'a str,
    entry: Secret,
}

impl<'a> User<'a> {
    pub(super) fn new(grant: &'a Grant) -> Result<Self, Fault> {
        let name = plain(&grant.user)?;
        let hash = bcrypt::hash(grant.password.expose(), BCRYPT_COST)
            .map_err(|error| Fault::fatal("the password cannot be hashed").because(error))?;
        // The configuration's language takes JSON, and no text in quotes is anything but that text.
        let entry = json!({
            "user": name,
            "password": hash,
            "permissions": rights::permissions(&grant.parameters)?,
        });
        Ok(Self { name, entry: entry.to_string().into() })
    }

    pub(super) async fn write(&self, target: &Target) -> Result<(), Fault> {
        run(target, "grant", self.name, &self.entry).await
    }
}

pub(super) async fn remove(target: &Target, user: &str) -> Result<(), Fault> {
    run(target, "revoke", plain(user)?, &Secret::default()).await
}

async fn run(target: &Target, act: &str, user: &str, entry: &Secret) -> Result<(), Fault> {
    let command = ["sh", "-c", SCRIPT, "users", act, user].map(str::to_owned);
    let output = target.inside.run(SERVER, &command, entry, CALL_LIMIT).await?;
    match output.status {
        0 => Ok(()),
        _ => Err(Fault::retry("the users of NATS could not be written")
            .because(io::Error::other(output.stderr))),
    }
}

/// A name that is a file's too.
fn plain(user: &str) -> Result<&str, Fault> {
    let plain = !user.is_empty() && user.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then_some(user).ok_or_else(|| Fault::fatal("a user of NATS has letters and digits"))
}
