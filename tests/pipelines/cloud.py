"""An account with one environment in it, as Terraform leaves it: registry, cluster, two services, alarms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3.session

from tests.pipelines.rollouts import Rollouts

REGION = "eu-central-1"
NAME = "images-staging"
ALARMS = (f"{NAME}-errors", f"{NAME}-latency")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest", "AWS_EC2_METADATA_DISABLED": "true"}


@dataclass
class Cloud:
    """The account; ``rollouts`` is what the pipeline talks to."""

    rollouts: Rollouts

    def client(self, service: str) -> Any:
        return client_of(self.rollouts.upstream, service)

    @property
    def environ(self) -> dict[str, str]:
        """What configure-aws-credentials leaves behind, and the environment's variables."""
        deployment = {
            "cluster": NAME,
            "services": {part: f"{NAME}-{part}" for part in ("web", "ingest")},
            "families": {part: f"{NAME}-{part}" for part in ("web", "ingest")},
            "subnets": [],
            "alarms": list(ALARMS),
        }
        return {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.rollouts.url,
            "ECR_REPOSITORY": NAME,
            "DEPLOYMENT": json.dumps(deployment),
            "LOOK_EVERY": "0.05",
            "WATCH_SECONDS": "0.3",
        }

    def build(self, commit: str) -> str:
        """Leave what build.yml leaves: an image, tagged with its commit; returns the digest."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"size": 1},
            "layers": [{"digest": f"sha256:{commit.ljust(64, '0')}", "size": 1}],  # moto's digest is made of these
        }
        made = self.client("ecr").put_image(
            repositoryName=NAME, imageManifest=json.dumps(manifest), imageTag=f"sha-{commit}"
        )
        return str(made["image"]["imageId"]["imageDigest"])

    def tags(self, digest: str) -> set[str]:
        found = self.client("ecr").describe_images(repositoryName=NAME, imageIds=[{"imageDigest": digest}])
        return set(found["imageDetails"][0]["imageTags"])

    @property
    def registry(self) -> str:
        return f"123456789012.dkr.ecr.{REGION}.amazonaws.com"

    def set_up(self, digest: str) -> None:
        """Services that run ``digest``, each alone in its family's first revision."""
        ecs, ec2 = self.client("ecs"), self.client("ec2")
        ecs.create_cluster(clusterName=NAME)
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = [found["SubnetId"] for found in ec2.describe_subnets()["Subnets"][:2]]
        group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
        network = {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "DISABLED"}
        for part in ("web", "ingest"):
            definition = ecs.register_task_definition(
                family=f"{NAME}-{part}",
                requiresCompatibilities=["FARGATE"],
                networkMode="awsvpc",
                cpu="256",
                memory="1024",
                executionRoleArn="arn:aws:iam::123456789012:role/execution",
                containerDefinitions=[_container(part, f"{self.registry}/{NAME}@{digest}")],
                tags=[{"key": "Project", "value": "image-service"}],
            )["taskDefinition"]["taskDefinitionArn"]
            ecs.create_service(
                cluster=NAME,
                serviceName=f"{NAME}-{part}",
                taskDefinition=definition,
                desiredCount=1,
                launchType="FARGATE",
                networkConfiguration={"awsvpcConfiguration": network},
            )
        for alarm in ALARMS:
            self.client("cloudwatch").put_metric_alarm(
                AlarmName=alarm,
                Namespace="AWS/ApplicationELB",
                MetricName="TargetResponseTime",
                Statistic="Average",
                Period=60,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
            )
            self.alarm(alarm, "OK")

    def alarm(self, name: str, state: str) -> None:
        self.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")

    def running(self) -> dict[str, str]:
        """The image of each part."""
        ecs = self.client("ecs")
        found = {}
        for part in ("web", "ingest"):
            service = ecs.describe_services(cluster=NAME, services=[f"{NAME}-{part}"])["services"][0]
            definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
            found[part] = definition["containerDefinitions"][0]["image"].rpartition("@")[2]
        return found


@cache  # making one takes longer than most of the tests
def client_of(url: str, service: str) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="testtest",
    )


def _container(name: str, image: str) -> dict[str, Any]:
    return {"name": name, "image": image, "essential": True, "memory": 1024}  # moto runs no task without the memory
