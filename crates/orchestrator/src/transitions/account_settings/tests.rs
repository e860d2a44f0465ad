use super::*;
use crate::fixture::{World, root, scope};

const USER: &str = "arn:aws:iam::123456789012:user/ada";

fn put(world: &World, principal: &str, value: &str) {
    let setting = AccountSetting {
        scope: scope(),
        principal: principal.to_owned(),
        name: SettingName::DefaultLogDriverMode,
        value: value.to_owned(),
    };
    world.write(|tx| put_account_setting(tx, setting));
}

fn effective(world: &World) -> (String, String) {
    let name = SettingName::DefaultLogDriverMode;
    let found = world
        .store
        .read(|state| effective_setting(state, &scope(), USER, name));
    (found.principal, found.value)
}

#[test]
fn ones_own_setting_comes_before_the_accounts_and_that_before_the_default() {
    let world = World::new();
    assert_eq!(effective(&world), (root(), "non-blocking".to_owned()));
    put(&world, &root(), "blocking");
    assert_eq!(effective(&world), (root(), "blocking".to_owned()));
    put(&world, USER, "non-blocking");
    assert_eq!(effective(&world), (USER.to_owned(), "non-blocking".to_owned()));
    let made: Vec<_> = world
        .store
        .read(|state| state.account_settings(&scope(), USER).map(|it| it.name).collect());
    assert_eq!(made, [SettingName::DefaultLogDriverMode]);
    let left =
        world.write(|tx| delete_account_setting(tx, &scope(), USER, SettingName::DefaultLogDriverMode));
    assert_eq!((left.principal, left.value.as_str()), (root(), "blocking"));
}
