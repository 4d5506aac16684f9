"""The REST API in front of the function: every path and method goes to it, bytes as bytes."""

from __future__ import annotations

import json
from typing import Any

from scripts.aws_storage import Report
from scripts.deploy_plan import LOCALSTACK_GATEWAY, DeployError, Plan

BINARY = ["*/*"]
PATHS = ("/", "/{proxy+}")


class ApiDeployer:
    """Makes one API what its plan says. ``clients`` gives the boto3 client of a service by its name."""

    def __init__(self, clients: Any, plan: Plan, report: Report) -> None:
        self._gateway = clients("apigateway")
        self._lambda = clients("lambda")
        self._plan = plan
        self._report = report

    def deploy(self, function_arn: str) -> str:
        """Make API, stage and the function's permission; returns the URL of the stage."""
        api_id, done = self._ensure_api()
        gateway = f"arn:{_part(function_arn, 1)}:apigateway:{self._plan.region}:lambda:path/2015-03-31"
        uri = f"{gateway}/functions/{function_arn}/invocations"
        changed = [self._ensure_path(api_id, path, uri) for path in PATHS]
        # Callers see what was deployed to the stage, not what the API says.
        if done == "updated" or any(changed) or not self._has_stage(api_id):
            self._gateway.create_deployment(restApiId=api_id, stageName=self._plan.stage)
            done = "created" if done == "created" else "updated"
        if self._allow_calls(api_id, function_arn) and done == "unchanged":
            done = "updated"
        self._report(f"api {self._plan.api} ({api_id}), stage {self._plan.stage}", done)
        return self.url(api_id)

    def url(self, api_id: str) -> str:
        """Where the stage is reached."""
        plan = self._plan
        if plan.endpoint is None:
            suffix = "amazonaws.com.cn" if plan.region.startswith("cn-") else "amazonaws.com"
            return f"https://{api_id}.execute-api.{plan.region}.{suffix}/{plan.stage}"
        if LOCALSTACK_GATEWAY in plan.settings.get("AWS_ENDPOINT_URL", ""):
            return f"http://{api_id}.execute-api.{LOCALSTACK_GATEWAY}/{plan.stage}"
        return f"{plan.endpoint.rstrip('/')}/restapis/{api_id}/{plan.stage}/_user_request_"

    def _ensure_api(self) -> tuple[str, str]:
        pages = self._gateway.get_paginator("get_rest_apis").paginate()
        found = [api for page in pages for api in page["items"] if api["name"] == self._plan.api]
        if len(found) > 1:
            raise DeployError(f"there are {len(found)} APIs called {self._plan.api}: choose another API_NAME")
        if not found:
            made = self._gateway.create_rest_api(
                name=self._plan.api, binaryMediaTypes=BINARY, endpointConfiguration={"types": ["REGIONAL"]}
            )
            return str(made["id"]), "created"
        api_id = str(found[0]["id"])
        if BINARY[0] in found[0].get("binaryMediaTypes", []):
            return api_id, "unchanged"
        operation = {"op": "add", "path": "/binaryMediaTypes/*~1*"}
        self._gateway.update_rest_api(restApiId=api_id, patchOperations=[operation])
        return api_id, "updated"

    def _ensure_path(self, api_id: str, path: str, uri: str) -> bool:
        """Route every method of a path to the function; returns whether something had to be changed."""
        pages = self._gateway.get_paginator("get_resources").paginate(restApiId=api_id, embed=["methods"])
        resources = {item["path"]: item for page in pages for item in page["items"]}
        resource = resources.get(path)
        if resource is None:
            part = path.removeprefix("/")
            resource = self._gateway.create_resource(restApiId=api_id, parentId=resources["/"]["id"], pathPart=part)
        method = {"restApiId": api_id, "resourceId": resource["id"], "httpMethod": "ANY"}
        present = resource.get("resourceMethods", {}).get("ANY")
        integration = (present or {}).get("methodIntegration", {})
        if (integration.get("type"), integration.get("uri")) == ("AWS_PROXY", uri):
            return False
        if present is None:
            self._gateway.put_method(**method, authorizationType="NONE")
        self._gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        return True

    def _has_stage(self, api_id: str) -> bool:
        stages = self._gateway.get_stages(restApiId=api_id)["item"]
        return any(stage["stageName"] == self._plan.stage and stage.get("deploymentId") for stage in stages)

    def _allow_calls(self, api_id: str, function_arn: str) -> bool:
        """Let this API, and no other, call the function; returns whether that was not so already."""
        partition, account = _part(function_arn, 1), _part(function_arn, 4)
        statement = f"api-{api_id}"
        try:
            policy = json.loads(self._lambda.get_policy(FunctionName=self._plan.function)["Policy"])
        except self._lambda.exceptions.ResourceNotFoundException:
            policy = {"Statement": []}
        if any(each.get("Sid") == statement for each in policy["Statement"]):
            return False
        self._lambda.add_permission(
            FunctionName=self._plan.function,
            StatementId=statement,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:{partition}:execute-api:{self._plan.region}:{account}:{api_id}/*/*",
        )
        return True


def _part(arn: str, place: int) -> str:
    return arn.split(":")[place]
