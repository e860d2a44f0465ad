//! Whether targets are healthy: [`machine`] decides, [`checker`] asks when it is time, [`probe`] asks once.

pub(crate) mod checker;
pub mod machine;
mod probe;
