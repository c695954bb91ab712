use banquet::catalog::{Catalog, Files, lock};
#[test]
fn shipped_loads() {
    let files = Files::shipped();
    match lock::updated(&files) {
        Ok(text) => std::fs::write("/tmp/lock.txt", text).unwrap(),
        Err(e) => panic!("{}", e.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
    if let Err(e) = Catalog::load(files, &["redis", "postgres"]) {
        panic!("{}", e.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}
