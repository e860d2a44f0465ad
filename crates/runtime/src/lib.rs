//! Linux execution: images on disk, namespaces, cgroups, root file systems, networks, the shim.

pub mod images;
pub mod network;
