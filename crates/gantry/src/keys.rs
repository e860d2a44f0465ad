//! Keys on disk: the root's access key, the agent's, and the master key that values are encrypted under.

use anyhow::{Context, Result, bail};
use control_plane::MasterKey;
use serde::{Deserialize, Serialize};

use crate::data_dir::{DataDir, read_json, write_json};

/// Sets the root key, for CI.
pub const ROOT_ID_VARIABLE: &str = "GANTRY_ROOT_ACCESS_KEY_ID";
/// See [`ROOT_ID_VARIABLE`].
pub const ROOT_SECRET_VARIABLE: &str = "GANTRY_ROOT_SECRET_ACCESS_KEY";

/// A key pair.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// `AKIA…`
    pub access_key_id: String,
    /// Forty characters, as Amazon's.
    pub secret_access_key: String,
}

/// The root key: what the environment says, else the one kept, else a new one.
pub fn root(data_dir: &DataDir) -> Result<Key> {
    match (variable(ROOT_ID_VARIABLE), variable(ROOT_SECRET_VARIABLE)) {
        (Some(access_key_id), Some(secret_access_key)) => {
            let key = Key {
                access_key_id,
                secret_access_key,
            };
            check(&key)?;
            write_json(&data_dir.key_file("root"), &key)?;
            Ok(key)
        }
        (None, None) => kept_or_new(data_dir, "root"),
        _ => bail!("set both {ROOT_ID_VARIABLE} and {ROOT_SECRET_VARIABLE}, or neither"),
    }
}

/// The key of this host's agent.
pub fn agent(data_dir: &DataDir) -> Result<Key> {
    kept_or_new(data_dir, "agent")
}

/// What parameters and secrets are encrypted under. Without it they cannot be read.
pub fn master(data_dir: &DataDir) -> Result<MasterKey> {
    sealing(data_dir, "master").map(MasterKey)
}

/// The key that seals authorization tokens of the registry: those of an earlier run hold.
pub fn registry(data_dir: &DataDir) -> Result<[u8; 32]> {
    sealing(data_dir, "registry")
}

/// 32 bytes in hexadecimal.
#[derive(Serialize, Deserialize)]
struct SealingKey {
    key: String,
}

/// Made at the first start, and kept.
fn sealing(data_dir: &DataDir, name: &str) -> Result<[u8; 32]> {
    let path = data_dir.key_file(name);
    let mut key = [0; 32];
    if let Some(kept) = read_json::<SealingKey>(&path)? {
        hex::decode_to_slice(&kept.key, &mut key)
            .with_context(|| format!("{} is damaged", path.display()))?;
        return Ok(key);
    }
    getrandom::fill(&mut key).context("the operating system gives no random bytes")?;
    let text = hex::encode(key);
    write_json(&path, &SealingKey { key: text })?;
    Ok(key)
}

/// A key that an earlier run made.
pub fn kept(data_dir: &DataDir, name: &str) -> Result<Option<Key>> {
    read_json(&data_dir.key_file(name))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn kept_or_new(data_dir: &DataDir, name: &str) -> Result<Key> {
    if let Some(key) = kept(data_dir, name)? {
        return Ok(key);
    }
    let key = Key {
        access_key_id: format!("AKIA{}", random_text(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")?),
        secret_access_key: random_text(
            40,
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        )?,
    };
    write_json(&data_dir.key_file(name), &key)?;
    Ok(key)
}

/// Both alphabets have a power of two of letters, so that a byte's low bits choose evenly.
fn random_text(length: usize, alphabet: &[u8]) -> Result<String> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).context("the operating system gives no random bytes")?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]))
        .collect())
}

fn check(key: &Key) -> Result<()> {
    let is_word = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !(16..=128).contains(&key.access_key_id.len()) || !is_word(&key.access_key_id) {
        bail!("{ROOT_ID_VARIABLE} must have 16 to 128 letters, digits or underscores");
    }
    if key.secret_access_key.len() < 16 || key.secret_access_key.chars().any(char::is_whitespace) {
        bail!("{ROOT_SECRET_VARIABLE} must have at least 16 characters and no spaces");
    }
    Ok(())
}
