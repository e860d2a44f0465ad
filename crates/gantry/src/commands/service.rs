//! `gantry service`: asks the running Gantry about services.

use anyhow::{Context, Result};
use api::gantry;

use crate::arguments::{ExplainService, ServiceCommand};
use crate::client::call;
use crate::commands::task::{pretty, print};

mod text;

/// Does what is asked.
pub fn run(command: &ServiceCommand) -> Result<()> {
    match command {
        ServiceCommand::Explain(arguments) => explain(arguments),
    }
}

fn explain(arguments: &ExplainService) -> Result<()> {
    let input = gantry::ExplainServiceInput {
        cluster: arguments.cluster.clone(),
        service: arguments.service.clone(),
    };
    let output = call::<gantry::ExplainService>(&arguments.place, &input)?;
    let explanation = output.explanation.context("the answer is empty")?;
    match arguments.json {
        true => print(&pretty(&explanation)?),
        false => print(&text::explanation(&explanation)),
    }
}
