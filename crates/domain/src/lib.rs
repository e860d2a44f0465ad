//! The words of ECS: typed names, resources and the lifecycle rules of a single resource.
//!
//! ```text
//!  Cluster ── Service ── Deployment          TaskDefinition (family:revision)
//!     │          │            │                    │
//!     └──────── Task ─────────┴────────────────────┘
//!                │ runs on
//!     ContainerInstance ── Host (the ledger of one machine) ── also the Fargate pool
//! ```
//! Everything here is a value: no IO, no clock, no randomness but what is passed in.
//! Types that derive `Serialize` are stored; their encoding is a promise.

pub mod arn;
pub mod clock;
pub mod ids;

pub mod access_key;
pub mod account_setting;
pub mod capacity_provider;
pub mod certificate;
pub mod circuit_breaker;
pub mod classic_load_balancer;
pub mod client_request;
pub mod cloud_map;
pub mod cluster;
pub mod code_deploy;
pub mod container_definition;
pub mod container_instance;
pub mod deployment_lifecycle;
pub mod deployment_strategy;
pub mod dhcp_options;
pub mod elastic_address;
pub mod file_system;
pub mod host;
pub mod lifecycle_hook;
pub mod lifecycle_policy;
pub mod listener;
pub mod listener_rule;
pub mod load_balancer;
pub mod load_balancing_attribute;
pub mod nat_gateway;
pub mod network_acl;
pub mod network_interface;
pub mod network_traffic;
pub mod parameter;
pub mod placement;
pub mod prefix_list;
pub mod repository;
pub mod role;
pub mod route_table;
pub mod sealed;
pub mod secret;
pub mod security_group;
pub mod served_load_balancer;
pub mod served_names;
pub mod served_network;
pub mod service;
pub mod service_action;
pub mod service_connect;
pub mod service_deployment;
pub mod service_load_balancer;
pub mod service_registry;
pub mod service_scheduling;
pub mod ssl_policy;
pub mod tags;
pub mod target;
pub mod target_group;
pub mod task;
pub mod task_definition;
pub mod task_set;
pub mod vpc;
pub mod vpc_endpoint;

pub use arn::{
    CapacityProviderArn, CertificateArn, ClusterArn, ContainerInstanceArn, ListenerArn, ListenerRuleArn,
    LoadBalancerArn, Scope, ServiceArn, ServiceDeploymentArn, ServiceRevisionArn, TargetGroupArn, TaskArn,
    TaskDefinitionArn, TaskSetArn,
};
pub use jiff::Timestamp;
