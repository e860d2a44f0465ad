//! Which handler serves which operation of Amazon EC2.

use api::ec2;

use super::Routes;
use crate::handlers::ec2 as networks;

impl Routes {
    pub(super) fn ec2(&mut self) {
        self.on::<ec2::AssignPrivateIpAddresses, _, _>(networks::assign_private_ip_addresses);
        self.on::<ec2::AssociateVpcCidrBlock, _, _>(networks::associate_vpc_cidr_block);
        self.on::<ec2::AttachNetworkInterface, _, _>(networks::attach_network_interface);
        self.on::<ec2::AuthorizeSecurityGroupEgress, _, _>(networks::authorize_security_group_egress);
        self.on::<ec2::AuthorizeSecurityGroupIngress, _, _>(networks::authorize_security_group_ingress);
        self.on::<ec2::CreateDefaultSubnet, _, _>(networks::create_default_subnet);
        self.on::<ec2::CreateDefaultVpc, _, _>(networks::create_default_vpc);
        self.on::<ec2::CreateNetworkInterface, _, _>(networks::create_network_interface);
        self.on::<ec2::CreateSecurityGroup, _, _>(networks::create_security_group);
        self.on::<ec2::CreateSubnet, _, _>(networks::create_subnet);
        self.ec2_gateways();
        self.on::<ec2::CreateTags, _, _>(networks::create_tags);
        self.on::<ec2::CreateVpc, _, _>(networks::create_vpc);
        self.on::<ec2::DeleteNetworkInterface, _, _>(networks::delete_network_interface);
        self.on::<ec2::DeleteSecurityGroup, _, _>(networks::delete_security_group);
        self.on::<ec2::DeleteSubnet, _, _>(networks::delete_subnet);
        self.on::<ec2::DeleteTags, _, _>(networks::delete_tags);
        self.on::<ec2::DeleteVpc, _, _>(networks::delete_vpc);
        self.on::<ec2::DescribeAccountAttributes, _, _>(networks::describe_account_attributes);
        self.on::<ec2::DescribeAvailabilityZones, _, _>(networks::describe_availability_zones);
        self.on::<ec2::DescribeNetworkInterfaceAttribute, _, _>(
            networks::describe_network_interface_attribute,
        );
        self.on::<ec2::DescribeNetworkInterfaces, _, _>(networks::describe_network_interfaces);
        self.on::<ec2::DescribeRegions, _, _>(networks::describe_regions);
        self.on::<ec2::DescribeSecurityGroupReferences, _, _>(networks::describe_security_group_references);
        self.on::<ec2::DescribeSecurityGroupRules, _, _>(networks::describe_security_group_rules);
        self.on::<ec2::DescribeSecurityGroups, _, _>(networks::describe_security_groups);
        self.on::<ec2::DescribeStaleSecurityGroups, _, _>(networks::describe_stale_security_groups);
        self.on::<ec2::DescribeSubnets, _, _>(networks::describe_subnets);
        self.on::<ec2::DescribeTags, _, _>(networks::describe_tags);
        self.on::<ec2::DescribeVpcAttribute, _, _>(networks::describe_vpc_attribute);
        self.on::<ec2::DescribeVpcClassicLink, _, _>(networks::describe_vpc_classic_link);
        self.on::<ec2::DescribeVpcClassicLinkDnsSupport, _, _>(
            networks::describe_vpc_classic_link_dns_support,
        );
        self.on::<ec2::DescribeVpcs, _, _>(networks::describe_vpcs);
        self.on::<ec2::DescribeVpnGateways, _, _>(networks::describe_vpn_gateways);
        self.on::<ec2::DetachNetworkInterface, _, _>(networks::detach_network_interface);
        self.on::<ec2::DisassociateVpcCidrBlock, _, _>(networks::disassociate_vpc_cidr_block);
        self.on::<ec2::GetSecurityGroupsForVpc, _, _>(networks::get_security_groups_for_vpc);
        self.on::<ec2::ModifyNetworkInterfaceAttribute, _, _>(networks::modify_network_interface_attribute);
        self.on::<ec2::ModifySecurityGroupRules, _, _>(networks::modify_security_group_rules);
        self.on::<ec2::ModifySubnetAttribute, _, _>(networks::modify_subnet_attribute);
        self.on::<ec2::ModifyVpcAttribute, _, _>(networks::modify_vpc_attribute);
        self.on::<ec2::ModifyVpcTenancy, _, _>(networks::modify_vpc_tenancy);
        self.on::<ec2::RevokeSecurityGroupEgress, _, _>(networks::revoke_security_group_egress);
        self.on::<ec2::RevokeSecurityGroupIngress, _, _>(networks::revoke_security_group_ingress);
        self.on::<ec2::UnassignPrivateIpAddresses, _, _>(networks::unassign_private_ip_addresses);
        self.on::<ec2::UpdateSecurityGroupRuleDescriptionsEgress, _, _>(
            networks::update_security_group_rule_descriptions_egress,
        );
        self.on::<ec2::UpdateSecurityGroupRuleDescriptionsIngress, _, _>(
            networks::update_security_group_rule_descriptions_ingress,
        );
    }
}
