"""What is applied once for the whole run: both examples, side by side, to one emulator."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3.session
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.emulator import emulator
from tests.infra import workspace
from tests.infra.workspace import Deployed

# The files whose tests look at what is applied: one worker applies it, once.
APPLIED = {"test_applied", "test_encryption", "test_permissions", "test_privilege", "test_table"}
DIGEST = "sha256:" + "0" * 64
CERTIFICATE = f"arn:aws:acm:{workspace.REGION}:{workspace.ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"
COMPLETE = f"""
bucket_name         = "acme-images"
domain_name         = "images.example.org"
certificate_arn     = "{CERTIFICATE}"
image_digest        = "{DIGEST}"
ingress_cidrs       = ["203.0.113.0/24"]
allow_anonymous     = true
alarm_emails        = ["on-call@example.org"]
deletion_protection = false
teardown            = true
github = {{
  repository    = "acme/image-service"
  owner_id      = "11"
  repository_id = "22"
  environment   = "production"
}}
"""
# To undo a transaction with, moto copies all that the table knows, for each of the transaction's actions: seconds.
QUICK_TABLES = (
    "from moto.dynamodb.models.table import Table",
    "from tests.contract.image_repository.dynamo import light_copy",
    "Table.__deepcopy__ = lambda table, _: light_copy(table)",
)
TARGETS = tuple(f"-target=module.image_service.module.{name}" for name in ("storage", "metadata", "identity"))


class _ByWhatIsApplied(LoadScopeScheduling):
    """Each worker takes files, and one of them all those of ``APPLIED``.

    ``--dist loadgroup`` would be for this; xdist 3.8 does not find its own marks with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        name = Path(nodeid.partition("::")[0]).stem
        return "applied" if name in APPLIED else name


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """How the tests are shared out where this folder is what is run (scripts/infra-test)."""
    return _ByWhatIsApplied(config, log)


@dataclass(frozen=True)
class Emulated:
    """The emulator and what was applied to it."""

    url: str
    minimal: Deployed
    complete: Deployed

    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator; each is made once, which takes a second."""
        if service not in self._clients:
            session: Any = boto3.session.Session()  # the service is known at run time only, the stubs want a literal
            self._clients[service] = session.client(
                service,
                endpoint_url=self.url,
                region_name=workspace.REGION,
                aws_access_key_id="test",
                aws_secret_access_key="testtest",
            )
        return self._clients[service]

    @contextmanager
    def without_policy(self, bucket: str) -> Iterator[None]:
        """The bucket without its policy: the emulator speaks plain HTTP, which that refuses.

        Not that it knows: moto looks at no conditions, so that a denial of anything is one of everything.
        """
        s3 = self.client("s3")
        policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        s3.delete_bucket_policy(Bucket=bucket)
        try:
            yield
        finally:
            s3.put_bucket_policy(Bucket=bucket, Policy=policy)


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """``examples/minimal`` whole, and storage, metadata and identity of ``examples/complete``."""
    workspace.needs_terraform()
    base = tmp_path_factory.mktemp("applied")
    root = workspace.copy_of_terraform(base / "terraform")
    workspace.without_what_moto_forgets(root)
    minimal, complete = root / "examples/minimal", root / "examples/complete"
    (minimal / "test.auto.tfvars").write_text('bucket_name = "acme-images-minimal"\n')
    (complete / "test.auto.tfvars").write_text(COMPLETE)
    with emulator(base / "emulator.log", *QUICK_TABLES) as url, ThreadPoolExecutor(2) as threads:
        for folder, aliases in ((minimal, ()), (complete, ("second",))):
            workspace.point_at(folder, url, aliases=aliases)
            workspace.initialise(folder)
        # Most of the time the provider waits for what AWS needs to settle: side by side costs as much as one.
        one = threads.submit(Deployed, minimal)
        other = threads.submit(Deployed, complete, *TARGETS)
        applied = Emulated(url, one.result(), other.result())
        yield applied
        said = threads.map(lambda each: each.destroy(), (applied.minimal, applied.complete))
        assert all("Destroy complete!" in each for each in said)
        left = [bucket["Name"] for bucket in applied.client("s3").list_buckets()["Buckets"]]
        left += applied.client("dynamodb").list_tables()["TableNames"]
        left += applied.client("sqs").list_queues().get("QueueUrls", [])
        left += [role["RoleName"] for role in applied.client("iam").list_roles()["Roles"]]
        assert left == [], "destroy left something behind"
