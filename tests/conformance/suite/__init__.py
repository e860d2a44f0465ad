"""Cases for any ECS endpoint: each module is one piece of the suite, run by `python3 -m suite.<piece>`.

The subject and the key come from the variables that the AWS SDKs read (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION). A piece ends with status 0 and one line that counts what it did.
"""
