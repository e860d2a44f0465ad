//! The image store as its users see it.

mod archives;
mod faults;
mod fixtures;
mod full_disk;
mod layers;
mod pulls;
mod registry;
mod sharing;
