//! Shapes, operations and exceptions of the AWS services that Gantry speaks, generated from `models/`.
//!
//! A module for each service, `gantry` for the operations that are Gantry's own, and `acs` for the messages of the
//! agent's sockets.

pub mod acm;
pub mod acs;
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
