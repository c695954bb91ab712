//! What the broker keeps and speaks of: plain types that know no storage, no HTTP and no engine.

pub mod binding;
pub mod fault;
pub mod fetch;
pub mod inside;
pub mod instance;
pub mod names;
pub mod operation;
pub mod progress;
pub mod scripts;
pub mod tls;
pub mod workload;

pub use binding::{Binding, BindingState};
pub use fault::{Fault, FaultKind};
pub use instance::{Instance, InstanceState};
pub use operation::{Kind, Operation, OperationState, Phase, Step, Target};
pub use progress::Progress;
pub use workload::Workload;

/// A JSON object with its keys in order.
pub type Object = serde_json::Map<String, serde_json::Value>;
