//! AWS STS: who am I.

use api::sts;

use crate::call::Call;

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
        user_id: Some(match caller.principal {
            domain::access_key::Principal::Root => caller.scope.account.clone(),
            domain::access_key::Principal::Agent => caller.access_key_id.clone(),
        }),
        account: Some(caller.scope.account.clone()),
        arn: Some(caller.arn()),
    })
}
