//! The catalog as its writers and its readers meet it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod documented;
mod hostile;
mod mistakes;
mod registration;
mod rendering;
mod scripts;

use std::path::{Path, PathBuf};

use banquet::catalog::{Catalog, Files, Inputs, Login, Mistake, Offering, Plan, credentials, lock};
use banquet::model::{Object, Workload};
use banquet::secret::Secret;
use serde_json::Value;

const ENGINES: [&str; 5] = ["kafka", "mysql", "redis", "postgres", "scripted"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog").join(name)
}

fn shipped() -> Catalog {
    let engines = banquet::engine::engines();
    let names: Vec<&str> = engines.keys().map(String::as_str).collect();
    Catalog::load(Files::shipped(), &names).map_err(|m| told(&m)).unwrap()
}

/// The `echo` fixture alone, each of `changes` (file, old, new) made once.
fn echo(changes: &[(&str, &str, &str)]) -> Files {
    let mut files = Files::default();
    for (path, bytes) in Files::read(&folder("echo")).unwrap().0 {
        let mut text = String::from_utf8(bytes.to_vec()).unwrap();
        for (_, old, new) in changes.iter().filter(|change| change.0 == path) {
            assert!(text.contains(old), "{path} has no {old}");
            text = text.replacen(old, new, 1);
        }
        files.0.insert(format!("echo/{path}"), text.into());
    }
    let ids = "[echo]\nid = \"e\"\n[echo.plans]\none = \"e1\"\ntwo = \"e2\"\n";
    files.0.insert(lock::FILE.to_owned(), ids.into());
    files
}

/// What clients would verify an instance by.
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn told(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("an object") };
    object
}

fn workload(offering: &Offering, plan: &Plan, parameters: &Object) -> Result<Workload, Mistake> {
    let password = Secret::from("AdminAdminAdminAdminAdminAdmin01");
    let inputs = Inputs { key: "0123456789abcdef", parameters, admin_password: &password };
    offering.workload(plan, &inputs)
}

fn login(workload: &Workload, parameters: &Object) -> Result<Object, String> {
    let ports = workload.port_names().map(str::to_owned).zip(20_000..).collect();
    credentials(
        &workload.credentials,
        &Login {
            host: "127.0.0.1",
            ports: &ports,
            user: "bfedcba9876543210",
            password: &Secret::from("BindingBindingBindingBinding0001"),
            database: workload.admin.database.as_deref(),
            tls: workload.tls,
            authority: workload.tls.is_on().then_some(AUTHORITY),
            parameters,
        },
    )
}

/// Reviewed renderings, in `golden/`; made anew with `INSTA_UPDATE=always`.
fn golden() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}
