//! Ten tasks on ten thousand hosts.
#![expect(missing_docs, reason = "criterion's macro makes a public function")]

use std::collections::BTreeSet;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::host::{Host, Resources};
use placement::{Candidate, Requirements, Rules, place};

fn ten_tasks_on_ten_thousand_hosts(criterion: &mut Criterion) {
    let host = |index: u32| Host {
        id: format!("{index:032x}"),
        account: "123456789012".into(),
        total: Resources {
            cpu: 16_384,
            memory: 65_536,
            ports: BTreeSet::new(),
            gpus: 0,
        },
        promised: Resources {
            cpu: index % 8000,
            memory: index % 30_000,
            ports: BTreeSet::new(),
            gpus: 0,
        },
        task_count: index % 50,
        is_fargate_capacity: true,
        is_connected: true,
        availability_zone: ["a", "b", "c"][index as usize % 3].into(),
        number: 1,
        address: None,
    };
    let hosts: Vec<Host> = (0..10_000).map(host).collect();
    let candidates: Vec<_> = hosts
        .iter()
        .map(|host| Candidate {
            host,
            container_instance: None,
            tasks: None,
        })
        .collect();
    let resources = Resources {
        cpu: 256,
        memory: 512,
        ports: BTreeSet::new(),
        gpus: 0,
    };
    let wanted = Requirements {
        resources: &resources,
        attributes: &[],
        rules: &Rules::default(),
        group: "family:web",
        seed: 0,
    };
    criterion.bench_function("place 10 tasks on 10,000 hosts", |it| {
        it.iter(|| place(&candidates, &wanted, 10))
    });
}

criterion_group!(benches, ten_tasks_on_ten_thousand_hosts);
criterion_main!(benches);
