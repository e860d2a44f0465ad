//! The real host with real containers: needs root, a cgroup tree and a static busybox.

mod attaching;
mod consoles;
mod differential;
mod executing;
mod exhaustion;
mod file_systems;
mod full_disk;
mod isolation;
mod life;
mod limits;
mod names;
mod network;
mod recovery;
mod restarting;
mod sharing;
mod streaming;
mod usage;
mod volumes;
mod world;
