//! Filters, ids and pages without a server; networks as clients make them.

use api::ec2;
use domain::Scope;
use domain::vpc::Vpc;

use super::filters::{Filters, Rule, matches};
use super::select::{IdKind, Wanted, bounds, cut};
use super::tags::Tagged;
use super::zones::zone_id;
use super::{check_dry_run, vpcs};
use crate::handlers::PageKey;

mod client_tokens;
mod gateways;
mod network_acls;
mod networks;
mod prefix_lists;
mod route_tables;
mod routed_network;
mod vpc_endpoints;
pub mod world;

const RULES: [Rule<String>; 1] = [Rule {
    names: &["name", "Name"],
    values: |it| vec![it.clone()],
}];
const ID: IdKind = IdKind {
    prefix: "vpc-",
    noun: "vpc ID",
    not_found: "InvalidVpcID.NotFound",
    malformed: "InvalidVpcID.Malformed",
};

impl Tagged for String {
    fn tags(&self) -> &[ec2::Tag] {
        &[]
    }
}

fn filter(name: &str, values: &[&str]) -> ec2::Filter {
    ec2::Filter {
        name: Some(name.to_owned()),
        values: Some(values.iter().map(|it| (*it).to_owned()).collect()),
    }
}

fn refused<T>(result: Result<T, ec2::Error>) -> (&'static str, String) {
    let error = result.err().expect("refused");
    (error.code, error.message)
}

