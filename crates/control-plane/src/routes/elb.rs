//! Which handler serves which operation of classic load balancing.

use api::elb;
use wire::Operation;

use super::{Routes, name, refused};
use crate::handlers::elb as classic;

/// Why policies but those of stickiness are refused.
const POLICIES: &str = "of policies there are those that keep clients with their instances";

impl Routes {
    pub(super) fn elb(&mut self) {
        self.on::<elb::AddTags, _, _>(classic::add_tags);
        self.on::<elb::ApplySecurityGroupsToLoadBalancer, _, _>(
            classic::apply_security_groups_to_load_balancer,
        );
        self.on::<elb::AttachLoadBalancerToSubnets, _, _>(classic::attach_load_balancer_to_subnets);
        self.on::<elb::ConfigureHealthCheck, _, _>(classic::configure_health_check);
        self.on::<elb::CreateAppCookieStickinessPolicy, _, _>(classic::create_app_cookie_stickiness_policy);
        self.on::<elb::CreateLBCookieStickinessPolicy, _, _>(classic::create_lb_cookie_stickiness_policy);
        self.on::<elb::CreateLoadBalancer, _, _>(classic::create_load_balancer);
        self.on::<elb::CreateLoadBalancerListeners, _, _>(classic::create_load_balancer_listeners);
        self.on::<elb::DeleteLoadBalancer, _, _>(classic::delete_load_balancer);
        self.on::<elb::DeleteLoadBalancerListeners, _, _>(classic::delete_load_balancer_listeners);
        self.on::<elb::DeleteLoadBalancerPolicy, _, _>(classic::delete_load_balancer_policy);
        self.on::<elb::DeregisterInstancesFromLoadBalancer, _, _>(
            classic::deregister_instances_from_load_balancer,
        );
        self.on::<elb::DescribeAccountLimits, _, _>(classic::describe_account_limits);
        self.on::<elb::DescribeInstanceHealth, _, _>(classic::describe_instance_health);
        self.on::<elb::DescribeLoadBalancerAttributes, _, _>(classic::describe_load_balancer_attributes);
        self.on::<elb::DescribeLoadBalancerPolicies, _, _>(classic::describe_load_balancer_policies);
        self.on::<elb::DescribeLoadBalancers, _, _>(classic::describe_load_balancers);
        self.on::<elb::DescribeTags, _, _>(classic::describe_tags);
        self.on::<elb::DetachLoadBalancerFromSubnets, _, _>(classic::detach_load_balancer_from_subnets);
        self.on::<elb::DisableAvailabilityZonesForLoadBalancer, _, _>(
            classic::disable_availability_zones_for_load_balancer,
        );
        self.on::<elb::EnableAvailabilityZonesForLoadBalancer, _, _>(
            classic::enable_availability_zones_for_load_balancer,
        );
        self.on::<elb::ModifyLoadBalancerAttributes, _, _>(classic::modify_load_balancer_attributes);
        self.on::<elb::RegisterInstancesWithLoadBalancer, _, _>(
            classic::register_instances_with_load_balancer,
        );
        self.on::<elb::RemoveTags, _, _>(classic::remove_tags);
        self.on::<elb::SetLoadBalancerListenerSSLCertificate, _, _>(
            classic::set_load_balancer_listener_ssl_certificate,
        );
        self.on::<elb::SetLoadBalancerPoliciesOfListener, _, _>(
            classic::set_load_balancer_policies_of_listener,
        );
        self.refuse_elb::<elb::CreateLoadBalancerPolicy>(POLICIES);
        self.refuse_elb::<elb::DescribeLoadBalancerPolicyTypes>(POLICIES);
        self.refuse_elb::<elb::SetLoadBalancerPoliciesForBackendServer>(POLICIES);
    }

    fn refuse_elb<O: Operation<Error = elb::Error>>(&mut self, why: &'static str) {
        self.on::<O, _, _>(move |_| async move {
            Err(classic::not_permitted(format!(
                "This operation is not allowed: {why}."
            )))
        });
        let refused = refused::Refused {
            why,
            exception: "OperationNotPermittedException",
        };
        self.refusals.insert((name(O::SERVICE), O::NAME), refused);
    }
}
