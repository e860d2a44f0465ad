use super::*;

fn vpc(region: &str) -> Vpc {
    let range = "10.0.0.0/16".parse().expect("a range");
    Vpc::new("vpc-1".into(), Scope::new("1", region), range, "sg-1".into())
}

fn told(own: &[(&str, &[&str])]) -> (Vec<String>, Vec<String>) {
    let options = own.iter().map(|(key, values)| DhcpOption {
        key: (*key).to_owned(),
        values: values.iter().map(|it| (*it).to_owned()).collect(),
    });
    let own = DhcpOptions {
        id: "dopt-1".into(),
        scope: Scope::new("1", "us-east-1"),
        is_default: false,
        options: options.collect(),
        vpc_ids: vec!["vpc-1".into()],
        tags: Vec::new(),
    };
    let told = told_names(&vpc("us-east-1"), Some(&own));
    (told.servers, told.search)
}

#[test]
fn machines_are_told_of_the_resolver_unless_a_set_says_otherwise() {
    for (region, domain) in [
        ("us-east-1", "ec2.internal"),
        ("eu-west-1", "eu-west-1.compute.internal"),
    ] {
        let default = DhcpOptions::default_of("dopt-1".into(), Scope::new("1", region), Vec::new());
        let told = told_names(&vpc(region), None);
        assert_eq!(told_names(&vpc(region), Some(&default)), told);
        assert_eq!(
            (told.servers, told.search),
            (vec!["10.0.0.2".to_owned()], vec![domain.to_owned()])
        );
    }
    let deaf = Vpc {
        has_dns_support: false,
        ..vpc("us-east-1")
    };
    assert_eq!(
        told_names(&deaf, None).servers,
        ["10.0.0.2"],
        "it does not answer"
    );
    for (own, servers, search) in [
        (
            &[(DOMAIN_NAME_SERVERS, &["10.0.0.53", AMAZON_PROVIDED_DNS][..])][..],
            &["10.0.0.53", "10.0.0.2"][..],
            &[][..],
        ),
        (
            &[(DOMAIN_NAME, &["corp.test lab.test"][..])],
            &["10.0.0.2"],
            &["corp.test", "lab.test"],
        ),
        (&[("ntp-servers", &["10.0.0.1"][..])], &["10.0.0.2"], &[]),
    ] {
        let found = told(own);
        assert_eq!(found.0, servers, "{own:?}");
        assert_eq!(found.1, search, "{own:?}");
    }
}
