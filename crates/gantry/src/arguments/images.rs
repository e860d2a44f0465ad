//! Options about images: how registries are reached, when images are pulled and when they are removed.

use std::path::PathBuf;
use std::time::Duration;

use agent::ImageSettings;
use agent::host::PullBehavior;
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use runtime::images::Registries;

/// How registries are reached.
#[derive(Args, Clone, Default)]
pub struct RegistryOptions {
    /// Ask a mirror before a registry, e.g. docker.io=mirror.example.com:5000. May be repeated.
    #[arg(long, value_name = "REGISTRY=HOST:PORT", env = "GANTRY_REGISTRY_MIRRORS", value_delimiter = ',', value_parser = mirror)]
    registry_mirror: Vec<(String, String)>,
    /// Trust the certificates of this PEM file when talking to registries. May be repeated.
    #[arg(long, value_name = "FILE", env = "GANTRY_REGISTRY_CA", value_delimiter = ',')]
    registry_ca: Vec<PathBuf>,
    /// Talk to this registry without TLS, beside those of this machine. May be repeated.
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "GANTRY_INSECURE_REGISTRIES",
        value_delimiter = ','
    )]
    insecure_registry: Vec<String>,
}

impl RegistryOptions {
    /// As the image store wants them.
    ///
    /// # Errors
    /// A file cannot be read or holds no certificate.
    pub fn registries(&self) -> Result<Registries> {
        let read = |path: &PathBuf| -> Result<Vec<u8>> {
            let bytes = std::fs::read(path).with_context(|| format!("--registry-ca {}", path.display()))?;
            let has_certificate = String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----");
            anyhow::ensure!(
                has_certificate,
                "--registry-ca {}: it holds no PEM certificate",
                path.display()
            );
            Ok(bytes)
        };
        Ok(Registries {
            insecure: self.insecure_registry.clone(),
            mirrors: self.registry_mirror.clone(),
            authorities: self.registry_ca.iter().map(read).collect::<Result<_>>()?,
        })
    }
}

/// When images are pulled and when they are removed. The variables are those of Amazon's agent.
#[derive(Args, Clone)]
pub struct ImageOptions {
    /// When an image is asked for although it is here.
    #[arg(long, env = "ECS_IMAGE_PULL_BEHAVIOR", value_enum, default_value_t = Behavior::Default)]
    image_pull_behavior: Behavior,
    /// Keep images that no task needs any more.
    #[arg(long, env = "ECS_DISABLE_IMAGE_CLEANUP")]
    disable_image_cleanup: bool,
    /// From one removal of unused images to the next, e.g. 30m.
    #[arg(long, value_name = "TIME", env = "ECS_IMAGE_CLEANUP_INTERVAL", default_value = "30m", value_parser = duration)]
    image_cleanup_interval: Duration,
    /// How long an image is kept after its last use, e.g. 1h.
    #[arg(long, value_name = "TIME", env = "ECS_IMAGE_MINIMUM_CLEANUP_AGE", default_value = "1h", value_parser = duration)]
    image_minimum_cleanup_age: Duration,
    /// Most images that are removed at once.
    #[arg(long, value_name = "COUNT", env = "ECS_NUM_IMAGES_DELETE_PER_CYCLE", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    num_images_delete_per_cycle: u32,
    /// When this much of the disk is used, unused images go whatever their age and number. 100: never.
    #[arg(long, value_name = "PERCENT", env = "GANTRY_IMAGE_HIGH_WATER_MARK", default_value_t = 90, value_parser = clap::value_parser!(u8).range(1..=100))]
    image_high_water_mark: u8,
}

/// `ECS_IMAGE_PULL_BEHAVIOR`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Behavior {
    /// Ask the registry; if that fails, use the image that is here. Images loaded from files are used as they are.
    Default,
    /// Ask the registry; if that fails, the task fails.
    Always,
    /// Ask the registry only for images that were never pulled, or were removed since.
    Once,
    /// Use what is here, and remove nothing for want of use.
    PreferCached,
}

impl ImageOptions {
    /// As the agent wants them.
    pub fn settings(&self) -> ImageSettings {
        ImageSettings {
            behavior: match self.image_pull_behavior {
                Behavior::Default => PullBehavior::Default,
                Behavior::Always => PullBehavior::Always,
                Behavior::Once => PullBehavior::Once,
                Behavior::PreferCached => PullBehavior::PreferCached,
            },
            cleanup_interval: (!self.disable_image_cleanup).then_some(self.image_cleanup_interval),
            minimum_age: self.image_minimum_cleanup_age,
            images_per_cycle: usize::try_from(self.num_images_delete_per_cycle).unwrap_or(usize::MAX),
            high_water_percent: self.image_high_water_mark,
        }
    }
}

fn mirror(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((registry, mirror)) if !registry.is_empty() && !mirror.is_empty() && !mirror.contains('/') => {
            Ok((registry.to_owned(), mirror.to_owned()))
        }
        _ => Err("write the registry and its mirror, e.g. docker.io=mirror.example.com:5000".to_owned()),
    }
}

/// As Go writes durations, which is how Amazon's agent reads them: `1h30m`, `90s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time: write e.g. 90s, 30m or 1h30m");
    let (mut seconds, mut number) = (0_u64, String::new());
    for letter in text.chars() {
        let unit = match letter {
            '0'..='9' => {
                number.push(letter);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return Err(wrong()),
        };
        let count: u64 = number.parse().map_err(|_| wrong())?;
        seconds = count
            .checked_mul(unit)
            .and_then(|it| it.checked_add(seconds))
            .ok_or_else(wrong)?;
        number.clear();
    }
    if !number.is_empty() || seconds == 0 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_for_amazons_agent() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("1h", 3600), ("1h30m5s", 5405)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "30", "m", "1d", "-1h", "0s", "1h5", "99999999999999999999h"] {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_mirror_is_a_host_of_a_registry() {
        let expected = ("docker.io".to_owned(), "m:5000".to_owned());
        assert_eq!(mirror("docker.io=m:5000"), Ok(expected));
        for text in ["", "docker.io", "=m", "docker.io=", "docker.io=http://m"] {
            assert!(mirror(text).is_err(), "{text:?}");
        }
    }
}
