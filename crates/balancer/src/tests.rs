//! The balancer over loopback, with real sockets on both sides.

mod anomalies;
mod attributes;
mod classic;
mod counters;
mod encrypted;
mod faults;
mod fixture;
mod floods;
mod flows;
mod forwarding;
mod frames;
mod health;
mod hostile;
mod hot_changes;
mod idle;
mod leaving;
mod many_targets;
mod network;
mod odd_heads;
mod plain;
mod rules;
mod service_connect;
mod stalled;
mod stickiness;
mod upgrades;
mod zones;
