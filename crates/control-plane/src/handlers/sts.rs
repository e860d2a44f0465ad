//! AWS STS: who am I, and being someone else.

use api::sts;
use domain::Timestamp;
use domain::access_key::{Principal, RoleSession};
use domain::role::{Role, name_in_arn};
use wire::error::CodedError;

use crate::call::Call;
use crate::role_sessions::Claims;

#[cfg(test)]
mod tests;

/// Seconds of a session unless told.
const SESSION_SECONDS: i32 = 3600;
/// Fewest of them.
const SESSION_SECONDS_MIN: i32 = 900;

/// `GetCallerIdentity`.
///
/// # Errors
/// None.
pub async fn get_caller_identity(
    call: Call<sts::GetCallerIdentity>,
) -> Result<sts::GetCallerIdentityOutput, sts::Error> {
    let caller = call.caller();
    Ok(sts::GetCallerIdentityOutput {
        // The root user's id is its account's.
        user_id: Some(match &caller.principal {
            Principal::Root => caller.scope.account.clone(),
            Principal::Agent => caller.access_key_id.clone(),
            Principal::Role(session) => format!("{}:{}", session.role_id, session.name),
        }),
        account: Some(caller.scope.account.clone()),
        arn: Some(caller.arn()),
    })
}

/// `AssumeRole` of a role of the account. Trust policies are kept, and decide nothing yet.
///
/// # Errors
/// ValidationError, AccessDenied.
pub async fn assume_role(call: Call<sts::AssumeRole>) -> Result<sts::AssumeRoleOutput, sts::Error> {
    let input = call.input();
    refuse_unbuilt(input)?;
    check_session_name(&input.role_session_name)?;
    let account = &call.scope().account;
    let role = call.access().store().read(|state| {
        let role = state.role(account, name_in_arn(account, &input.role_arn)?)?;
        (role.arn() == input.role_arn).then(|| role.clone())
    });
    let role = role.ok_or_else(|| {
        coded(
            403,
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                call.caller().arn(),
                input.role_arn
            ),
        )
    })?;
    let seconds = input.duration_seconds.unwrap_or(SESSION_SECONDS);
    check_duration(seconds, &role, &call.caller().principal)?;
    let session = RoleSession {
        role: role.name.clone(),
        role_id: role.id.clone(),
        name: input.role_session_name.clone(),
    };
    let claims = Claims {
        account: account.clone(),
        session,
        expires_at: call.now().as_second() + i64::from(seconds),
    };
    let issued = call.access().role_sessions().issue(&claims);
    let issued = issued.map_err(|error| coded(500, "InternalFailure", error.to_string()))?;
    Ok(sts::AssumeRoleOutput {
        assumed_role_user: Some(sts::AssumedRoleUser {
            arn: format!(
                "arn:aws:sts::{account}:assumed-role/{}/{}",
                role.name, claims.session.name
            ),
            assumed_role_id: format!("{}:{}", role.id, claims.session.name),
        }),
        credentials: Some(sts::Credentials {
            access_key_id: issued.access_key_id,
            expiration: Timestamp::from_second(claims.expires_at).unwrap_or(issued.expires_at),
            secret_access_key: issued.secret_access_key,
            session_token: issued.session_token,
        }),
        ..sts::AssumeRoleOutput::default()
    })
}

/// What would restrict or mark a session, and does not yet.
fn refuse_unbuilt(input: &sts::AssumeRoleInput) -> Result<(), sts::Error> {
    let members = [
        ("Policy", input.policy.is_some()),
        (
            "PolicyArns",
            input.policy_arns.as_ref().is_some_and(|it| !it.is_empty()),
        ),
        (
            "ProvidedContexts",
            input.provided_contexts.as_ref().is_some_and(|it| !it.is_empty()),
        ),
        ("SerialNumber", input.serial_number.is_some()),
        ("SourceIdentity", input.source_identity.is_some()),
        ("Tags", input.tags.as_ref().is_some_and(|it| !it.is_empty())),
        ("TokenCode", input.token_code.is_some()),
    ];
    match members.iter().find(|(_, is_given)| *is_given) {
        Some((member, _)) => Err(validation(format!("{member} is not supported by Gantry yet."))),
        None => Ok(()),
    }
}

fn check_session_name(name: &str) -> Result<(), sts::Error> {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"_+=,.@-".contains(&it);
    if (2..=64).contains(&name.len()) && name.bytes().all(is_letter) {
        return Ok(());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\w+=,.@-]{{2,64}}"
    )))
}

fn check_duration(seconds: i32, role: &Role, caller: &Principal) -> Result<(), sts::Error> {
    if seconds < SESSION_SECONDS_MIN {
        return Err(validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must \
             have value greater than or equal to {SESSION_SECONDS_MIN}"
        )));
    }
    if matches!(caller, Principal::Role(_)) && seconds > SESSION_SECONDS {
        return Err(validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    match u32::try_from(seconds) {
        Ok(seconds) if seconds <= role.max_session_seconds => Ok(()),
        _ => Err(validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )),
    }
}

fn validation(message: impl Into<String>) -> sts::Error {
    coded(400, "ValidationError", message)
}

fn coded(status: u16, code: &'static str, message: impl Into<String>) -> sts::Error {
    sts::Error::Unmodelled(CodedError {
        status,
        code,
        message: message.into(),
    })
}
