//! What end-to-end tests, the demo and the benchmarks share: a sample image, a Gantry to talk to, the AWS CLI,
//! a second host, a Docker Engine to compare with, and a count of what tasks hold of the machine.

pub mod aws;
pub mod disk;
pub mod docker;
pub mod gantry;
pub mod leaks;
pub mod sample_image;
pub mod second_host;
pub mod wait;

/// The digest of some content, as OCI writes it.
pub fn sha256(content: &[u8]) -> String {
    use sha2::Digest;
    format!("sha256:{}", hex::encode(sha2::Sha256::digest(content)))
}
