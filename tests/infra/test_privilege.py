"""Least privilege, shown: the service under its role's own policy, on servers that enforce it.

The policy is the one that Terraform applied. What is granted is compared with what the suites ask for, both ways; each
action is taken away in turn; and what the role must not do is tried.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.infra import needs, policies, probes
from tests.infra.conftest import Emulated
from tests.infra.enforcers import ENFORCERS, ROOT_KEYS, Enforcer, Keys
from tests.infra.needs import Need
from tests.infra.policies import Document, several, statements
from tests.infra.recorder import Recorder
from tests.infra.workspace import ROOT

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

pytestmark = pytest.mark.timeout(1200)  # two servers may have to be built

APPLIED = "acme-images"
SUITES = ("tests/contract/object_store", "tests/surfaces/direct")
SUITE_BUCKETS = ("contract-*", "direct-*", "unversioned-*")
# The suite also writes to a bucket that keeps no versions, which Terraform never makes. When such a write is undone,
# there is no version to name: the product's look at what it wrote needs this.
WITHOUT_VERSIONS = {
    "Sid": "LookWhereNoVersionsAre",
    "Effect": "Allow",
    "Action": ["s3:GetObject"],
    "Resource": ["arn:aws:s3:::unversioned-*/images/*"],
}
CONFLATED = {
    ("KeepImages", "s3:DeleteObject"),
    ("KeepImages", "s3:DeleteObjectVersion"),
    ("SettlePendingUploads", "s3:GetObject"),
    ("SettlePendingUploads", "s3:GetObjectVersion"),
}
"""What MinIO can not show: there one of the two stands for the other (see ``enforcers.translated``)."""


def named(document: Document, *buckets: str) -> Document:
    """The policy for other buckets than the one that it was made for."""
    ours = re.compile(rf":::{APPLIED}(?=/|$)")
    renamed = [
        {**each, "Resource": [ours.sub(f":::{bucket}", arn) for arn in each["Resource"] for bucket in buckets]}
        for each in statements(document)
    ]
    return {**document, "Statement": renamed}


@pytest.fixture(scope="module")
def policy(emulated: Emulated) -> Document:
    """The policy of the service's role, as it was applied."""
    document: Document = json.loads(emulated.complete.output("task_policy"))
    return document


@pytest.fixture(scope="module", params=ENFORCERS)
def enforcer(request: pytest.FixtureRequest) -> Iterator[Enforcer]:
    with ENFORCERS[request.param]() as running:
        yield running


@pytest.fixture(scope="module")
def site(enforcer: Enforcer, policy: Document) -> Iterator[probes.Site]:
    """The service's user, two buckets of its own and one that it has nothing to do with."""
    admin = enforcer.client()
    for bucket in (APPLIED, "acme-images-plain", "acme-images2"):
        admin.create_bucket(Bucket=bucket)
        if not bucket.endswith("plain"):
            admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    admin.close()
    keys = enforcer.new_user()
    with probes.credentials(keys):
        yield probes.Site(enforcer, APPLIED, "acme-images-plain", keys)


