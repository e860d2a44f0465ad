//! What goes between the balancer and the control plane, clients that ask it, and load balancers for services.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use domain::TaskArn;
use domain::clock::Clock;
use domain::listener::Protocol;
use domain::listener_rule::{Action, Forward, WeightedTargetGroup};
use domain::load_balancer::{LoadBalancerKind, Scheme};
use domain::target::{Target, TargetKey};
use domain::target_group::{HealthCheck, TargetGroup, TargetGroupAttributes, TargetType};
use domain::vpc::Subnet;
use domain::{ListenerRuleArn, TargetGroupArn};
use orchestrator::transitions::{self, HealthChange, NewListener, NewLoadBalancer, ZoneWish};
use serde_json::{Value, json};
use store::{Commit, Tx};

use super::{Event, World};
use crate::balancer::{DELAY_SECONDS, News};
use crate::control_plane::scope;
use crate::machine::CONTAINER;
use crate::registry::registry;
use crate::scenario::SERVICES;

/// How long what is said in a session takes.
const LAG: Duration = Duration::from_millis(15);
/// Pause between two checks of all targets.
const CHECK_EVERY: Duration = Duration::from_secs(2);

impl World {
    /// Makes a load balancer with two target groups for each service, and lets its balancer begin.
    pub(super) async fn begin_balancing(&mut self) -> Result<(), String> {
        let Some(process) = &self.process else {
            return Ok(());
        };
        let made = process
            .store
            .transact(|tx| Ok::<_, Infallible>(load_balancers(tx)));
        self.load_balancers = made
            .await
            .map_err(|error| format!("there is no load balancer: {error:?}"))?;
        self.agenda.put(LAG, Event::BalancerConnects);
        self.agenda.put(CHECK_EVERY, Event::Checks);
        self.agenda.put(CHECK_EVERY, Event::Request);
        Ok(())
    }

    /// Tells the balancer of targets in a commit.
    pub(super) fn tell_balancer(&mut self, commit: &Commit) {
        let changes = commit.changes.iter().filter_map(|it| match it {
            store::Change::Target(it) => Some((it.current().key.clone(), it.after.clone())),
            _ => None,
        });
        let changes: Vec<_> = changes.collect();
        if !changes.is_empty() {
            let session = self.balancer.session;
            self.agenda.put(LAG, Event::BalancerHears(session, changes));
        }
    }

    /// It hears of all targets, and says all that it knows.
    pub(super) fn balancer_connects(&mut self) {
        // The next control plane is connected to when it starts.
        let Some(process) = &self.process else { return };
        let targets = process
            .store
            .read(|state| state.all::<Target>().cloned().collect());
        self.balancer.connect(targets);
        self.send_news();
    }

    pub(super) fn balancer_hears(&mut self, session: u64, changes: Vec<crate::balancer::Change>) {
        if session == self.balancer.session {
            self.balancer.hear(changes);
            self.send_news();
        }
    }

    pub(super) fn checks(&mut self) {
        let machines = &self.machines;
        self.balancer.check(|key| {
            let mut tasks = machines.iter().flat_map(|it| it.tasks.values());
            tasks.any(|it| it.serves(&key.id))
        });
        self.send_news();
        self.agenda.put(CHECK_EVERY, Event::Checks);
    }

    pub(super) fn request(&mut self) {
        if let Some((request, time)) = self.balancer.request() {
            self.agenda.put(time, Event::Answer(request));
        }
        let pause = self.dice_of_clients.millis(20, 1_500);
        self.agenda.put(pause, Event::Request);
    }

    pub(super) fn answered(&mut self, request: u64) {
        self.balancer.answered(request);
        self.send_news();
    }

    fn send_news(&mut self) {
        let news = self.balancer.news();
        if !news.is_empty() {
            let session = self.balancer.session;
            self.agenda.put(LAG, Event::BalancerSays(session, news));
        }
    }

    pub(super) async fn balancer_says(&mut self, session: u64, news: Vec<News>) {
        let Some(process) = self.process.as_ref().filter(|_| session == self.balancer.session) else {
            return;
        };
        let noted = process.store.transact(move |tx| {
            for it in news {
                match it {
                    News::Health(key, health) => {
                        transitions::target_health(tx, &[HealthChange { key, health }]);
                    }
                    News::Idle(key) => transitions::target_is_idle(tx, &key),
                }
            }
            Ok::<_, Infallible>(())
        });
        // A control plane that dies over it is told again by the next session.
        let _ = noted.await;
    }

