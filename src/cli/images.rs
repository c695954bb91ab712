//! `banquet images …`.

use clap::Subcommand;

use super::context::Context;
use super::failure::Failure;

/// Images of the catalog.
#[derive(Debug, Subcommand)]
pub(super) enum Images {
    /// x
    List,
}

impl Images {
    pub(super) async fn run(self, _context: &Context) -> Result<(), Failure> {
        todo!()
    }
}
