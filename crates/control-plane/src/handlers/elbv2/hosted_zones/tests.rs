use domain::load_balancer::{Scheme, dns_name};

use super::*;

#[test]
fn names_stand_in_the_zone_of_their_kind_and_region() {
    assert!(HOSTED_ZONES.is_sorted_by_key(|(region, ..)| region));
    for (region, application, network) in HOSTED_ZONES {
        for (kind, zone) in [
            (LoadBalancerKind::Application, application),
            (LoadBalancerKind::Network, network),
        ] {
            for scheme in [Scheme::Internal, Scheme::InternetFacing] {
                let name = dns_name(kind, scheme, "Web", "50dc6c495c0c9188", region);
                assert_eq!(hosted_zone_of(&name), Some(zone), "{name}");
                assert_eq!(hosted_zone_of(&format!("{}.", name.to_uppercase())), Some(zone));
            }
        }
    }
    let chinese = "web-1.cn-north-1.elb.amazonaws.com.cn";
    assert_eq!(hosted_zone_of(chinese), Some("Z1GDH35T77C1KE"));
    let nowhere = [
        "",
        "amazonaws.com",
        "elb.amazonaws.com",
        "web.example.com",
        "web.mars-1.elb.amazonaws.com",
        "web.elb.mars-1.amazonaws.com",
        "web.s3.us-east-1.amazonaws.com",
    ];
    for name in nowhere {
        assert_eq!(hosted_zone_of(name), None, "{name}");
    }
}
