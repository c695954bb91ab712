//! The program carries `catalog/`; a file that is new there must be noticed.

fn main() {
    println!("cargo:rerun-if-changed=catalog");
}
