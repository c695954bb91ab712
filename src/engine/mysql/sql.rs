//! Every statement that takes no parameters, and their quoting.

use std::fmt::Write;

use crate::model::{Fault, Object};

/// What can be changed while the server runs, and what a plan may say about it. Others belong into
/// the configuration file.
const SETTINGS: [&str; 4] =
    ["innodb_buffer_pool_size", "max_connections", "max_statement_time", "table_open_cache"];

/// Brings new files of the certificate into force.
pub(super) const FLUSH_SSL: &str = "FLUSH SSL";

/// All of a database but giving its rights away.
const READ_WRITE: &str = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, \
    CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, \
    ALTER ROUTINE, EVENT, TRIGGER, DELETE HISTORY";
/// Looking at it.
const READ_ONLY: &str = "SELECT, SHOW VIEW";

/// A user to be made, or made like this again.
pub(super) struct Login<'a> {
    /// Quoted, from [`user`].
    pub(super) user: String,
    pub(super) password: &'a str,
    pub(super) database: &'a str,
    pub(super) read_only: bool,
    pub(super) connection_limit: u64,
}

/// A user from anywhere, quoted.
///
/// # Errors
/// `Fatal` unless it is letters and digits, as all of ours are.
pub(super) fn user(name: &str) -> Result<String, Fault> {
    Ok(format!("'{}'@'%'", plain("a user", name)?))
}

/// Makes the database that apps share.
pub(super) fn create_database(name: &str) -> Result<String, Fault> {
    let name = plain("a database", name)?;
    Ok(format!("CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4"))
}

/// Brings a plan's settings into force; `other` is not the server's.
pub(super) fn settings(settings: &Object, other: &str) -> Result<String, Fault> {
    let mut assignments = Vec::new();
    for (name, value) in settings.iter().filter(|(name, _)| *name != other) {
        if !SETTINGS.contains(&name.as_str()) {
            return Err(Fault::fatal(format!(
                "MariaDB takes no setting {name:?} while it runs: put it into its configuration \
                 file"
            )));
        }
        let number = value.as_u64().ok_or_else(|| {
            Fault::fatal(format!("the MariaDB setting {name} is not a whole number: {value}"))
        })?;
        assignments.push(format!("GLOBAL {name} = {number}"));
    }
    Ok(match assignments.len() {
        0 => String::new(),
        _ => format!("SET {}", assignments.join(", ")),
    })
}

/// Makes a user and all of its rights, whatever it could do before.
pub(super) fn grant(login: &Login<'_>) -> Result<String, Fault> {
    let Login { user, connection_limit, .. } = login;
    let password = plain("a password", login.password)?;
    // In a grant a database's name is a pattern.
    let database = plain("a database", login.database)?.replace('_', "\\_");
    let rights = if login.read_only { READ_ONLY } else { READ_WRITE };
    let mut statements = format!("CREATE USER IF NOT EXISTS {user};");
    write!(
        statements,
        "ALTER USER {user} IDENTIFIED BY '{password}'
           WITH MAX_USER_CONNECTIONS {connection_limit} ACCOUNT UNLOCK;
         REVOKE ALL PRIVILEGES, GRANT OPTION FROM {user};
         GRANT {rights} ON `{database}`.* TO {user};"
    )
    .expect("a String takes all");
    Ok(statements)
}

/// No login from now on.
pub(super) fn lock(user: &str) -> String {
    format!("ALTER USER {user} ACCOUNT LOCK")
}

/// Ends what a user has open.
pub(super) fn end_connections(user: &str) -> String {
    format!("KILL HARD CONNECTION USER {user}")
}

/// Removes a user.
pub(super) fn drop_user(user: &str) -> String {
    format!("DROP USER IF EXISTS {user}")
}

/// What needs no quoting wherever it stands.
fn plain<'a>(what: &str, text: &'a str) -> Result<&'a str, Fault> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits { Ok(text) } else { Err(Fault::fatal(format!("{what} has letters and digits alone"))) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FaultKind;

    fn login(read_only: bool) -> Login<'static> {
        Login {
            user: user("b1").unwrap(),
            password: "pw",
            database: "app_1",
            read_only,
            connection_limit: 7,
        }
    }

    #[test]
    fn a_grant_is_complete() {
        let statements = grant(&login(false)).unwrap();
        assert!(statements.contains("MAX_USER_CONNECTIONS 7 ACCOUNT UNLOCK"));
        assert!(statements.contains("ON `app\\_1`.* TO 'b1'@'%'"));
        assert!(grant(&login(true)).unwrap().contains("GRANT SELECT, SHOW VIEW ON"));
    }

    #[test]
    fn names_and_passwords_cannot_end_early() {
        for text in ["", "a'b", "a`b", "a\\", "a b", "a%", "é", "a\u{0}"] {
            assert_eq!(user(text).unwrap_err().kind, FaultKind::Fatal, "{text:?}");
            assert_eq!(create_database(text).unwrap_err().kind, FaultKind::Fatal, "{text:?}");
            let login = Login { password: text, ..login(false) };
            assert_eq!(grant(&login).unwrap_err().kind, FaultKind::Fatal, "{text:?}");
        }
    }

    #[test]
    fn settings_are_known_whole_numbers() {
        let of = |value: serde_json::Value| {
            settings(value.as_object().expect("an object"), "disk_bytes")
        };
        assert_eq!(of(json!({"disk_bytes": 5})).unwrap(), "");
        assert_eq!(of(json!({"max_connections": 7})).unwrap(), "SET GLOBAL max_connections = 7");
        for wrong in [json!({"datadir": 1}), json!({"max_connections": "7; DROP"})] {
            assert_eq!(of(wrong).unwrap_err().kind, FaultKind::Fatal);
        }
    }
}
