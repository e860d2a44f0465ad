//! What each operation does: plain functions from a call to an answer, which know no protocol.

pub mod acm;
pub mod codedeploy;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod efs;
pub mod elb;
pub mod elbv2;
pub mod gantry;
pub mod iam;
pub mod logs;
pub mod route53;
pub mod secretsmanager;
pub mod servicediscovery;
pub mod ssm;
pub mod sts;

mod client_tokens;
mod instances;
mod listener_certificates;
mod page;

pub use page::PageKey;
