//! ARNs: whatever is read as one of a kind is put together from its parts as the same.
#![no_main]

use domain::arn::{Arn, Resource, kinds};
use domain::{ClusterArn, TaskDefinitionArn};
use libfuzzer_sys::fuzz_target;

fn is_whole<R: Resource>(text: &str) -> Option<Arn<R>> {
    let arn = Arn::<R>::parse(text).ok()?;
    assert_eq!(arn.as_str(), text);
    let parts: Vec<&str> = arn.path().split('/').collect();
    assert_eq!(Arn::<R>::new(&arn.scope(), &parts), arn);
    assert_eq!(parts.last().copied(), Some(arn.name()));
    let stored = serde_json::to_string(&arn).expect("JSON");
    assert_eq!(serde_json::from_str::<Arn<R>>(&stored).expect("read back"), arn);
    Some(arn)
}

fn lies_in_a_cluster<R: domain::arn::InCluster>(text: &str) {
    let Some(arn) = is_whole::<R>(text) else {
        return;
    };
    let cluster = arn.cluster();
    assert_eq!(ClusterArn::parse(cluster.as_str()).expect("a cluster"), cluster);
    assert_eq!(cluster.scope(), arn.scope());
    assert_eq!(Some(cluster.name()), arn.path().split('/').next());
}

fuzz_target!(|text: &str| {
    is_whole::<kinds::Cluster>(text);
    is_whole::<kinds::CapacityProvider>(text);
    lies_in_a_cluster::<kinds::Service>(text);
    lies_in_a_cluster::<kinds::ServiceDeployment>(text);
    lies_in_a_cluster::<kinds::ServiceRevision>(text);
    lies_in_a_cluster::<kinds::Task>(text);
    lies_in_a_cluster::<kinds::ContainerInstance>(text);
    let definition = is_whole::<kinds::TaskDefinition>(text);
    if let Some((arn, (family, revision))) = definition
        .as_ref()
        .and_then(|it| Some((it, it.family_and_revision()?)))
    {
        // One revision has one ARN: else it would be found under one name and not under another.
        assert_eq!(TaskDefinitionArn::of(&arn.scope(), family, revision), *arn);
    }
});
