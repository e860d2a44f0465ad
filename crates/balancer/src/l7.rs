//! Application Load Balancers: requests.
//!
//! ```text
//!  client ─► plain ─┬──────────────────────────────────────────────────► target   heads without bodies
//!                   └─► guard ─► hyper ─► handle ─► decide ─┬─► answer            redirects, fixed responses, errors
//!                       (heads,           (checks)          ├─► forward ─► upstream ─► target
//!                        silence)                           └─► tunnel            WebSocket and the like
//! ```

pub(crate) mod answer;
pub(crate) mod body;
mod chunks;
pub(crate) mod client_socket;
pub(crate) mod connection;
pub(crate) mod cookies;
mod ending;
mod forward;
mod gate;
mod guard;
mod handle;
pub(crate) mod head;
mod headers;
mod host;
pub(crate) mod idle;
mod metered;
mod plain;
pub(crate) mod record;
mod redirect;
mod sending;
mod sent_frames;
mod sticky;
mod tunnel;
mod words;
