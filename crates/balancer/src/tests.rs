//! The balancer over loopback, with real sockets on both sides.

mod encrypted;
mod faults;
mod fixture;
mod forwarding;
mod health;
mod hostile;
mod hot_changes;
mod network;
mod rules;
mod stickiness;
mod upgrades;
