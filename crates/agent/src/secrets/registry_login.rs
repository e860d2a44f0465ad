//! The login of a registry in a secret: `{"username": "…", "password": "…"}`.

use serde::Deserialize;

use crate::image_pulls::ImageCredentials;

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// Reads the text of a secret.
///
/// # Errors
/// In the words of Amazon's agent; the text is not in them.
pub fn credentials(secret: Option<&str>) -> Result<ImageCredentials, &'static str> {
    let text = secret
        .filter(|it| !it.is_empty())
        .ok_or("asm fetching authorization data: empty secrets value")?;
    let login: Login = serde_json::from_str(text)
        .map_err(|_| "asm fetching authorization data: unable to unmarshal secret value, invalid schema")?;
    if login.username.is_empty() {
        return Err("asm fetching username: AuthorizationData is malformed, empty field");
    }
    if login.password.is_empty() {
        return Err("asm fetching password: AuthorizationData is malformed, empty field");
    }
    Ok(ImageCredentials {
        username: login.username,
        password: login.password,
    })
}
