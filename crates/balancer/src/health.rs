//! Whether targets are healthy.

pub(crate) mod machine;
