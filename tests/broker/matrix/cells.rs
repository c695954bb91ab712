//! How a cell is written, asked and told.

use axum::http::Method;
use serde_json::Value;

use crate::harness::*;

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Just this status.
    Is(u16),
    /// 202 with an operation that nobody knew before, or what it comes to if that ends at once.
    Begins,
    /// 202 with the operation that is there already.
    Same,
    /// 422 with the specification's word.
    Word(&'static str),
    /// 200 with this state, for last_operation.
    State(&'static str),
}

pub(super) use Cell::{Begins, Is, Same, State, Word};

/// Something else runs that does not let this happen now.
pub(super) const BUSY: Cell = Word("ConcurrencyError");

/// One request of the columns.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Value,
}

/// Asks what a column asks and compares; `operation`: of what runs or ran last.
pub(super) fn ask(broker: &Broker, row: &str, column: &Column, operation: &str, cell: Cell) {
    let reply = broker.ask(column.method.clone(), &column.path, &column.body);
    let place = format!("{row} × {}: {} {}", column.name, reply.status, reply.body);
    match cell {
        Is(status) => assert_eq!(reply.status, status, "{place}"),
        Begins => {
            assert_eq!(reply.status, 202, "{place}");
            assert_ne!(reply.operation(), operation, "{place}");
        }
        Same => {
            assert_eq!(reply.status, 202, "{place}");
            assert_eq!(reply.operation(), operation, "{place}");
        }
        Word(word) => {
            assert_eq!((reply.status, &reply.body["error"]), (422, &word.into()), "{place}");
        }
        State(state) => {
            assert_eq!((reply.status, &reply.body["state"]), (200, &state.into()), "{place}");
        }
    }
}
