//! Account settings.

use api::ecs;
use domain::Scope;
use domain::account_setting::{AccountSetting, SettingName, root_of};
use orchestrator::transitions;

use super::errors::{self, invalid_parameter};
use super::listing;
use crate::call::{Authorized, Call};

#[cfg(test)]
mod tests;

/// `PutAccountSetting`: of the caller, or of the principal that is named; root's are the account's defaults.
///
/// # Errors
/// InvalidParameterException in Amazon's words for names, values and principals that cannot be.
pub async fn put_account_setting(
    call: Call<ecs::PutAccountSetting>,
) -> Result<ecs::PutAccountSettingOutput, ecs::Error> {
    let input = call.input();
    let caller = call.caller().arn();
    let principal = principal(call.scope(), input.principal_arn.as_deref(), &caller)?;
    let setting = setting(call.scope(), principal, input.name.as_str(), &input.value)?;
    Ok(ecs::PutAccountSettingOutput {
        setting: Some(put(call.access(), setting).await?),
    })
}

/// `PutAccountSettingDefault`: of everyone who has not made it.
///
/// # Errors
/// As PutAccountSetting.
pub async fn put_account_setting_default(
    call: Call<ecs::PutAccountSettingDefault>,
) -> Result<ecs::PutAccountSettingDefaultOutput, ecs::Error> {
    let input = call.input();
    let root = root_of(&call.scope().account);
    let setting = setting(call.scope(), root, input.name.as_str(), &input.value)?;
    Ok(ecs::PutAccountSettingDefaultOutput {
        setting: Some(put(call.access(), setting).await?),
    })
}

async fn put(access: &Authorized, setting: AccountSetting) -> Result<ecs::Setting, ecs::Error> {
    let made = access
        .store()
        .transact(move |tx| transitions::put_account_setting(tx, setting))
        .await;
    Ok(render(&made.map_err(errors::from_store)?))
}

/// `DeleteAccountSetting`: gives what holds from now on.
///
/// # Errors
/// InvalidParameterException for a name or principal that cannot be.
pub async fn delete_account_setting(
    call: Call<ecs::DeleteAccountSetting>,
) -> Result<ecs::DeleteAccountSettingOutput, ecs::Error> {
    let input = call.input();
    let caller = call.caller().arn();
    let scope = call.scope().clone();
    let principal = principal(&scope, input.principal_arn.as_deref(), &caller)?;
    let name = name(input.name.as_str())?;
    let store = call.access().store();
    let left = store
        .transact(move |tx| transitions::delete_account_setting(tx, &scope, &principal, name))
        .await;
    Ok(ecs::DeleteAccountSettingOutput {
        setting: Some(render(&left.map_err(errors::from_store)?)),
    })
}

/// `ListAccountSettings`: those that the principal has made, or with `effectiveSettings` all that hold for it.
///
/// # Errors
/// InvalidParameterException for a name or principal that cannot be, a value without name, a bad token or page size.
pub async fn list_account_settings(
    call: Call<ecs::ListAccountSettings>,
) -> Result<ecs::ListAccountSettingsOutput, ecs::Error> {
    let input = call.input();
    let scope = call.scope();
    let caller = call.caller().arn();
    let principal = principal(scope, input.principal_arn.as_deref(), &caller)?;
    let only = input.name.as_ref().map(|it| name(it.as_str())).transpose()?;
    let value = input.value.as_deref();
    if value.is_some() && only.is_none() {
        return Err(invalid_parameter(
            "Invalid setting 'name': it must be specified to filter by value.",
        ));
    }
    let is_effective = input.effective_settings == Some(true);
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let listing_name = format!("account-settings {scope:?} {principal} {only:?} {value:?} {is_effective}");
    let key = call.access().page_key();
    let (settings, next_token) = call.access().store().read(|state| {
        let all: Vec<AccountSetting> = if is_effective {
            let effective = |name| transitions::effective_setting(state, scope, &principal, name);
            SettingName::ALL.into_iter().map(effective).collect()
        } else {
            let made = state.account_settings(scope, &principal);
            made.map(|it| (**it).clone()).collect()
        };
        let asked_for = all.iter().filter(|it| {
            only.is_none_or(|name| it.name == name) && value.is_none_or(|value| it.value == value)
        });
        let items = asked_for.map(|it| (it.name.as_str().to_owned(), render(it)));
        listing::list(key, listing::TEN, &wanted, &listing_name, items)
    })?;
    Ok(ecs::ListAccountSettingsOutput {
        settings: Some(settings),
        next_token,
    })
}

fn name(word: &str) -> Result<SettingName, ecs::Error> {
    SettingName::parse(word).ok_or_else(|| invalid_parameter("Invalid setting 'name'"))
}

/// A setting as it is to be made.
fn setting(scope: &Scope, principal: String, word: &str, value: &str) -> Result<AccountSetting, ecs::Error> {
    let name = name(word)?;
    if name == SettingName::GuardDutyActivate {
        return Err(invalid_parameter(
            "Invalid setting 'name': guardDutyActivate is managed by Amazon and can only be read.",
        ));
    }
    if !name.values().contains(&value) {
        return Err(invalid_parameter("Invalid setting 'value'"));
    }
    // The text that infrastructure tools look for when they reset the setting.
    if name.is_long_arn_format() && value != "enabled" {
        return Err(invalid_parameter("You can no longer disable Long Arn settings"));
    }
    if name == SettingName::FargateTaskRetirementWaitPeriod && principal != root_of(&scope.account) {
        return Err(invalid_parameter(
            "Invalid setting 'principalArn': fargateTaskRetirementWaitPeriod is set for the root user only.",
        ));
    }
    Ok(AccountSetting {
        scope: scope.clone(),
        principal,
        name,
        value: value.to_owned(),
    })
}

/// The principal that is meant: a user, a role or root of the caller's account.
fn principal(scope: &Scope, given: Option<&str>, caller: &str) -> Result<String, ecs::Error> {
    let Some(given) = given.filter(|it| !it.is_empty()) else {
        return Ok(caller.to_owned());
    };
    let path = given.strip_prefix(&format!("arn:aws:iam::{}:", scope.account));
    let is_principal = |it: &str| {
        it == "root"
            || ["user/", "role/"]
                .iter()
                .any(|kind| it.strip_prefix(kind).is_some_and(|name| !name.is_empty()))
    };
    match path {
        Some(path) if is_principal(path) => Ok(given.to_owned()),
        _ => Err(invalid_parameter(format!(
            "Invalid setting 'principalArn': {given} is no user, role or root of this account."
        ))),
    }
}

fn render(it: &AccountSetting) -> ecs::Setting {
    let kind = if it.name == SettingName::GuardDutyActivate {
        ecs::SettingType::AwsManaged
    } else {
        ecs::SettingType::User
    };
    ecs::Setting {
        name: Some(ecs::SettingName::from(it.name.as_str())),
        value: Some(it.value.clone()),
        principal_arn: Some(it.principal.clone()),
        r#type: Some(kind),
    }
}
