//! Endpoint ids: what a container names itself by in the URIs that it is given.
//!
//! An id follows from the container and a key of this agent, so that nobody guesses it and it is the same again after
//! a restart of the agent.

use std::io;
use std::path::Path;

use domain::ids::Ids;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::tasks::record::replace;

/// File of the key in the agent's folder.
const KEY_FILE: &str = "endpoint.key";
/// Bytes of the first part of an id.
const FIRST_BYTES: usize = 16;

/// Makes the ids of all containers of this host.
#[derive(Clone)]
pub struct EndpointIds {
    key: Vec<u8>,
}

impl EndpointIds {
    /// With the key in the agent's folder, which is made if there is none.
    ///
    /// # Errors
    /// The file can be neither read nor written.
    pub fn open(folder: &Path, ids: &Ids) -> io::Result<Self> {
        let file = folder.join(KEY_FILE);
        match std::fs::read(&file) {
            Ok(key) if !key.is_empty() => return Ok(Self { key }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let key = format!("{}{}", ids.hex_32(), ids.hex_32()).into_bytes();
        replace(&file, &key)?;
        Ok(Self { key })
    }

    /// `<32 hexadecimal digits>-<digits>`
    pub fn of(&self, task_id: &str, container: &str) -> String {
        // A key of any length will do.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return String::new();
        };
        mac.update(task_id.as_bytes());
        mac.update(b"/");
        mac.update(container.as_bytes());
        let code = mac.finalize().into_bytes();
        let (first, rest) = code.split_at(FIRST_BYTES);
        let first: String = first.iter().map(|byte| format!("{byte:02x}")).collect();
        let number = rest
            .iter()
            .take(4)
            .fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        format!("{first}-{number:010}")
    }
}
