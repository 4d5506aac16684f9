"""``deploy.sh`` against an emulator of AWS: everything is made, a second run changes nothing, a change changes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import pytest

from scripts.deploy import connect, deploy
from scripts.deploy_plan import DeployError, Plan, read_plan
from scripts.lambda_package import build
from services.metadata.dynamo_table import definition
from tests.lambda_events import Context, answer, event

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s" * 40


@pytest.fixture
def environ(empty_aws: str, packages: Path) -> dict[str, str]:
    """A deployment's variables, and nothing of this machine's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "testtest",
        "AWS_ENDPOINT_URL": empty_aws,
        "PACKAGE_DIR": str(packages),
        "PYTHON": sys.executable,
        "NO_PROXY": "127.0.0.1",
    }


def run(environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "scripts/deploy.sh"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=110, check=False
    )


def deployed(environ: Mapping[str, str]) -> list[str]:
    """Deploy, in this process since that is faster; the lines that would be on stdout."""
    lines: list[str] = []
    with TemporaryDirectory() as work:
        package = Path(work) / "function.zip"
        build(Path(environ["PACKAGE_DIR"]), package)
        plan = read_plan(environ)
        url = deploy(plan, package, connect(plan, environ), lambda what, done: lines.append(f"{what}: {done}"))
    remember_binary_types(environ["AWS_ENDPOINT_URL"])
    return [*lines, url]


def deployed_by_script(environ: Mapping[str, str]) -> list[str]:
    """The same with the script."""
    done = run(environ)
    assert done.returncode == 0, done.stderr
    remember_binary_types(environ["AWS_ENDPOINT_URL"])
    return done.stdout.splitlines()


def remember_binary_types(endpoint: str) -> None:
    """moto forgets the binary types that an API is made with; ``TestInTheWay`` looks at what is sent."""
    gateway = Account(endpoint).client("apigateway")
    for api in gateway.get_rest_apis()["items"]:
        if not api["binaryMediaTypes"]:
            operation = {"op": "add", "path": "/binaryMediaTypes/*~1*", "value": "*/*"}
            gateway.update_rest_api(restApiId=api["id"], patchOperations=[operation])


