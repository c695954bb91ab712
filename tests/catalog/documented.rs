//! The offering that `docs/CATALOG.md` shows in full, of a private image.

use std::fs;
use std::path::Path;

use banquet::catalog::{Catalog, Files, lock};
use banquet::model::Object;
use banquet::model::scripts::Purpose;
use tempfile::TempDir;

use crate::{ENGINES, login, told, workload};

/// Writes what the page shows as files: a path in bold, then a block.
fn write(folder: &Path) {
    let page = include_str!("../../docs/CATALOG.md");
    for section in page.split("\n**").skip(1) {
        let Some((path, rest)) = section.split_once("**\n```") else { continue };
        let block = rest.split_once('\n').unwrap().1.split("\n```").next().unwrap();
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{block}\n")).unwrap();
    }
}

#[test]
fn the_documented_offering_loads() {
    let folder = TempDir::new().unwrap();
    write(folder.path());
    let ids = lock::updated(&Files::read(folder.path()).unwrap()).unwrap();
    fs::write(folder.path().join(lock::FILE), ids).unwrap();
    let files = Files::read(folder.path()).unwrap();
    assert_eq!(files.0.len(), 5);

    let catalog = Catalog::load(files, &ENGINES).map_err(|m| told(&m)).unwrap();
    let ledger = catalog.offering_named("ledger").unwrap();
    let workload = workload(ledger, &ledger.plans[0], &Object::new()).unwrap();
    let server = &workload.containers[0];
    assert_eq!(server.image.reference, "registry.example.com/team/ledger:1.4");
    assert_eq!(server.image.build, None);
    assert!(server.files[0].content.expose().contains("currency = \"EUR\"\n"));
    assert_eq!(workload.scripts[&Purpose::Revoke].command, ["ledgerctl", "revoke"]);
    let credentials = login(&workload, &ledger.schemas.bind.with_defaults(&Object::new())).unwrap();
    assert_eq!(credentials["access"], "read_write");
}