#[test]
fn patterns_have_stars_questions_and_escapes() {
    for (pattern, text, expected) in [
        ("default", "default", true),
        ("default", "Default", false),
        ("def", "default", false),
        ("*", "", true),
        ("us-*-1?", "us-east-1a", true),
        ("us-*-1?", "us-east-1", false),
        ("*a*b*", "xxaxxbxx", true),
        ("*ab", "aab", true),
        ("a?", "a", false),
        (r"\*", "*", true),
        (r"\*", "x", false),
        (r"a\?", "a?", true),
        (r"a\\", r"a\", true),
        ("", "", true),
        ("", "x", false),
        ("ü?", "üß", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
    let hard = "*a".repeat(200);
    assert!(!matches(&hard, &("a".repeat(2_000) + "b")));
}

#[test]
fn every_filter_must_match_by_one_of_its_values() {
    let matched = |filters: Vec<ec2::Filter>| {
        let filters = Some(filters);
        let filters = Filters::of(&RULES, filters.as_ref()).expect("known filters");
        filters.match_all(&"web".to_owned())
    };
    assert!(matched(vec![]));
    assert!(matched(vec![
        filter("name", &["db", "w*"]),
        filter("Name", &["web"])
    ]));
    assert!(!matched(vec![filter("name", &["web"]), filter("Name", &["db"])]));
    assert!(!matched(vec![filter("tag:Team", &["*"])]));
}

#[test]
fn filters_that_make_no_sense_are_refused() {
    let many: Vec<String> = (0..201).map(|it| it.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (given, code, message) in [
        (
            filter("colour", &["red"]),
            "InvalidParameterValue",
            "The filter 'colour' is invalid",
        ),
        (
            ec2::Filter::default(),
            "InvalidParameterValue",
            "The filter 'null' is invalid",
        ),
        (
            filter("name", &[]),
            "MissingParameter",
            "The request must contain the parameter Filter.1.Value",
        ),
        (
            filter("name", &many),
            "FilterLimitExceeded",
            "The maximum number of filter values specified on a single call is 200",
        ),
    ] {
        let given = Some(vec![given]);
        let answered = refused(Filters::of(&RULES, given.as_ref()));
        assert_eq!(answered, (code, message.to_owned()));
    }
}

#[test]
fn ids_must_look_like_ids_and_exist() {
    let items = || vec![("vpc-1".to_owned(), 1), ("vpc-2".to_owned(), 2)];
    let ids = |ids: &[&str]| Some(ids.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    assert_eq!(ID.named(None, items()), Ok(items()));
    assert_eq!(ID.named(ids(&[]).as_ref(), items()), Ok(items()));
    assert_eq!(
        ID.named(ids(&["vpc-2"]).as_ref(), items()),
        Ok(items()[1..].to_vec())
    );
    assert_eq!(
        refused(ID.named(ids(&["vpc-1", "vpc-9"]).as_ref(), items())),
        (
            "InvalidVpcID.NotFound",
            "The vpc ID 'vpc-9' does not exist".to_owned()
        )
    );
    for id in ["x", "vpc-", "subnet-1", "vpc-'1"] {
        assert_eq!(
            refused(ID.named(ids(&[id]).as_ref(), items())),
            (
                "InvalidVpcID.Malformed",
                format!("Invalid id: \"{id}\" (expecting \"vpc-...\")")
            )
        );
    }
}

#[test]
fn pages_go_on_where_they_ended() {
    let key = PageKey([7; 32]);
    let items = || {
        (0..12)
            .rev()
            .map(|it| (format!("vpc-{it:02}"), it))
            .collect::<Vec<_>>()
    };
    let mut token: Option<String> = None;
    let mut pages = Vec::new();
    loop {
        let wanted = Wanted {
            max_results: Some(5),
            next_token: token.as_deref(),
        };
        let (page, next) = cut::<ec2::DescribeVpcs, _>(&key, &wanted, "all", items()).expect("a page");
        pages.push(page);
        token = next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8, 9], vec![10, 11]]);
    let all = Wanted {
        max_results: None,
        next_token: None,
    };
    assert_eq!(
        cut::<ec2::DescribeVpcs, _>(&key, &all, "all", items()).map(|it| it.0.len()),
        Ok(12)
    );
}

#[test]
fn pages_of_odd_sizes_and_foreign_tokens_are_refused() {
    let key = PageKey([7; 32]);
    let refusal = |max_results, next_token| {
        let wanted = Wanted {
            max_results,
            next_token,
        };
        refused(cut::<ec2::DescribeVpcs, _>(
            &key,
            &wanted,
            "all",
            vec![("vpc-1".to_owned(), ())],
        ))
    };
    let too_small = "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5.";
    assert_eq!(
        refusal(Some(4), None),
        ("InvalidParameterValue", too_small.to_owned())
    );
    assert_eq!(refusal(Some(-1), None).0, "InvalidParameterValue");
    assert_eq!(refusal(Some(1001), None).0, "InvalidParameterValue");
    let token = "Unable to parse pagination token".to_owned();
    assert_eq!(refusal(None, Some("forged")), ("InvalidParameterValue", token));
}

#[test]
fn a_page_has_the_bounds_of_its_operation_whatever_chose_it() {
    let key = PageKey([7; 32]);
    let wanted = |max_results, next_token| Wanted {
        max_results: Some(max_results),
        next_token,
    };
    let items = || vec![("a".to_owned(), ()), ("b".to_owned(), ())];
    for chosen_by in ["", "all", "DescribeVpcs all"] {
        let long = cut::<ec2::DescribeRouteTables, _>(&key, &wanted(101, None), chosen_by, items());
        assert_eq!(refused(long).0, "InvalidParameterValue", "{chosen_by:?}");
        let page = cut::<ec2::DescribeRouteTables, _>(&key, &wanted(100, None), chosen_by, items());
        assert_eq!(page, Ok((vec![(), ()], None)));
    }
    let short = cut::<ec2::GetManagedPrefixListEntries, _>(&key, &wanted(1, None), "a", items());
    let (_, token) = short.expect("a page");
    assert!(token.is_some());
    let other = cut::<ec2::DescribeManagedPrefixLists, _>(&key, &wanted(1, token.as_deref()), "a", items());
    assert_eq!(
        refused(other).0,
        "InvalidParameterValue",
        "a token of another operation"
    );
}

/// Where the model tells bounds, they are these.
#[test]
fn pages_are_as_long_as_amazons() {
    let model: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../models/ec2.json")).expect("JSON");
    let operations = model["operations"].as_object().expect("operations");
    let told = operations.iter().filter_map(|(name, it)| {
        let input = &model["shapes"][it["input"].as_str()?];
        let shape = &model["shapes"][input["members"]["MaxResults"]["shape"].as_str()?];
        Some((name, shape["min"].as_i64()?, shape["max"].as_i64()?))
    });
    let told: Vec<_> = told.collect();
    assert!(told.len() > 15, "{told:?}");
    for (name, least, most) in told {
        let bounds = bounds(name);
        let found = (i64::from(*bounds.start()), i64::from(*bounds.end()));
        assert_eq!(found, (least, most), "{name}");
    }
}

#[test]
fn zones_have_ids() {
    for (name, id) in [
        ("us-east-1a", "use1-az1"),
        ("eu-central-1c", "euc1-az3"),
        ("ap-northeast-2b", "apne2-az2"),
        ("us-gov-west-1a", "usgw1-az1"),
        ("local", "-az12"),
        ("", "-az1"),
    ] {
        assert_eq!(zone_id(name), id);
    }
}

#[test]
fn a_vpc_is_told_as_amazon_tells_a_default_one() {
    let vpc = Vpc {
        is_default: true,
        ..Vpc::new(
            "vpc-0a".to_owned(),
            Scope::new("123456789012", "us-east-1"),
            "172.31.0.0/16".parse().expect("a range"),
            "sg-0b".to_owned(),
        )
    };
    let told = vpcs::rendered(&store::State::default(), &vpc);
    assert_eq!(
        (told.is_default, told.cidr_block.as_deref()),
        (Some(true), Some("172.31.0.0/16"))
    );
    let association = &told.cidr_block_association_set.expect("one")[0];
    assert_eq!(association.association_id.as_deref(), Some("vpc-cidr-assoc-0a"));
}

#[test]
fn a_dry_run_is_told_by_an_error() {
    assert_eq!(check_dry_run(None), Ok(()));
    assert_eq!(check_dry_run(Some(false)), Ok(()));
    let error = check_dry_run(Some(true)).expect_err("told");
    assert_eq!((error.status, error.code), (412, "DryRunOperation"));
}
