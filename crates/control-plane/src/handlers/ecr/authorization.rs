//! Who may talk to the registry: authorization tokens.

use api::ecr;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use jiff::SignedDuration;

use super::errors::invalid_parameter;
use crate::call::Call;
use crate::registry::{Claims, Granted};

/// How long a token holds, as Amazon's.
const LIFETIME: SignedDuration = SignedDuration::from_hours(12);
/// The user that goes with a token.
const USER: &str = "AWS";

/// `GetAuthorizationToken`: a password for the registry on this port, good for what its caller may do.
///
/// # Errors
/// InvalidParameterException for registries of other accounts.
pub async fn get_authorization_token(
    call: Call<ecr::GetAuthorizationToken>,
) -> Result<ecr::GetAuthorizationTokenOutput, ecr::Error> {
    let others = call.input().registry_ids.as_deref().unwrap_or_default();
    if others.iter().any(|it| *it != call.scope().account) {
        let constraint = format!("this server has the registry of {} only", call.scope().account);
        return Err(invalid_parameter("registryIds", &constraint));
    }
    // As whole seconds: the wire has no more.
    let expires_at = call.now() + LIFETIME;
    let expires_at = Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at);
    let claims = Claims::new(call.caller(), Granted::Registry, expires_at);
    let token = call.access().registry().token_key().seal(&claims);
    let data = ecr::AuthorizationData {
        authorization_token: Some(STANDARD.encode(format!("{USER}:{token}"))),
        expires_at: Some(expires_at),
        proxy_endpoint: Some(call.access().advertised_endpoint().to_owned()),
    };
    Ok(ecr::GetAuthorizationTokenOutput {
        authorization_data: Some(vec![data]),
    })
}

/// `DescribeRegistry`: nothing is replicated.
///
/// # Errors
/// None.
pub async fn describe_registry(
    call: Call<ecr::DescribeRegistry>,
) -> Result<ecr::DescribeRegistryOutput, ecr::Error> {
    Ok(ecr::DescribeRegistryOutput {
        registry_id: Some(call.scope().account.clone()),
        replication_configuration: Some(ecr::ReplicationConfiguration { rules: Vec::new() }),
    })
}
