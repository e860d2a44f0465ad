//! End to end: the unmodified AWS CLI and boto3, a real Gantry, real containers on a real network.
//!
//! Run by `cargo xtask test`, as root. Each test has a Gantry of its own on a free port of loopback.

mod access_logs;
mod bad_input;
mod balanced_services;
mod blue_green;
mod capacity_providers;
mod certificates;
mod clients;
mod cloud_map;
mod code_deploy;
mod commands;
mod containers;
mod crashes;
mod daemons;
mod default_vpc;
mod environment_files;
mod events;
mod exec;
mod explanations;
mod faults;
mod file_systems;
mod filters;
mod full_example;
mod held_registry;
mod instance_targets;
mod life;
mod load_balancers;
mod logs;
mod names;
mod networks;
mod placement;
mod reach;
mod registry;
mod rollouts;
mod route_api;
mod secrets;
mod service_connect;
mod services;
mod task_metadata;
mod task_roles;
mod task_sets;
mod tasks;
mod upkeep;
mod vpc_api;
mod world;
