//! Identifiers in the forms that Amazon gives them, from one seedable source.

use parking_lot::Mutex;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// Makes ids. Not for secrets: those come from the operating system.
pub struct Ids(Mutex<ChaCha12Rng>);

impl Ids {
    /// The same seed gives the same ids in the same order.
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self(Mutex::new(ChaCha12Rng::from_seed(seed)))
    }

    /// 32 hexadecimal digits: tasks, container instances.
    pub fn hex_32(&self) -> String {
        format!("{:032x}", self.0.lock().random::<u128>())
    }

    /// 16 hexadecimal digits: load balancers, listeners, rules, target groups.
    pub fn hex_16(&self) -> String {
        format!("{:016x}", self.0.lock().random::<u64>())
    }

    /// What a choice between equals starts from.
    pub fn seed(&self) -> u64 {
        self.0.lock().random()
    }

    /// 17 hexadecimal digits after a prefix: `eni-…`, `subnet-…`, `i-…`.
    pub fn ec2(&self, prefix: &str) -> String {
        let low = self.0.lock().random::<u128>() & ((1 << 68) - 1);
        format!("{prefix}-{low:017x}")
    }

    /// A random UUID: containers, attachments, events.
    pub fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.0.lock().fill_bytes(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    /// `ecs-svc/<19 digits>`: deployments.
    pub fn deployment(&self) -> String {
        format!(
            "ecs-svc/{}",
            self.0
                .lock()
                .random_range(1_000_000_000_000_000_000_u64..=9_223_372_036_854_775_807)
        )
    }

    /// 21 letters, digits, `-` and `_`: service deployments.
    pub fn service_deployment(&self) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        let mut bytes = [0_u8; 21];
        self.0.lock().fill_bytes(&mut bytes);
        bytes
            .map(|it| char::from(LETTERS[usize::from(it % 64)]))
            .iter()
            .collect()
    }

    /// `d-` and nine capital letters and digits: deployments of CodeDeploy.
    pub fn code_deploy_deployment(&self) -> String {
        const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let mut source = self.0.lock();
        let letters = (0..9).map(|_| char::from(LETTERS[source.random_range(0..LETTERS.len())]));
        format!("d-{}", letters.collect::<String>())
    }

    /// A prefix and 16 small letters and digits: `ns-…` and `srv-…` of Cloud Map.
    pub fn cloud_map(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.small_letters(16))
    }

    /// 32 small letters and digits, and eight more: operations of Cloud Map.
    pub fn cloud_map_operation(&self) -> String {
        format!("{}-{}", self.small_letters(32), self.small_letters(8))
    }

    fn small_letters(&self, count: usize) -> String {
        const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        self.letters(LETTERS, count)
    }

    /// `Z` and 20 capital letters and digits: hosted zones of Route 53.
    pub fn hosted_zone(&self) -> String {
        const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        format!("Z{}", self.letters(LETTERS, 20))
    }

    fn letters(&self, letters: &[u8], count: usize) -> String {
        let mut source = self.0.lock();
        (0..count)
            .map(|_| char::from(letters[source.random_range(0..letters.len())]))
            .collect()
    }

    /// Six letters and digits: the end of a secret's ARN.
    pub fn secret_suffix(&self) -> String {
        const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut source = self.0.lock();
        (0..6)
            .map(|_| char::from(LETTERS[source.random_range(0..LETTERS.len())]))
            .collect()
    }

    /// A prefix and 17 capital letters and digits: `AROA…` of a role.
    pub fn iam(&self, prefix: &str) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut bytes = [0_u8; 17];
        self.0.lock().fill_bytes(&mut bytes);
        let letters = bytes.map(|it| char::from(LETTERS[usize::from(it % 32)]));
        format!("{prefix}{}", letters.iter().collect::<String>())
    }

    /// A locally administered MAC address.
    pub fn mac_address(&self) -> String {
        let bits = self.0.lock().random::<u64>();
        let bytes = bits.to_le_bytes();
        format!(
            "02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}",
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_amazons_forms_and_follow_the_seed() {
        let ids = Ids::seeded([7; 32]);
        assert_eq!(ids.hex_32().len(), 32);
        assert_eq!(ids.ec2("eni").len(), 4 + 17);
        assert_eq!(ids.uuid().len(), 36);
        assert_eq!(ids.deployment().len(), "ecs-svc/".len() + 19);
        assert_eq!(Ids::seeded([1; 32]).uuid(), Ids::seeded([1; 32]).uuid());
        assert_ne!(Ids::seeded([1; 32]).uuid(), Ids::seeded([2; 32]).uuid());
    }
}
