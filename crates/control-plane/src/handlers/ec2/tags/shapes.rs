//! Where shapes show their tags.

use api::ec2;

use super::Tagged;

fn of(tags: Option<&Vec<ec2::Tag>>) -> &[ec2::Tag] {
    tags.map(Vec::as_slice).unwrap_or_default()
}

impl Tagged for ec2::Vpc {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::Subnet {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::SecurityGroup {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::SecurityGroupRule {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::SecurityGroupForVpc {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::NetworkInterface {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tag_set.as_ref())
    }
}

impl Tagged for ec2::Region {
    const HAS_TAGS: bool = false;

    fn tags(&self) -> &[ec2::Tag] {
        &[]
    }
}

impl Tagged for ec2::AvailabilityZone {
    const HAS_TAGS: bool = false;

    fn tags(&self) -> &[ec2::Tag] {
        &[]
    }
}

impl Tagged for ec2::TagDescription {
    const HAS_TAGS: bool = false;

    fn tags(&self) -> &[ec2::Tag] {
        &[]
    }
}

impl Tagged for ec2::RouteTable {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::InternetGateway {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::EgressOnlyInternetGateway {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::NatGateway {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::NetworkAcl {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::Address {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::VpcEndpoint {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::ServiceDetail {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::DhcpOptions {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::VpnGateway {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::VpcClassicLink {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::ManagedPrefixList {
    fn tags(&self) -> &[ec2::Tag] {
        of(self.tags.as_ref())
    }
}

impl Tagged for ec2::PrefixList {
    const HAS_TAGS: bool = false;

    fn tags(&self) -> &[ec2::Tag] {
        &[]
    }
}
