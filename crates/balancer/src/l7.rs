//! Application Load Balancers: requests.

pub(crate) mod cookies;
pub(crate) mod head;
