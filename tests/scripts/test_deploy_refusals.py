"""What stands in the way of a deployment is said in a line, before anything is made; what does not, is left alone."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts.deploy import connect, deploy
from scripts.deploy_plan import DeployError, Plan, read_plan
from tests.scripts.deployments import Account, deployed, run

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
