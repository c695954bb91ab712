//! The matrices of §3.3 (asking again) and §3.7 (asking while something is in progress), cell by
//! cell: a state a row, a request a column, and what is answered where they meet.

mod bindings;
mod cells;
mod instances;