def run_suites(url: str, enforcer: Enforcer, keys: Keys) -> str:
    """The suites of the S3 store and of direct uploads as that user; returns pytest's summary."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "AWS_", "PYTEST_"))
    }
    environment |= {
        f"TEST_S3_{enforcer.name.upper()}": url,
        "TEST_S3_ACCESS_KEY": keys.access,
        "TEST_S3_SECRET_KEY": keys.secret,
        "TEST_S3_ADMIN_ACCESS_KEY": ROOT_KEYS.access,
        "TEST_S3_ADMIN_SECRET_KEY": ROOT_KEYS.secret,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", enforcer.name]
    done = subprocess.run(
        [*command, *SUITES], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout.rstrip().splitlines()[-1]


@pytest.fixture(scope="module")
def recorded(enforcer: Enforcer, policy: Document) -> set[Need]:
    """What the suites asked for while they ran under the policy: permissions on the applied bucket's names.

    It counts what was refused for want of a permission as well: a call that is not granted shows up here, too.
    """
    keys = enforcer.new_user()
    renamed = named(policy, *SUITE_BUCKETS)
    enforcer.grant(keys, {**renamed, "Statement": [*renamed["Statement"], WITHOUT_VERSIONS]})
    with Recorder(enforcer.url) as proxy:
        summary = run_suites(proxy.url, enforcer, keys)
    passed = re.search(r"(\d+) passed", summary)
    assert passed, summary
    assert int(passed[1]) > 100, f"the suites did not run: {summary}"
    asked = {need for call in proxy.calls if call.is_by(keys.access) and call.counts for need in needs.of_s3(call)}
    ours = re.compile(r"(arn:aws:s3:::)(?:contract|direct)-[0-9a-f]{12}(?=/|$)")
    return {
        Need(need.action, ours.sub(rf"\g<1>{APPLIED}", need.resource), need.prefix)
        for need in asked
        if ours.match(need.resource)
    }


def test_the_suites_pass_under_the_policy_and_ask_for_nothing_else(recorded: set[Need], policy: Document) -> None:
    refused = {need for need in recorded if not policies.allows(policy, need.action, need.resource, need.context)}
    assert refused == set()


def test_nothing_is_granted_that_no_suite_asks_for(recorded: set[Need], policy: Document) -> None:
    granted = {(each["Sid"], action) for each in statements(policy) for action in each["Action"] if action[:3] == "s3:"}
    used = {
        (each["Sid"], need.action)
        for need in recorded
        for each in policies.matching(policy, need.action, need.resource, need.context)
    }
    assert granted == used
    assert {action for _, action in granted} == {need.action for need in recorded}


def test_without_any_one_action_something_fails(site: probes.Site, policy: Document) -> None:
    whole = named(policy, site.bucket, site.unversioned)
    steps = probes.Steps(site)
    site.enforcer.grant(site.keys, whole)
    assert probes.failing(steps) == set()
    idle = set()
    for each in statements(whole):
        for action in (one for one in each["Action"] if one.startswith("s3:")):
            site.enforcer.grant(site.keys, policies.without(whole, each["Sid"], action))
            if not probes.failing(steps):
                idle.add((each["Sid"], action))
    assert idle == (CONFLATED if site.enforcer.name == "minio" else set())
    steps.admin.close()


Attempt = Callable[["S3Client", str], Any]


def _on(key: str) -> dict[str, Attempt]:
    """What can be tried on one object, whose newest version's id is given."""
    return {
        f"read {key}": lambda s3, _: s3.get_object(Bucket=APPLIED, Key=key),
        f"read a version of {key}": lambda s3, version: s3.get_object(Bucket=APPLIED, Key=key, VersionId=version),
        f"write {key}": lambda s3, _: s3.put_object(Bucket=APPLIED, Key=key, Body=b"x"),
        f"mark {key}": lambda s3, _: s3.delete_object(Bucket=APPLIED, Key=key),
        f"remove a version of {key}": lambda s3, version: s3.delete_object(Bucket=APPLIED, Key=key, VersionId=version),
        f"begin an upload of {key}": lambda s3, _: s3.create_multipart_upload(Bucket=APPLIED, Key=key),
        f"copy {key}": lambda s3, version: s3.copy_object(
            Bucket=APPLIED, Key="images/stolen", CopySource={"Bucket": APPLIED, "Key": key, "VersionId": version}
        ),
    }


