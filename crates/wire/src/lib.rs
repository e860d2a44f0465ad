//! AWS protocols without IO: schema, codecs, routing, signatures, errors.
//!
//! ```text
//!  request ──route──▶ service, operation, protocol ──sigv4──▶ who signs
//!     body ──json / form──▶ shapes (generated, in `api`) ──json / xml──▶ answer
//! ```

pub mod client;
pub mod data_channel;
pub mod ec2;
pub mod error;
pub mod exec_channel;
pub mod json;
pub mod query;
pub mod rest;
pub mod route;
pub mod s3;
pub mod shape;
pub mod sigv4;
pub mod stream_channel;

pub use error::{ErrorAnswer, ServiceError};
pub use shape::{DecodeError, Operation, Service, ServiceProtocol, Value, ValueReader, ValueWriter};
