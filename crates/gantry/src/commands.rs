//! One module for each command.

pub mod admin;
pub mod agent;
pub mod balancer;
pub mod dns;
pub mod down;
pub mod env;
pub mod events;
pub mod image;
pub mod service;
pub mod task;
pub mod up;
