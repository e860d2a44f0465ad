use domain::account_setting::{AccountSetting, SettingName};
use domain::cluster::{ExecuteCommandConfiguration, ExecuteCommandLogging, ManagedStorageConfiguration};

use super::*;
use crate::fixture::{World, lab, new_cluster, root, scope};
use crate::transitions::put_account_setting;

fn insights(cluster: &Cluster) -> Option<&str> {
    let setting = cluster.settings.iter().find(|it| it.name == "containerInsights");
    setting.and_then(|it| it.value.as_deref())
}

#[test]
fn new_clusters_take_the_accounts_setting_and_old_ones_keep_theirs() {
    let world = World::new();
    assert_eq!(insights(&world.get::<Cluster>(&lab())), Some("disabled"));
    world.write(|tx| {
        let setting = AccountSetting {
            scope: scope(),
            principal: root(),
            name: SettingName::ContainerInsights,
            value: "enhanced".to_owned(),
        };
        put_account_setting(tx, setting)
    });
    let new = world.write(|tx| create_cluster(tx, new_cluster("new")));
    assert_eq!(insights(&new), Some("enhanced"));
    let told = world.write(|tx| {
        let settings = Some(vec![Pair::new("containerInsights", "disabled")]);
        create_cluster(
            tx,
            NewCluster {
                settings,
                ..new_cluster("told")
            },
        )
    });
    assert_eq!(insights(&told), Some("disabled"));
    let again = world.write(|tx| create_cluster(tx, new_cluster("lab")));
    assert_eq!(insights(&again), Some("disabled"), "an ACTIVE one stays as it is");
}

#[test]
fn a_deleted_cluster_is_made_anew() {
    let world = World::new();
    world.write(|tx| delete_cluster(tx, &lab()));
    let refused = world.attempt(|tx| update_cluster(tx, &lab(), ClusterChange::default()));
    assert_eq!(refused, Err(ClusterNotFound));
    let tags = vec![Pair::new("team", "web")];
    let new = NewCluster {
        tags: tags.clone(),
        ..new_cluster("lab")
    };
    let anew = world.write(|tx| create_cluster(tx, new));
    assert_eq!((anew.status, &anew.tags), (ClusterStatus::Active, &tags));
}

#[test]
fn an_update_replaces_only_the_parts_that_it_gives() {
    let world = World::new();
    let storage = ManagedStorageConfiguration {
        kms_key_id: Some("key".to_owned()),
        ..ManagedStorageConfiguration::default()
    };
    let exec = ExecuteCommandConfiguration {
        kms_key_id: None,
        logging: ExecuteCommandLogging::None,
    };
    for (execute_command, managed_storage) in [(None, Some(storage.clone())), (Some(exec.clone()), None)] {
        let change = ClusterChange {
            service_connect_namespace: None,
            settings: None,
            configuration: Some(ClusterConfiguration {
                execute_command,
                managed_storage,
            }),
        };
        world.write(|tx| update_cluster(tx, &lab(), change));
    }
    let cluster = world.get::<Cluster>(&lab());
    assert_eq!(cluster.configuration.execute_command, Some(exec));
    assert_eq!(cluster.configuration.managed_storage, Some(storage));
    assert_eq!(insights(&cluster), Some("disabled"));
}
