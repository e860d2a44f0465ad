//! Documents of awsJson, read as inputs and outputs of operations: `RunTask`, a line end, the document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::Operation;

type Check = fn(&[u8]);

const SHAPES: &[(&str, Check)] = &[
    entry::<api::ecs::CreateCapacityProvider>(),
    entry::<api::ecs::CreateCluster>(),
    entry::<api::ecs::CreateService>(),
    entry::<api::ecs::CreateTaskSet>(),
    entry::<api::ecs::DescribeClusters>(),
    entry::<api::ecs::DescribeContainerInstances>(),
    entry::<api::ecs::DescribeServiceDeployments>(),
    entry::<api::ecs::DescribeServiceRevisions>(),
    entry::<api::ecs::DescribeServices>(),
    entry::<api::ecs::DescribeTasks>(),
    entry::<api::ecs::ListTasks>(),
    entry::<api::ecs::PutAttributes>(),
    entry::<api::ecs::RegisterContainerInstance>(),
    entry::<api::ecs::RegisterTaskDefinition>(),
    entry::<api::ecs::RunTask>(),
    entry::<api::ecs::SubmitTaskStateChange>(),
    entry::<api::ecs::TagResource>(),
    entry::<api::ecs::UpdateService>(),
    entry::<api::logs::FilterLogEvents>(),
    entry::<api::logs::PutLogEvents>(),
];

const fn entry<O: Operation>() -> (&'static str, Check)
where
    O::Input: PartialEq + std::fmt::Debug,
    O::Output: PartialEq + std::fmt::Debug,
{
    (O::NAME, |document| {
        fuzz::json_is_stable::<O::Input>(document);
        fuzz::json_is_stable::<O::Output>(document);
    })
}

fuzz_target!(|data: &[u8]| {
    let (operation, document) = fuzz::first_line(data);
    fuzz::chosen(SHAPES, operation)(document);
    fuzz::we_pass_over_what_others_read(document);
});