class Account:
    """Looks at what is there."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1")  # type: ignore[call-overload]

    def describe(self) -> dict[str, Any]:
        """Everything that a deployment makes."""
        s3, gateway, function = self.client("s3"), self.client("apigateway"), self.client("lambda")
        bucket = {"Bucket": "image-service-bucket"}
        (api,) = gateway.get_rest_apis()["items"]
        found = {
            "versioning": s3.get_bucket_versioning(**bucket)["Status"],
            "public": s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"],
            "encryption": s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"],
            "lifecycle": s3.get_bucket_lifecycle_configuration(**bucket)["Rules"],
            "table": self.client("dynamodb").describe_table(TableName="image-metadata")["Table"],
            "ttl": self.client("dynamodb").describe_time_to_live(TableName="image-metadata")["TimeToLiveDescription"],
            "role": self.client("iam").get_role(RoleName="imageService-role")["Role"],
            "policy": self.client("iam").get_role_policy(RoleName="imageService-role", PolicyName="image-service"),
            "log": self.client("logs").describe_log_groups()["logGroups"],
            "function": function.get_function_configuration(FunctionName="imageService"),
            "permission": json.loads(function.get_policy(FunctionName="imageService")["Policy"]),
            "api": api,
            "resources": gateway.get_resources(restApiId=api["id"], embed=["methods"])["items"],
            "deployments": gateway.get_deployments(restApiId=api["id"])["items"],
            "stages": gateway.get_stages(restApiId=api["id"])["item"],
        }
        for each in found.values():
            if isinstance(each, dict):
                each.pop("ResponseMetadata", None)
        return found


@pytest.fixture
def account(environ: dict[str, str]) -> Account:
    return Account(environ["AWS_ENDPOINT_URL"])


def test_a_first_run_makes_everything(environ: dict[str, str], account: Account) -> None:
    lines = deployed_by_script(environ)
    found = account.describe()
    api = found["api"]["id"]
    assert lines[-1] == f"{account.endpoint}/restapis/{api}/dev/_user_request_"
    assert all(line.endswith(": created") for line in lines[:-1])
    assert found["versioning"] == "Enabled"
    assert all(found["public"].values())
    assert found["encryption"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert found["table"]["KeySchema"] == definition("image-metadata")["KeySchema"]
    assert found["ttl"]["TimeToLiveStatus"] == "ENABLED"
    assert found["log"][0]["retentionInDays"] == 30
    function = found["function"]
    assert (function["Handler"], function["Runtime"]) == ("lambda_handler.lambda_handler", "python3.12")
    variables = function["Environment"]["Variables"]
    assert (variables["S3_BUCKET"], variables["DYNAMO_TABLE"]) == ("image-service-bucket", "image-metadata")
    assert len(variables["SECRET_KEY"]) >= 32
    assert {resource["path"] for resource in found["resources"]} == {"/", "/{proxy+}"}
    for resource in found["resources"]:
        integration = resource["resourceMethods"]["ANY"]["methodIntegration"]
        assert (integration["type"], integration["httpMethod"]) == ("AWS_PROXY", "POST")
        assert function["FunctionArn"] in integration["uri"]
    (statement,) = found["permission"]["Statement"]
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"].endswith(f":{api}/*/*")
    assert [stage["stageName"] for stage in found["stages"]] == ["dev"]


def test_a_second_run_changes_nothing(environ: dict[str, str], account: Account) -> None:
    first = deployed_by_script(environ)
    before = account.describe()
    second = deployed_by_script(environ)
    assert account.describe() == before
    assert second[-1] == first[-1]
    assert all(line.endswith(": unchanged") for line in second[:-1]), second


def test_changed_code_updates_the_function_alone(environ: dict[str, str], account: Account, packages: Path) -> None:
    deployed(environ)
    before = account.describe()
    (packages / "flask" / "__init__.py").write_text("changed")
    lines = deployed(environ)
    after = account.describe()
    assert [line for line in lines[:-1] if not line.endswith(": unchanged")] == ["function imageService: updated"]
    assert after["function"]["CodeSha256"] != before["function"]["CodeSha256"]
    assert after["function"]["Environment"] == before["function"]["Environment"]
    for changing in ("function",):
        del before[changing], after[changing]
    assert after == before


def test_changed_settings_reach_the_function(environ: dict[str, str], account: Account) -> None:
    deployed(environ)
    kept = account.describe()["function"]["Environment"]["Variables"]["SECRET_KEY"]
    changed = {"MAX_IMAGE_SIZE": "1000", "PRESIGNED_URL_EXPIRATION": "60", "HANDLER_NAME": "other.handler"}
    lines = deployed(environ | changed)
    assert "function imageService: updated" in lines
    function = account.describe()["function"]
    variables = function["Environment"]["Variables"]
    assert (variables["MAX_FILE_SIZE"], variables["PRESIGNED_EXPIRATION"]) == ("1000", "60")
    assert (variables["SECRET_KEY"], function["Handler"]) == (kept, "other.handler")


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3", ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Suspended"}})),
        ("s3", ("delete_public_access_block", {})),
        ("s3", ("delete_bucket_lifecycle", {})),
    ],
)
def test_what_somebody_changed_by_hand_is_put_right(
    environ: dict[str, str], account: Account, service: str, call: tuple[str, dict[str, Any]]
) -> None:
    deployed(environ)
    before = account.describe()
    name, parameters = call
    getattr(account.client(service), name)(Bucket="image-service-bucket", **parameters)
    assert "bucket image-service-bucket: updated" in deployed(environ)
    assert account.describe() == before


def test_rules_of_somebody_else_stay(environ: dict[str, str], account: Account) -> None:
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "other/"}, "Expiration": {"Days": 1}}
    s3 = account.client("s3")
    s3.create_bucket(Bucket="image-service-bucket")
    s3.put_bucket_lifecycle_configuration(Bucket="image-service-bucket", LifecycleConfiguration={"Rules": [theirs]})
    deployed(environ)
    assert "theirs" in [rule["ID"] for rule in account.describe()["lifecycle"]]
    assert all(line.endswith(": unchanged") for line in deployed(environ)[:-1])


REFUSED = [
    ({"ENVIRONMENT": "production"}, "AUTH is 'none'"),
    ({"MAX_IMAGE_SIZE": "big"}, "MAX_FILE_SIZE is 'big'"),
    ({"LAMBDA_RUNTIME": "python2.7"}, "LAMBDA_RUNTIME is 'python2.7'"),
    ({"STAGE_NAME": "a/b"}, "STAGE_NAME is 'a/b'"),
    ({"VERIFY_DECODE": "1"}, "VERIFY_DECODE is 1"),
]


@pytest.mark.parametrize(("change", "line"), REFUSED)
def test_what_can_not_work_is_refused_before_anything_is_made(
    environ: dict[str, str], account: Account, change: dict[str, str], line: str
) -> None:
    with pytest.raises(DeployError) as refused:
        deployed(environ | change)
    assert [problem.startswith(line) for problem in refused.value.problems] == [True]
    assert account.client("s3").list_buckets()["Buckets"] == []
    assert account.client("iam").list_roles()["Roles"] == []


@pytest.mark.parametrize(
    ("change", "line"), [REFUSED[0], ({"PACKAGE_DIR": "/nowhere"}, "/nowhere holds no installed packages")]
)
def test_the_script_says_in_one_line_why_it_can_not(
    environ: dict[str, str], account: Account, change: dict[str, str], line: str
) -> None:
    done = run(environ | change)
    assert (done.returncode, done.stdout) == (1, "")
    lines = [text for text in done.stderr.splitlines() if not text.startswith("package: ")]
    assert [text.startswith(f"deploy: {line}") for text in lines] == [True]
    assert account.client("s3").list_buckets()["Buckets"] == []


class TestInTheWay:
    @pytest.fixture
    def plan(self, environ: dict[str, str]) -> Plan:
        return read_plan(environ)

    @pytest.fixture
    def package(self, tmp_path: Path) -> Path:
        with zipfile.ZipFile(tmp_path / "function.zip", "w") as archive:
            archive.writestr("lambda_handler.py", "")
        return tmp_path / "function.zip"

    def refused(self, plan: Plan, package: Path, environ: dict[str, str]) -> str:
        with pytest.raises(DeployError) as error:
            deploy(plan, package, connect(plan, environ), lambda *_: None)
        return str(error.value)

    def test_a_table_of_something_else(
        self, environ: dict[str, str], account: Account, plan: Plan, package: Path
    ) -> None:
        account.client("dynamodb").create_table(
            TableName="image-metadata",
            KeySchema=[{"AttributeName": "other", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "other", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        assert "choose another TABLE_NAME" in self.refused(plan, package, environ)

    def test_a_role_of_somebody_else(
        self, environ: dict[str, str], account: Account, plan: Plan, package: Path
    ) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": []})
        account.client("iam").create_role(RoleName="imageService-role", AssumeRolePolicyDocument=document)
        assert "does not trust Lambda" in self.refused(plan, package, environ)

    def test_two_apis_of_one_name(self, environ: dict[str, str], account: Account, plan: Plan, package: Path) -> None:
        for _ in range(2):
            account.client("apigateway").create_rest_api(name="image-api")
        assert "choose another API_NAME" in self.refused(plan, package, environ)

    @pytest.mark.parametrize(
        ("existing", "call", "sent"),
        [
            (False, "CreateRestApi", {"binaryMediaTypes": ["*/*"]}),
            (True, "UpdateRestApi", {"patchOperations": [{"op": "add", "path": "/binaryMediaTypes/*~1*"}]}),
        ],
    )
    def test_bytes_are_asked_to_stay_bytes(
        self,
        environ: dict[str, str],
        account: Account,
        plan: Plan,
        package: Path,
        existing: bool,
        call: str,
        sent: dict[str, Any],
    ) -> None:
        if existing:
            account.client("apigateway").create_rest_api(name="image-api")
        clients = connect(plan, environ)
        asked: list[dict[str, Any]] = []
        events = clients("apigateway").meta.events
        events.register(f"provide-client-params.api-gateway.{call}", lambda params, **_: asked.append(params))
        deploy(plan, package, clients, lambda *_: None)
        (parameters,) = asked
        assert parameters.items() >= sent.items()
        assert len(account.describe()["deployments"]) == 1


def index_answers(cache: Path) -> bool:
    """Whether pip finds anything where it looks."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(cache), "itsdangerous"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    return asked.returncode == 0


