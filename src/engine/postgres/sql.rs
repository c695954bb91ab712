//! Every statement that takes no parameters, and their quoting.

use std::fmt::Write;

use super::access::Access;
use crate::model::Fault;

/// Brings a changed `postgresql.conf`, or another certificate, into force.
pub(super) const RELOAD: &str = "SELECT pg_reload_conf()";

/// A user to be made, or made like this again.
pub(super) struct Login<'a> {
    /// Quoted, from [`role`].
    pub(super) role: String,
    pub(super) database: &'a str,
    pub(super) access: Access,
    pub(super) connection_limit: u64,
    /// `infinity`, or when logging in ends.
    pub(super) valid_until: String,
    /// `SCRAM-SHA-256$…`
    pub(super) verifier: &'a str,
}

/// The group roles that apps work as.
pub(super) fn groups() -> String {
    Access::ALL.map(|access| create_if_absent(access.group(), "NOLOGIN")).concat()
}

/// The owner stays the superuser: an owner could rename or drop the database.
pub(super) fn create_database(database: &str) -> String {
    format!("CREATE DATABASE {}", identifier(database))
}

/// Who may enter which database.
pub(super) fn database_rights(database: &str) -> String {
    let database = identifier(database);
    format!(
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC;
         REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;
         REVOKE CONNECT ON DATABASE template1 FROM PUBLIC;
         GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO app_owner;
         GRANT CONNECT, TEMPORARY ON DATABASE {database} TO app_rw;
         GRANT CONNECT ON DATABASE {database} TO app_ro;"
    )
}

/// What the groups may do with what `app_owner` makes. The public schema is the apps' own: one that
/// they dropped is not made again.
pub(super) fn schema_rights() -> String {
    "DO $$ BEGIN
       IF to_regnamespace('public') IS NOT NULL THEN
         ALTER SCHEMA public OWNER TO app_owner;
         REVOKE ALL ON SCHEMA public FROM PUBLIC;
         GRANT USAGE ON SCHEMA public TO app_rw, app_ro;
       END IF;
     END $$;
     ALTER DEFAULT PRIVILEGES FOR ROLE app_owner
       GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app_rw;
     ALTER DEFAULT PRIVILEGES FOR ROLE app_owner
       GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO app_rw;
     ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT SELECT ON TABLES TO app_ro;
     ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT SELECT ON SEQUENCES TO app_ro;
     ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT USAGE ON SCHEMAS TO app_rw, app_ro;
     ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
     ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT EXECUTE ON FUNCTIONS TO app_rw, app_ro;"
        .to_owned()
}

/// Makes a user and all of its rights, whatever it could do before. Every session starts as the
/// group, so that the group owns what it makes; `SET ROLE NONE` gets around that, and then the
/// default privileges let the others use it until the user is removed.
pub(super) fn grant(login: &Login<'_>) -> String {
    let Login { role, database, access, connection_limit, valid_until, verifier } = login;
    let (database, group) = (identifier(database), access.group());
    let read_only = match access {
        Access::Owner | Access::ReadWrite => "RESET default_transaction_read_only",
        // A comfort; what protects is that the group holds no right to write.
        Access::ReadOnly => "SET default_transaction_read_only = on",
    };
    let mut statements = create_if_absent(role, "");
    write!(
        statements,
        "ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
           CONNECTION LIMIT {connection_limit} PASSWORD {verifier} VALID UNTIL {valid_until};
         REVOKE app_owner, app_rw, app_ro FROM {role};
         GRANT {group} TO {role};
         ALTER ROLE {role} IN DATABASE {database} SET role = {group};
         ALTER ROLE {role} IN DATABASE {database} {read_only};",
        verifier = literal(verifier),
        valid_until = literal(valid_until),
    )
    .expect("a String takes all");
    for objects in ["TABLES", "SEQUENCES", "FUNCTIONS", "TYPES", "SCHEMAS"] {
        write!(
            statements,
            "ALTER DEFAULT PRIVILEGES FOR ROLE {role} GRANT ALL ON {objects} TO app_owner;"
        )
        .expect("a String takes all");
    }
    statements
}

/// Before anything else is taken from a user.
pub(super) fn no_login(role: &str) -> String {
    format!("ALTER ROLE {role} NOLOGIN")
}

/// In this order: what is still owned would be dropped, with its data.
pub(super) fn hand_over(role: &str) -> String {
    format!("REASSIGN OWNED BY {role} TO app_owner; DROP OWNED BY {role};")
}

/// A prepared transaction outlives its session and keeps what it locked.
pub(super) fn rollback_prepared(transaction: &str) -> String {
    format!("ROLLBACK PREPARED {}", literal(transaction))
}

/// Fails while the role owns anything in any database.
pub(super) fn drop_role(role: &str) -> String {
    format!("DROP ROLE IF EXISTS {role}")
}

/// A user's name as SQL. Ours are letters and digits; anything else is a mistake of the caller.
///
/// # Errors
/// `Fatal` for a name that needs escaping or is too long.
pub(super) fn role(user: &str) -> Result<String, Fault> {
    let fine = (1..=63).contains(&user.len())
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fine {
        Ok(identifier(user))
    } else {
        Err(Fault::fatal(format!("{user:?} is no name for a PostgreSQL user")))
    }
}

/// `CREATE ROLE` has no `IF NOT EXISTS`; what it reports depends on when the other was made.
fn create_if_absent(role: &str, options: &str) -> String {
    format!(
        "DO $$ BEGIN CREATE ROLE {role} {options};
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"
    )
}

/// A name as SQL. PostgreSQL knows no zero byte: what follows one would be lost.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

/// A text as SQL, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    let text = text.replace('\0', "").replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\"))
    } else {
        format!("'{text}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_end_early() {
        assert_eq!(identifier("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
        assert_eq!(identifier("a\0b"), "\"ab\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }

    #[test]
    fn users_are_letters_and_digits() {
        assert_eq!(role("b0123456789abcdef").unwrap(), "\"b0123456789abcdef\"");
        for user in ["", "a b", "a\"b", "a$$b", "é", &"b".repeat(64)] {
            assert!(role(user).is_err(), "{user:?}");
        }
    }

    #[test]
    fn a_grant_takes_away_before_it_gives() {
        let statements = grant(&Login {
            role: "\"b1\"".to_owned(),
            database: "my-app",
            access: Access::ReadOnly,
            connection_limit: 3,
            valid_until: "infinity".to_owned(),
            verifier: "SCRAM-SHA-256$4096:x",
        });
        let at = |text: &str| statements.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(at("REVOKE app_owner, app_rw, app_ro FROM \"b1\"") < at("GRANT app_ro TO \"b1\""));
        at("CONNECTION LIMIT 3 PASSWORD 'SCRAM-SHA-256$4096:x'");
        at("ALTER ROLE \"b1\" IN DATABASE \"my-app\" SET default_transaction_read_only = on");
    }
}
