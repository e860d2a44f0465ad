//! What is refused, and with which exception.

use serde_json::{Value, json};

use super::{ECR, digest_of, web, world};
use crate::fixture::code;

/// Operation and input, and the exception.
type Refusals<'a> = Vec<((&'a str, Value), &'a str)>;

async fn check_refusals(table: Refusals<'_>) {
    let fixture = world().await;
    for ((operation, input), expected) in table {
        let refused = code(fixture.refused_of(ECR, operation, input.clone()).await);
        assert_eq!(refused, expected, "{operation} {input}");
    }
}

#[tokio::test]
async fn a_repository_that_amazon_would_not_make_is_refused() {
    let create = |input: Value| ("CreateRepository", input);
    let filters = |setting: &str, filter: &str| {
        let filters = json!([{ "filterType": "WILDCARD", "filter": filter }]);
        create(json!({
            "repositoryName": "xx", "imageTagMutability": setting, "imageTagMutabilityExclusionFilters": filters,
        }))
    };
    let invalid = "InvalidParameterException";
    let missing = "RepositoryNotFoundException";
    check_refusals(vec![
        (create(json!({ "repositoryName": "UP" })), invalid),
        (create(json!({ "repositoryName": "x" })), invalid),
        (
            create(json!({ "repositoryName": "xx", "imageTagMutability": "NO" })),
            invalid,
        ),
        (
            create(json!({ "repositoryName": "xx", "encryptionConfiguration": { "encryptionType": "NO" } })),
            invalid,
        ),
        (
            create(json!({ "repositoryName": "xx", "registryId": "210987654321" })),
            missing,
        ),
        (
            create(json!({ "repositoryName": "xx", "tags": [{ "Key": "aws:x", "Value": "" }] })),
            "InvalidTagParameterException",
        ),
        (filters("MUTABLE", "a"), invalid),
        (filters("IMMUTABLE_WITH_EXCLUSION", "*a*b*"), invalid),
        (filters("IMMUTABLE_WITH_EXCLUSION", "a b"), invalid),
    ])
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table, or one story")]
async fn what_is_not_there_or_makes_no_sense_is_refused_with_amazons_exception() {
    let absent = json!({ "repositoryName": "none" });
    let invalid = "InvalidParameterException";
    let missing = "RepositoryNotFoundException";
    check_refusals(vec![
        (
            ("DescribeRepositories", json!({ "repositoryNames": ["none"] })),
            missing,
        ),
        (("DescribeRepositories", json!({ "maxResults": 0 })), invalid),
        (("DescribeRepositories", json!({ "nextToken": "x" })), invalid),
        (("DeleteRepository", absent.clone()), missing),
        (("ListImages", absent.clone()), missing),
        (("DescribeImages", absent.clone()), missing),
        (("InitiateLayerUpload", absent.clone()), missing),
        (("GetLifecyclePolicy", absent.clone()), missing),
        (("GetRepositoryPolicy", absent), missing),
        (
            ("GetLifecyclePolicy", web(json!({}))),
            "LifecyclePolicyNotFoundException",
        ),
        (
            ("DeleteLifecyclePolicy", web(json!({}))),
            "LifecyclePolicyNotFoundException",
        ),
        (
            ("StartLifecyclePolicyPreview", web(json!({}))),
            "LifecyclePolicyNotFoundException",
        ),
        (
            ("GetLifecyclePolicyPreview", web(json!({}))),
            "LifecyclePolicyPreviewNotFoundException",
        ),
        (
            ("PutLifecyclePolicy", web(json!({ "lifecyclePolicyText": "{}" }))),
            invalid,
        ),
        (
            ("GetRepositoryPolicy", web(json!({}))),
            "RepositoryPolicyNotFoundException",
        ),
        (
            ("DeleteRepositoryPolicy", web(json!({}))),
            "RepositoryPolicyNotFoundException",
        ),
        (
            ("SetRepositoryPolicy", web(json!({ "policyText": "no" }))),
            invalid,
        ),
        (
            (
                "DescribeImages",
                web(json!({ "imageIds": [{ "imageTag": "x" }] })),
            ),
            "ImageNotFoundException",
        ),
        (("DescribeImages", web(json!({ "imageIds": [{}] }))), invalid),
        (
            ("DescribeImages", web(json!({ "filter": { "tagStatus": "NO" } }))),
            invalid,
        ),
        (("PutImage", web(json!({ "imageManifest": "{}" }))), invalid),
        (
            (
                "CompleteLayerUpload",
                web(json!({ "uploadId": "x", "layerDigests": [digest_of(b"x")] })),
            ),
            "UploadNotFoundException",
        ),
        (
            (
                "GetDownloadUrlForLayer",
                web(json!({ "layerDigest": digest_of(b"x") })),
            ),
            "LayersNotFoundException",
        ),
        (
            (
                "GetAuthorizationToken",
                json!({ "registryIds": ["210987654321"] }),
            ),
            invalid,
        ),
        (
            ("TagResource", json!({ "resourceArn": "arn:x", "tags": [] })),
            invalid,
        ),
        (
            (
                "ListTagsForResource",
                json!({ "resourceArn": "arn:aws:ecr:us-east-1:123456789012:repository/none" }),
            ),
            missing,
        ),
    ])
    .await;
}
