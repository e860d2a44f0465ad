//! Which handler serves which operation of Elastic Load Balancing.

use api::elbv2;

use super::Routes;
use crate::handlers::elbv2 as load_balancing;

impl Routes {
    pub(super) fn elbv2(&mut self) {
        self.on::<elbv2::AddListenerCertificates, _, _>(load_balancing::add_listener_certificates);
        self.on::<elbv2::AddTags, _, _>(load_balancing::add_tags);
        self.on::<elbv2::CreateListener, _, _>(load_balancing::create_listener);
        self.on::<elbv2::CreateLoadBalancer, _, _>(load_balancing::create_load_balancer);
        self.on::<elbv2::CreateRule, _, _>(load_balancing::create_rule);
        self.on::<elbv2::CreateTargetGroup, _, _>(load_balancing::create_target_group);
        self.on::<elbv2::DeleteListener, _, _>(load_balancing::delete_listener);
        self.on::<elbv2::DeleteLoadBalancer, _, _>(load_balancing::delete_load_balancer);
        self.on::<elbv2::DeleteRule, _, _>(load_balancing::delete_rule);
        self.on::<elbv2::DeleteTargetGroup, _, _>(load_balancing::delete_target_group);
        self.on::<elbv2::DeregisterTargets, _, _>(load_balancing::deregister_targets);
        self.on::<elbv2::DescribeAccountLimits, _, _>(load_balancing::describe_account_limits);
        self.on::<elbv2::DescribeCapacityReservation, _, _>(load_balancing::describe_capacity_reservation);
        self.on::<elbv2::DescribeListenerAttributes, _, _>(load_balancing::describe_listener_attributes);
        self.on::<elbv2::DescribeListenerCertificates, _, _>(load_balancing::describe_listener_certificates);
        self.on::<elbv2::DescribeListeners, _, _>(load_balancing::describe_listeners);
        self.on::<elbv2::DescribeLoadBalancerAttributes, _, _>(
            load_balancing::describe_load_balancer_attributes,
        );
        self.on::<elbv2::DescribeLoadBalancers, _, _>(load_balancing::describe_load_balancers);
        self.on::<elbv2::DescribeRules, _, _>(load_balancing::describe_rules);
        self.on::<elbv2::DescribeSSLPolicies, _, _>(load_balancing::describe_ssl_policies);
        self.on::<elbv2::DescribeTags, _, _>(load_balancing::describe_tags);
        self.on::<elbv2::DescribeTargetGroupAttributes, _, _>(
            load_balancing::describe_target_group_attributes,
        );
        self.on::<elbv2::DescribeTargetGroups, _, _>(load_balancing::describe_target_groups);
        self.on::<elbv2::DescribeTargetHealth, _, _>(load_balancing::describe_target_health);
        self.on::<elbv2::ModifyCapacityReservation, _, _>(load_balancing::modify_capacity_reservation);
        self.on::<elbv2::ModifyListener, _, _>(load_balancing::modify_listener);
        self.on::<elbv2::ModifyListenerAttributes, _, _>(load_balancing::modify_listener_attributes);
        self.on::<elbv2::ModifyLoadBalancerAttributes, _, _>(load_balancing::modify_load_balancer_attributes);
        self.on::<elbv2::ModifyRule, _, _>(load_balancing::modify_rule);
        self.on::<elbv2::ModifyTargetGroup, _, _>(load_balancing::modify_target_group);
        self.on::<elbv2::ModifyTargetGroupAttributes, _, _>(load_balancing::modify_target_group_attributes);
        self.on::<elbv2::RegisterTargets, _, _>(load_balancing::register_targets);
        self.on::<elbv2::RemoveListenerCertificates, _, _>(load_balancing::remove_listener_certificates);
        self.on::<elbv2::RemoveTags, _, _>(load_balancing::remove_tags);
        self.on::<elbv2::SetIpAddressType, _, _>(load_balancing::set_ip_address_type);
        self.on::<elbv2::SetRulePriorities, _, _>(load_balancing::set_rule_priorities);
        self.on::<elbv2::SetSecurityGroups, _, _>(load_balancing::set_security_groups);
        self.on::<elbv2::SetSubnets, _, _>(load_balancing::set_subnets);
    }
}