_EVERYBODY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{APPLIED}/*"}
        ],
    }
)
_OTHER = "acme-images2"
_EXPIRE_ALL: Any = {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
OUTSIDE = [
    "photo.jpg",
    "images",
    "images2/photo.jpg",
    "Images/photo.jpg",
    "other/images/photo.jpg",
    "pending2/photo.jpg",
]
FORBIDDEN: dict[str, Attempt] = {
    "list another bucket": lambda s3, _: s3.list_objects_v2(Bucket=_OTHER),
    "list versions of another bucket": lambda s3, _: s3.list_object_versions(Bucket=_OTHER, Prefix="images/"),
    "look at another bucket": lambda s3, _: s3.head_bucket(Bucket=_OTHER),
    "read another bucket": lambda s3, _: s3.get_object(Bucket=_OTHER, Key="images/photo.jpg"),
    "write to another bucket": lambda s3, _: s3.put_object(Bucket=_OTHER, Key="images/photo.jpg", Body=b"x"),
    "delete in another bucket": lambda s3, _: s3.delete_object(Bucket=_OTHER, Key="images/photo.jpg"),
    "copy from another bucket": lambda s3, _: s3.copy_object(
        Bucket=APPLIED, Key="images/stolen", CopySource={"Bucket": _OTHER, "Key": "images/photo.jpg"}
    ),
    "make a bucket": lambda s3, _: s3.create_bucket(Bucket="acme-images3"),
    "remove the bucket": lambda s3, _: s3.delete_bucket(Bucket=APPLIED),
    "list versions of all that begins like images": lambda s3, _: s3.list_object_versions(Bucket=APPLIED, Prefix="im"),
    "list versions elsewhere": lambda s3, _: s3.list_object_versions(Bucket=APPLIED, Prefix="images2/"),
    "list elsewhere": lambda s3, _: s3.list_objects_v2(Bucket=APPLIED, Prefix="images2/"),
    "read the policy": lambda s3, _: s3.get_bucket_policy(Bucket=APPLIED),
    "open the bucket": lambda s3, _: s3.put_bucket_policy(Bucket=APPLIED, Policy=_EVERYBODY),
    "remove the policy": lambda s3, _: s3.delete_bucket_policy(Bucket=APPLIED),
    "suspend versioning": lambda s3, _: s3.put_bucket_versioning(
        Bucket=APPLIED, VersioningConfiguration={"Status": "Suspended"}
    ),
    "expire everything": lambda s3, _: s3.put_bucket_lifecycle_configuration(
        Bucket=APPLIED, LifecycleConfiguration=_EXPIRE_ALL
    ),
    "tag an image": lambda s3, _: s3.put_object_tagging(
        Bucket=APPLIED, Key="images/photo.jpg", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    ),
    **{name: attempt for key in OUTSIDE for name, attempt in _on(key).items()},
}
NARROW: dict[str, Attempt] = {
    "list versions without a prefix": lambda s3, _: s3.list_object_versions(Bucket=APPLIED),
    "read an image without naming its version": lambda s3, _: s3.get_object(Bucket=APPLIED, Key="images/photo.jpg"),
    "mark what is pending": lambda s3, _: s3.delete_object(Bucket=APPLIED, Key="pending/photo.jpg"),
}
"""Refused on AWS as well, and allowed by MinIO, which asks for no permission of versions' own (``translated``)."""


def test_what_the_service_must_not_do_is_refused(site: probes.Site, policy: Document) -> None:
    admin, service = site.enforcer.client(), site.enforcer.client(site.keys)
    # "images" can not be a key beside "images/…" where objects are files.
    keys = [key for key in OUTSIDE if key != "images"] + ["images/photo.jpg", "pending/photo.jpg"]
    versions = {key: admin.put_object(Bucket=APPLIED, Key=key, Body=b"x")["VersionId"] for key in keys}
    admin.put_object(Bucket=_OTHER, Key="images/photo.jpg", Body=b"x")
    site.enforcer.grant(site.keys, policy)
    service.get_object(Bucket=APPLIED, Key="images/photo.jpg", VersionId=versions["images/photo.jpg"])
    allowed = {}
    for name, attempt in {**FORBIDDEN, **NARROW}.items():
        try:
            attempt(service, versions.get(name.rpartition(" ")[2], versions["photo.jpg"]))
            allowed[name] = "done"
        except ClientError as error:
            # versitygw has no lifecycle rules, and says so before it looks at permissions.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in {403, 501}:
                allowed[name] = str(error)
    assert set(allowed) == (set(NARROW) if site.enforcer.name == "minio" else set()), allowed
    assert admin.get_bucket_versioning(Bucket=APPLIED)["Status"] == "Enabled"
    admin.close()
    service.close()


def test_the_evaluation_would_notice_what_is_missing_or_too_much() -> None:
    document = {"Statement": [{"Sid": "A", "Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "x/*"}]}
    assert policies.allows(document, "a:B", "x/y", {})
    assert not policies.allows(document, "a:B", "y", {})
    assert not policies.allows(policies.without(document, "A", "a:B"), "a:B", "x/y", {})
    denied = {"Statement": [*document["Statement"], {"Sid": "D", "Effect": "Deny", "Action": "a:B", "Resource": "x/y"}]}
    assert not policies.allows(denied, "a:B", "x/y", {})
    assert policies.allows(denied, "a:B", "x/z", {})
    assert several("a") == ["a"]
