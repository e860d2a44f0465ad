//! Files and directories as a tar archive, out of a root directory and into one. No path leads out of the root, whatever
//! links are in it: the kernel resolves each one as if the root were the whole file system.
//!
//! The first entry of an archive is the thing itself and is called [`ROOT_NAME`]; what is in it comes after it, a
//! directory before its contents.

mod error;
mod pack;
mod pipe;
mod place;
mod root;
mod unpack;

#[cfg(test)]
mod tests;

pub use error::CopyError;
pub use pack::{Links, pack};
pub use pipe::{ChunkReader, ChunkWriter};
pub use root::Root;
pub use unpack::{Owners, Target, unpack};

/// Name of the first entry of an archive, and the first directory of all others.
pub const ROOT_NAME: &str = "root";
/// Deepest nesting of directories: each one is held open.
const DEPTH_MAX: usize = 256;
