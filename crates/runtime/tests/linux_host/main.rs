//! The real host with real containers: needs root, a cgroup tree and a static busybox.

mod isolation;
mod life;
mod limits;
mod network;
mod recovery;
mod world;
