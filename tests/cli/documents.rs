//! Help and generated documents.

use std::path::Path;

fn is_current(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::vars_os().any(|(name, _)| name == "UPDATE_DOCS") {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{} is not what the program says: refresh it with `UPDATE_DOCS=1 cargo test --test cli`",
        path.display()
    );
}

#[test]
fn the_command_line_hangs_together() {
    banquet::cli::command().debug_assert();
}

#[test]
fn the_reference_of_the_command_line_is_current() {
    is_current("docs/CLI.md", &banquet::cli::reference());
}

#[test]
fn the_reference_of_the_settings_is_current() {
    is_current("docs/CONFIG.md", &banquet::config::reference());
}

#[test]
fn the_page_about_the_offerings_is_current() {
    let catalog =
        banquet::app::source(None).load().unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let page = catalog.document();
    is_current("docs/OFFERINGS.md", &page);
    let untold: Vec<&str> = page.lines().filter(|line| line.ends_with("|  |")).collect();
    let fields = untold.iter().filter(|line| line.matches('|').count() == 3);
    assert_eq!(fields.count(), 0, "src/catalog/document.rs does not tell of them: {untold:?}");
    for offering in &catalog.offerings {
        let example = format!("{}/example.py", offering.name);
        assert!(catalog.files.0.contains_key(&example), "there is no {example}");
    }
}

#[test]
fn every_command_says_what_it_does() {
    fn look(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
        command.get_subcommands().for_each(look);
    }
    look(&banquet::cli::command());
}
