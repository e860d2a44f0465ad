//! The balancer over loopback, with real sockets on both sides.

mod encrypted;
mod faults;
mod fixture;
mod forwarding;
mod health;
mod hot_changes;
mod hostile;
mod network;
mod rules;
mod stickiness;
mod upgrades;
