//! Account settings are made and taken back.

use std::convert::Infallible;

use domain::Scope;
use domain::account_setting::{AccountSetting, SettingName, root_of};
use store::{State, Tx};

#[cfg(test)]
mod tests;

/// What holds for a principal: its own setting, else its account's, else the built-in default. The last two belong
/// to the account's root.
pub fn effective_setting(state: &State, scope: &Scope, principal: &str, name: SettingName) -> AccountSetting {
    let root = root_of(&scope.account);
    let made = |by: &str| state.get::<AccountSetting>(&(scope.clone(), by.to_owned(), name));
    match made(principal).or_else(|| made(&root)) {
        Some(setting) => (**setting).clone(),
        None => AccountSetting {
            scope: scope.clone(),
            principal: root,
            name,
            value: name.default_value().to_owned(),
        },
    }
}

/// `PutAccountSetting` and `PutAccountSettingDefault`.
///
/// # Errors
/// None.
pub fn put_account_setting(tx: &mut Tx<'_>, setting: AccountSetting) -> Result<AccountSetting, Infallible> {
    tx.put(setting.clone());
    Ok(setting)
}

/// `DeleteAccountSetting`: gives what holds from now on.
///
/// # Errors
/// None: what was never made is gone already.
pub fn delete_account_setting(
    tx: &mut Tx<'_>,
    scope: &Scope,
    principal: &str,
    name: SettingName,
) -> Result<AccountSetting, Infallible> {
    tx.delete::<AccountSetting>(&(scope.clone(), principal.to_owned(), name));
    Ok(effective_setting(tx.state(), scope, principal, name))
}
