//! The resolver over loopback, with real sockets on both sides.

mod fixture;
mod forwarding;
mod serving;
