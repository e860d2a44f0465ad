//! What end-to-end tests, the demo and the benchmarks share: a sample image, a Gantry to talk to, the AWS CLI.

pub mod aws;
pub mod gantry;
pub mod sample_image;
pub mod wait;
