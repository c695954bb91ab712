//! `image` of an offering's file.

use serde_json::Value;

use super::super::mistakes::Report;
use super::super::yaml::{At, Fields, Node, Tree};

/// `image`: what containers run unless they say otherwise.
#[derive(Debug, Default)]
pub(in crate::catalog) struct ImageFile {
    pub(in crate::catalog) reference: At<String>,
    /// The line of `build`, where it is asked for.
    pub(in crate::catalog) build: Option<usize>,
    /// What is fetched for the build.
    pub(in crate::catalog) fetch: Vec<FetchFile>,
}

/// An entry of `fetch`: one file by `url` and `sha256`, or the jars that a file of `image/` lists.
#[derive(Debug)]
pub(in crate::catalog) struct FetchFile {
    pub(in crate::catalog) url: Option<At<String>>,
    pub(in crate::catalog) sha256: Option<At<String>>,
    pub(in crate::catalog) maven: Option<At<String>>,
    /// The file's path, or the jars' folder.
    pub(in crate::catalog) into: At<String>,
}

impl ImageFile {
    pub(super) fn from(node: &Node, report: Report<'_>) -> Self {
        let mut fields = Fields::of(node, "`image`", report);
        let reference = fields.text("ref");
        let build = fields.optional("build").and_then(|node| match &node.tree {
            Tree::Scalar(Value::Bool(build)) => build.then_some(node.line),
            Tree::Scalar(Value::String(folder)) if folder == "image" => Some(node.line),
            Tree::Scalar(_) | Tree::List(_) | Tree::Map(_) => {
                report.at(node.line, "`build` is `true`, `false` or `image`, the folder's name");
                None
            }
        });
        let fetch = fields.list("fetch").iter().map(|node| FetchFile::from(node, report)).collect();
        fields.end();
        Self { reference, build, fetch }
    }
}

impl FetchFile {
    fn from(node: &Node, report: Report<'_>) -> Self {
        let mut fields = Fields::of(node, "an entry of `fetch`", report);
        let fetch = Self {
            url: fields.optional_text("url"),
            sha256: fields.optional_text("sha256"),
            maven: fields.optional_text("maven"),
            into: fields.text("into"),
        };
        fields.end();
        fetch
    }
}
