//! What this instance calls its things on the host, so that several data directories do not meet.

use sha2::{Digest, Sha256};

use super::NetworkError;

/// Interface names have at most 15 bytes, of which a few go to `-` and a number.
const MAX_INSTANCE_BYTES: usize = 8;

/// Names derived from that of the instance.
#[derive(Clone, Debug)]
pub(super) struct Names {
    instance: String,
}

impl Names {
    pub(super) fn new(instance: &str) -> Result<Self, NetworkError> {
        let starts_well = instance.starts_with(|c: char| c.is_ascii_lowercase());
        let is_plain = instance
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !starts_well || !is_plain || instance.len() > MAX_INSTANCE_BYTES {
            return Err(NetworkError::InvalidConfig(format!(
                "instance name `{instance}`: at most {MAX_INSTANCE_BYTES} lower-case letters and digits, \
                 a letter first"
            )));
        }
        Ok(Self {
            instance: instance.to_owned(),
        })
    }

    /// The nftables table, in the host and in each VPC.
    pub(super) fn table(&self) -> &str {
        &self.instance
    }

    /// The bridge of the host.
    pub(super) fn bridge(&self) -> String {
        format!("{}0", self.instance)
    }

    /// The host's end of the link to the VPC with this number.
    pub(super) fn vpc_link(&self, number: u32) -> String {
        format!("{}-{number}", self.instance)
    }

    /// Matches every [`vpc_link`](Self::vpc_link) in nftables, and nothing else of ours.
    pub(super) fn vpc_link_pattern(&self) -> String {
        format!("{}-*", self.instance)
    }
}

/// A name that fits an interface and tells whose it is: the first characters of the key, and a hash of all of it.
/// Another `attempt` gives another name.
pub(super) fn interface(key: &str, attempt: u32) -> String {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(attempt.to_be_bytes());
    let start: String = key.chars().filter(char::is_ascii_alphanumeric).take(6).collect();
    format!("{start}{}", hex::encode(&hash.finalize()[..4]))
}

/// A file name for a key, which may hold a slash and be long.
pub(super) fn file_stem(key: &str) -> String {
    let start: String = key.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("{start}-{}", hex::encode(&Sha256::digest(key)[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_interfaces() {
        let names = Names::new("gantry12").unwrap();
        assert!(names.vpc_link(511).len() <= 15);
        assert!(names.bridge().len() <= 15);
        let key = "0123456789abcdef0123456789abcdef/a-long-name-of-a-container";
        assert!(interface(key, 0).len() <= 15);
        assert_ne!(interface(key, 0), interface(key, 1));
        assert_ne!(file_stem(key), file_stem("0123456789abcdef0123456789abcdef"));
    }

    #[test]
    fn an_instance_name_that_nft_or_the_kernel_would_refuse_is_refused() {
        for name in ["", "Gantry", "0gantry", "gantry-1", "gantryninenine", "a\"b"] {
            assert!(Names::new(name).is_err(), "{name}");
        }
    }
}
