//! `gantry env`: what a shell needs to talk to a running Gantry.

use anyhow::Result;

use crate::arguments::Place;
use crate::running::running;

/// Prints `export` lines.
pub fn run(place: &Place) -> Result<()> {
    let (running, key) = running(&place.data_dir()?)?;
    let variables = [
        ("AWS_ENDPOINT_URL", running.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", &key.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key),
        ("AWS_REGION", &running.region),
        ("AWS_DEFAULT_REGION", &running.region),
        ("GANTRY_SUBNET", &running.subnet),
        ("GANTRY_SECURITY_GROUP", &running.security_group),
    ];
    for (name, value) in variables {
        println!("export {name}={}", quoted(value));
    }
    // A profile or session token of another account would win over the key.
    println!("unset AWS_PROFILE AWS_SESSION_TOKEN");
    Ok(())
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_survive_a_shell() {
        assert_eq!(super::quoted("a b"), "'a b'");
        assert_eq!(super::quoted("it's"), r"'it'\''s'");
    }
}
