//! Which handler serves which operation of Amazon EC2 on routes, gateways, network ACLs and what belongs to them.

use api::ec2;

use super::Routes;
use crate::handlers::ec2 as networks;

impl Routes {
    pub(super) fn ec2_gateways(&mut self) {
        self.on::<ec2::AllocateAddress, _, _>(networks::allocate_address);
        self.on::<ec2::AssociateAddress, _, _>(networks::associate_address);
        self.on::<ec2::AssociateDhcpOptions, _, _>(networks::associate_dhcp_options);
        self.on::<ec2::AssociateRouteTable, _, _>(networks::associate_route_table);
        self.on::<ec2::AttachInternetGateway, _, _>(networks::attach_internet_gateway);
        self.on::<ec2::CreateDhcpOptions, _, _>(networks::create_dhcp_options);
        self.on::<ec2::CreateEgressOnlyInternetGateway, _, _>(networks::create_egress_only_internet_gateway);
        self.on::<ec2::CreateInternetGateway, _, _>(networks::create_internet_gateway);
        self.on::<ec2::CreateManagedPrefixList, _, _>(networks::create_managed_prefix_list);
        self.on::<ec2::CreateNatGateway, _, _>(networks::create_nat_gateway);
        self.on::<ec2::CreateNetworkAcl, _, _>(networks::create_network_acl);
        self.on::<ec2::CreateNetworkAclEntry, _, _>(networks::create_network_acl_entry);
        self.on::<ec2::CreateRoute, _, _>(networks::create_route);
        self.on::<ec2::CreateRouteTable, _, _>(networks::create_route_table);
        self.on::<ec2::CreateVpcEndpoint, _, _>(networks::create_vpc_endpoint);
        self.on::<ec2::DeleteDhcpOptions, _, _>(networks::delete_dhcp_options);
        self.on::<ec2::DeleteEgressOnlyInternetGateway, _, _>(networks::delete_egress_only_internet_gateway);
        self.on::<ec2::DeleteInternetGateway, _, _>(networks::delete_internet_gateway);
        self.on::<ec2::DeleteManagedPrefixList, _, _>(networks::delete_managed_prefix_list);
        self.on::<ec2::DeleteNatGateway, _, _>(networks::delete_nat_gateway);
        self.on::<ec2::DeleteNetworkAcl, _, _>(networks::delete_network_acl);
        self.on::<ec2::DeleteNetworkAclEntry, _, _>(networks::delete_network_acl_entry);
        self.on::<ec2::DeleteRoute, _, _>(networks::delete_route);
        self.on::<ec2::DeleteRouteTable, _, _>(networks::delete_route_table);
        self.on::<ec2::DeleteVpcEndpoints, _, _>(networks::delete_vpc_endpoints);
        self.on::<ec2::DescribeAddresses, _, _>(networks::describe_addresses);
        self.on::<ec2::DescribeAddressesAttribute, _, _>(networks::describe_addresses_attribute);
        self.on::<ec2::DescribeDhcpOptions, _, _>(networks::describe_dhcp_options);
        self.on::<ec2::DescribeEgressOnlyInternetGateways, _, _>(
            networks::describe_egress_only_internet_gateways,
        );
        self.on::<ec2::DescribeInternetGateways, _, _>(networks::describe_internet_gateways);
        self.on::<ec2::DescribeManagedPrefixLists, _, _>(networks::describe_managed_prefix_lists);
        self.on::<ec2::DescribeNatGateways, _, _>(networks::describe_nat_gateways);
        self.on::<ec2::DescribeNetworkAcls, _, _>(networks::describe_network_acls);
        self.on::<ec2::DescribePrefixLists, _, _>(networks::describe_prefix_lists);
        self.on::<ec2::DescribeRouteTables, _, _>(networks::describe_route_tables);
        self.on::<ec2::DescribeVpcEndpointServices, _, _>(networks::describe_vpc_endpoint_services);
        self.on::<ec2::DescribeVpcEndpoints, _, _>(networks::describe_vpc_endpoints);
        self.on::<ec2::DetachInternetGateway, _, _>(networks::detach_internet_gateway);
        self.on::<ec2::DisassociateAddress, _, _>(networks::disassociate_address);
        self.on::<ec2::DisassociateRouteTable, _, _>(networks::disassociate_route_table);
        self.on::<ec2::GetManagedPrefixListAssociations, _, _>(
            networks::get_managed_prefix_list_associations,
        );
        self.on::<ec2::GetManagedPrefixListEntries, _, _>(networks::get_managed_prefix_list_entries);
        self.on::<ec2::ModifyManagedPrefixList, _, _>(networks::modify_managed_prefix_list);
        self.on::<ec2::ModifyVpcEndpoint, _, _>(networks::modify_vpc_endpoint);
        self.on::<ec2::ReleaseAddress, _, _>(networks::release_address);
        self.on::<ec2::ReplaceNetworkAclAssociation, _, _>(networks::replace_network_acl_association);
        self.on::<ec2::ReplaceNetworkAclEntry, _, _>(networks::replace_network_acl_entry);
        self.on::<ec2::ReplaceRoute, _, _>(networks::replace_route);
        self.on::<ec2::RestoreManagedPrefixListVersion, _, _>(networks::restore_managed_prefix_list_version);
        self.on::<ec2::ReplaceRouteTableAssociation, _, _>(networks::replace_route_table_association);
    }
}
