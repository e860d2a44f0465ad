//! Requests of the query protocols by GET, signed in their headers and in their address.

use domain::access_key::{AccessKey, Principal};
use wire::sigv4::Signer;

use super::*;
use crate::fixture::Fixture;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const DESCRIBE: &str = "/?Action=DescribeAvailabilityZones&Version=2016-11-15&ZoneName.1=us-east-1b";

struct World(Fixture);

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let key = AccessKey {
            access_key_id: KEY.to_owned(),
            secret_access_key: "secret".to_owned(),
            account: "123456789012".to_owned(),
            principal: Principal::Root,
        };
        let put = fixture.store().transact(move |tx| {
            tx.put(key);
            Ok::<_, ()>(())
        });
        put.await.expect("is put");
        Self(fixture)
    }

    async fn get(&self, parts: Parts) -> (u16, String) {
        let rest = route_of_path(&parts.method, &parts.uri, &parts.headers);
        assert!(rest.is_none());
        let form = route::form_of_query(&parts.method, &parts.uri).expect("a form");
        let form = Some(Bytes::copy_from_slice(form.as_bytes()));
        let asked = Asked { rest, form };
        let control_plane = self.0.control_plane();
        let answer = answered(control_plane, &Routes::new(), &parts, Ok(Bytes::new()), asked).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("is read").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

fn signer(service: &str) -> Signer<'_> {
    Signer {
        access_key_id: KEY,
        secret_access_key: "secret",
        region: "us-east-1",
        service,
        session_token: None,
    }
}

fn parts(uri: &str) -> Parts {
    let request = Request::builder().uri(uri).header("host", "127.0.0.1:4566");
    request.body(()).expect("a request").into_parts().0
}

#[tokio::test]
async fn a_get_is_signed_in_its_headers_or_its_address() {
    let world = World::new().await;
    let now = world.0.control_plane().clock.now();
    let mut by_header = parts(DESCRIBE);
    sigv4::sign(&signer("ec2"), &mut by_header, b"", now);
    let query = sigv4::sign_query(&signer("ec2"), &parts(DESCRIBE), 60, now);
    let presigned = parts(&format!("/?{query}"));
    for parts in [by_header, presigned.clone()] {
        let (status, body) = world.get(parts).await;
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("<zoneName>us-east-1b</zoneName>"), "{body}");
        assert!(!body.contains("us-east-1a"), "the parameters are obeyed: {body}");
    }
    let changed = presigned.uri.to_string().replace("us-east-1b", "us-east-1a");
    let (status, body) = world.get(parts(&changed)).await;
    assert_eq!(status, 401);
    assert!(body.contains("<Code>AuthFailure</Code>"), "{body}");
    let (status, body) = world.get(parts(DESCRIBE)).await;
    assert!(
        status >= 400 && body.contains("<Response><Errors><Error>"),
        "unsigned, in the service's own form: {body}"
    );
}

#[tokio::test]
async fn all_services_of_the_query_protocols_are_asked_by_get() {
    let world = World::new().await;
    let now = world.0.control_plane().clock.now();
    for (service, query, expected) in [
        (
            "sts",
            "Action=GetCallerIdentity&Version=2011-06-15",
            "<GetCallerIdentityResult>",
        ),
        ("iam", "Action=ListRoles&Version=2010-05-08", "<ListRolesResult>"),
        (
            "elasticloadbalancing",
            "Action=DescribeLoadBalancers&Version=2015-12-01",
            "<DescribeLoadBalancersResult>",
        ),
        (
            "elasticloadbalancing",
            "Action=DescribeLoadBalancers&Version=2012-06-01",
            "<DescribeLoadBalancersResult>",
        ),
    ] {
        let query = sigv4::sign_query(&signer(service), &parts(&format!("/?{query}")), 60, now);
        let (status, body) = world.get(parts(&format!("/?{query}"))).await;
        assert_eq!(status, 200, "{service}: {body}");
        assert!(body.contains(expected), "{service}: {body}");
    }
}
