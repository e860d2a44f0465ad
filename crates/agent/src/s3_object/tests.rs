//! ARNs of objects.

use super::*;

#[test]
fn arns_name_bucket_and_key() {
    let read = |arn: &str| S3Object::parse(arn).map(|it| (it.bucket, it.key));
    let both = |bucket: &str, key: &str| Some((bucket.to_owned(), key.to_owned()));
    assert_eq!(read("arn:aws:s3:::bucket/app.env"), both("bucket", "app.env"));
    assert_eq!(
        read("arn:aws-cn:s3:::bucket/a/b:c.env"),
        both("bucket", "a/b:c.env")
    );
    for arn in [
        "",
        "arn:aws:s3:::bucket",
        "arn:aws:s3:::/app.env",
        "arn:aws:s3:::bucket/",
        "arn:aws:ssm:::bucket/a.env",
        "bucket/app.env",
    ] {
        assert_eq!(read(arn), None, "{arn}");
    }
}