    /// A task is told to stop only when nothing is in flight to it, or when it has drained for so long.
    ///
    /// # Errors
    /// In words.
    pub(super) fn stops_in_peace(&self, task: &TaskArn) -> Result<(), String> {
        let in_flight = self.balancer.in_flight_to(task);
        let record = self.oracle.replica.tasks.get(task);
        let since = record.and_then(|it| it.times.stopping_at);
        let Some(since) = since.filter(|_| in_flight > 0) else {
            return Ok(());
        };
        let drained = Duration::try_from(self.clock.now().duration_since(since)).unwrap_or_default();
        match drained < Duration::from_secs(DELAY_SECONDS.into()) {
            true => Err(format!(
                "task {} is told to stop after {drained:?} with {in_flight} requests in flight",
                task.name()
            )),
            false => Ok(()),
        }
    }
}

/// `loadBalancers` for each service.
fn load_balancers(tx: &mut Tx<'_>) -> BTreeMap<&'static str, Value> {
    let subnets: Vec<Subnet> = tx.state().all::<Subnet>().map(|it| Subnet::clone(it)).collect();
    let wish = |it: &Subnet| ZoneWish {
        subnet: it.clone(),
        address: None,
    };
    let vpc_id = subnets.first().map(|it| it.vpc_id.clone()).unwrap_or_default();
    let new = NewLoadBalancer {
        scope: scope(),
        name: "all".to_owned(),
        kind: LoadBalancerKind::Application,
        scheme: Scheme::Internal,
        vpc_id: vpc_id.clone(),
        zones: subnets.iter().map(wish).collect(),
        security_groups: Vec::new(),
        tags: Vec::new(),
    };
    let Ok(made) = transitions::create_load_balancer(tx, new) else {
        return BTreeMap::new();
    };
    tx.put(registry());
    let mut all = BTreeMap::new();
    for (port, service) in (80_u16..).zip(SERVICES) {
        let blue = target_group(tx, &format!("{service}-blue"), &vpc_id);
        let green = target_group(tx, &format!("{service}-green"), &vpc_id);
        let rules = [port, 8000 + port].map(|port| listener(tx, &made.arn, port, &blue));
        let [Some(production), Some(test)] = rules else {
            continue;
        };
        let load_balancer = json!([{
            "targetGroupArn": blue.to_string(), "containerName": CONTAINER, "containerPort": 80,
            "advancedConfiguration": {
                "alternateTargetGroupArn": green.to_string(), "productionListenerRule": production.to_string(),
                "testListenerRule": test.to_string(),
            },
        }]);
        all.insert(service, load_balancer);
    }
    all
}

fn target_group(tx: &mut Tx<'_>, name: &str, vpc_id: &str) -> TargetGroupArn {
    let group = tx.put(TargetGroup {
        arn: TargetGroupArn::of(&scope(), name, "0123456789abcdef"),
        name: name.to_owned(),
        target_type: TargetType::Ip,
        protocol: Protocol::Http,
        protocol_version: None,
        port: 80,
        vpc_id: vpc_id.to_owned(),
        health_check: HealthCheck::new(Protocol::Http, None, TargetType::Ip, None),
        attributes: TargetGroupAttributes {
            deregistration_delay_seconds: DELAY_SECONDS,
            ..TargetGroupAttributes::default()
        },
        created_at: tx.now(),
        tags: Vec::new(),
    });
    group.arn.clone()
}

/// The default rule of a new listener.
fn listener(
    tx: &mut Tx<'_>,
    load_balancer: &domain::LoadBalancerArn,
    port: u16,
    group: &TargetGroupArn,
) -> Option<ListenerRuleArn> {
    let new = NewListener {
        load_balancer: load_balancer.clone(),
        port,
        protocol: Protocol::Http,
        certificates: Vec::new(),
        ssl_policy: None,
        alpn_policy: None,
        default_action: Action::Forward(Forward {
            target_groups: vec![WeightedTargetGroup {
                arn: group.clone(),
                weight: 1,
            }],
            stickiness_seconds: None,
        }),
        action_order: None,
        tags: Vec::new(),
    };
    let made = transitions::create_listener(tx, new).ok()?;
    tx.state().default_rule_of(&made.arn).map(|it| it.arn.clone())
}

/// A target in few words.
pub(super) fn told(key: &TargetKey) -> String {
    format!("{}:{} of {}", key.id, key.port, key.group.group_name())
}
