//! A catalog's folder, worked on without a broker.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::catalog::{Catalog, Files, Mistake, lock};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};

/// The folder that was named, else the one in the settings; none: the catalog inside the program.
fn folder(context: &Context, named: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    named.map_or_else(|| Ok(context.config(Vec::new())?.catalog), |folder| Ok(Some(folder)))
}

/// Reads and checks a catalog.
pub(in crate::cli) fn load(folder: Option<&Path>) -> Result<Catalog, Vec<Mistake>> {
    crate::app::source(folder.map(Path::to_owned)).load()
}

/// The mistakes as `folder/file:line: message`, so that an editor finds the place.
pub(in crate::cli) fn told(folder: Option<&Path>, mistakes: &[Mistake]) -> Vec<String> {
    let place = |mistake: &Mistake| match folder {
        Some(folder) if mistake.file.is_empty() => {
            format!("{}: {}", folder.display(), mistake.message)
        }
        Some(folder) => format!("{}/{mistake}", folder.display()),
        None => mistake.to_string(),
    };
    mistakes.iter().map(place).collect()
}

/// `banquet catalog validate`.
pub(super) fn validate(context: &Context, named: Option<PathBuf>) -> Result<(), Failure> {
    let folder = folder(context, named)?;
    let folder = folder.as_deref();
    match load(folder) {
        Ok(catalog) => {
            let plans: usize = catalog.offerings.iter().map(|offering| offering.plans.len()).sum();
            let offerings = catalog.offerings.len();
            let result = json!({"mistakes": [], "offerings": offerings, "plans": plans});
            let text = || format!("no mistakes: {offerings} offerings with {plans} plans");
            context.output.print(&result, text)
        }
        Err(mistakes) => {
            let list: Vec<_> = mistakes
                .iter()
                .map(|m| json!({"file": m.file, "line": m.line, "message": m.message}))
                .collect();
            let text = || told(folder, &mistakes).join("\n");
            context.output.print(&json!({"mistakes": list}), text)?;
            let many = if mistakes.len() == 1 { "a mistake" } else { "mistakes" };
            Err(Failure::new(Exit::Failed, format!("the catalog has {many}")))
        }
    }
}

/// `banquet catalog docs`.
pub(super) fn docs(context: &Context, named: Option<PathBuf>) -> Result<(), Failure> {
    let folder = folder(context, named)?;
    let folder = folder.as_deref();
    let catalog = load(folder).map_err(|mistakes| {
        let all = told(folder, &mistakes).join("\n");
        Failure::new(Exit::Failed, format!("the catalog has mistakes:\n{all}"))
    })?;
    let page = catalog.document();
    context.output.print(&json!({ "markdown": page }), || page.trim_end().to_owned())
}

/// `banquet catalog lock`.
pub(super) fn lock(context: &Context, named: Option<PathBuf>) -> Result<(), Failure> {
    let folder = folder(context, named)?.ok_or_else(|| {
        Failure::usage("the catalog inside the program cannot be changed")
            .next("name a folder: `banquet catalog lock catalog`")
    })?;
    let text = Files::read(&folder)
        .and_then(|files| lock::updated(&files))
        .map_err(|mistakes| Failure::several(Exit::Failed, told(Some(&folder), &mistakes)))?;
    let path = folder.join("catalog.lock");
    let changed = fs::read_to_string(&path).ok().as_deref() != Some(&text);
    if changed {
        replace(&path, &text).map_err(|error| {
            Failure::new(Exit::Failed, format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    context.output.print(&json!({"path": path, "changed": changed}), || {
        let done = if changed { "written" } else { "as it should be" };
        format!("{} is {done}", path.display())
    })
}

/// All of it or nothing: ids that are lost are never made again.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("lock.new");
    fs::write(&beside, text)?;
    fs::File::open(&beside)?.sync_all()?;
    fs::rename(&beside, path)
}
