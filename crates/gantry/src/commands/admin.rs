//! `gantry admin`: asks the running Gantry about itself.

use std::net::IpAddr;

use anyhow::Result;
use api::gantry;

use crate::arguments::{AdminCommand, Place, Resolve, ServiceConnect};
use crate::client::call;
use crate::commands::task::{pretty, print};
use crate::data_dir::DataDir;
use crate::load_balancers::{self, Shown, published};

mod service_connect;

/// Does what is asked.
pub fn run(command: &AdminCommand) -> Result<()> {
    match command {
        AdminCommand::Resolve(arguments) => {
            let addresses = resolve(arguments)?.into_iter();
            print(&addresses.map(|it| format!("{it}\n")).collect::<String>())
        }
        AdminCommand::LoadBalancers(place) => {
            let shown = load_balancers(place)?;
            print(&load_balancers::text(&shown))
        }
        AdminCommand::ServiceConnect(arguments) => service_connect(arguments),
    }
}

fn resolve(arguments: &Resolve) -> Result<Vec<String>> {
    let input = gantry::ResolveNameInput {
        name: arguments.name.clone(),
        vpc_id: arguments.vpc.clone(),
    };
    let output = call::<gantry::ResolveName>(&arguments.place, &input)?;
    Ok(output.addresses.unwrap_or_default())
}

fn service_connect(arguments: &ServiceConnect) -> Result<()> {
    let input = gantry::ListServiceConnectMetricsInput {
        cluster: arguments.cluster.clone(),
        service: arguments.service.clone(),
    };
    let output = call::<gantry::ListServiceConnectMetrics>(&arguments.place, &input)?;
    let aliases = output.client_aliases.unwrap_or_default();
    match arguments.json {
        true => print(&pretty(&aliases)?),
        false => print(&service_connect::text(&aliases)),
    }
}

/// All load balancers, with what this host says of their ports.
fn load_balancers(place: &Place) -> Result<Vec<Shown>> {
    let data_dir = place.data_dir()?;
    let output = call::<gantry::ListLoadBalancers>(place, &gantry::ListLoadBalancersInput::default())?;
    let all = output.load_balancers.unwrap_or_default().into_iter();
    all.map(|it| shown(&data_dir, it)).collect()
}

fn shown(data_dir: &DataDir, it: gantry::LoadBalancerDescription) -> Result<Shown> {
    let addresses = it.addresses.iter().flatten();
    let addresses = addresses.map(|it| it.parse::<IpAddr>());
    let listeners = it.listeners.into_iter().flatten();
    let listeners = listeners.filter_map(|it| Some((it.protocol?, u16::try_from(it.port?).ok()?)));
    Ok(Shown {
        name: it.load_balancer_name.unwrap_or_default(),
        kind: it.r#type.unwrap_or_default(),
        scheme: it.scheme.unwrap_or_default(),
        state: it.state.unwrap_or_default(),
        reason: it.reason,
        addresses: addresses.collect::<Result<_, _>>()?,
        listeners: listeners.collect(),
        published: published(data_dir, it.load_balancer_arn.as_deref().unwrap_or_default()),
    })
}