@pytest.fixture
def real_zip(environ: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """The package as pip fills it, for this interpreter's version, so that it can be run here."""
    if not index_answers(tmp_path / "probe"):
        pytest.skip("pip can not reach a package index")
    version = f"python3.{sys.version_info.minor}"
    environ |= {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_", "HTTPS_", "https_"))}
    environ |= {"LAMBDA_RUNTIME": version, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    del environ["PACKAGE_DIR"]
    deployed_by_script(environ)
    (installed,) = (tmp_path / "cache" / "image-service").iterdir()
    output = tmp_path / "function.zip"
    subprocess.run([sys.executable, "-m", "scripts.lambda_package", "zip", installed, output], cwd=ROOT, check=True)
    yield output
    shutil.rmtree(tmp_path / "cache")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the default package is for x86_64")
def test_the_real_package_serves_an_image_with_nothing_else_installed(
    real_zip: Path, environ: dict[str, str], account: Account, tmp_path: Path, jpeg_photo: bytes
) -> None:
    assert real_zip.stat().st_size < 50 * 1024 * 1024
    with zipfile.ZipFile(real_zip) as archive:
        archive.extractall(tmp_path / "task")
    headers = {"Content-Type": "image/jpeg", "X-User-ID": "me"}
    events = [event("rest", "GET", "/health/ready"), event("rest", "POST", "/upload", body=b"", headers=headers)]
    boundary = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    events.append(event("rest", "POST", "/upload", body=boundary + jpeg_photo + b"\r\n--b--\r\n", headers=form))
    variables = account.describe()["function"]["Environment"]["Variables"]
    runtime = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUNTIME, str(tmp_path / "task")],
        input=json.dumps(events),
        env={**variables, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest", "AWS_REGION": "us-east-1"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert runtime.returncode == 0, runtime.stderr
    ready, refused, stored = [
        answer("rest", json.loads(line)) for line in runtime.stdout.splitlines() if '"statusCode"' in line
    ]
    assert (ready.status, refused.status, stored.status) == (200, 400, 201), runtime.stdout
    assert stored.json()["size"] == len(jpeg_photo)


RUNTIME = """
import json, sys
events = json.load(sys.stdin)
sys.path.insert(0, sys.argv[1])
from lambda_handler import lambda_handler
for event in events:
    print(json.dumps(lambda_handler(event, None)), flush=True)
"""
"""What Lambda's runtime does, in an interpreter that finds no installed package (-I -S)."""


def test_the_handler_named_by_default_is_there() -> None:
    module, name = read_plan({}).handler.split(".")
    assert callable(getattr(__import__(module), name))
    assert Context().aws_request_id
