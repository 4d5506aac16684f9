"""ECS before moto: moto keeps services and tasks, but nothing ever rolls out there. This proxy adds that.

A service changes over after ``looks`` looks. A release whose image is in ``broken`` is given up by the circuit breaker,
as ECS does it: the former task definition becomes primary again. Tasks of an image in ``stopped`` do not run, whatever
the rollout says. The first ``stale`` looks after an update are answered from before it. A task that runs once ends with
``exit_code``.
"""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Rollouts:
    """The proxy; ``url`` is an AWS endpoint."""

    upstream: str
    looks: int = 2
    exit_code: int = 0
    stale: int = 0
    broken: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    commands: list[list[str]] = field(default_factory=list)
    _running: dict[str, str] = field(default_factory=dict)
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)
    _images: dict[str, str] = field(default_factory=dict)
    _outdated: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Rollouts:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, action: str, asked: Any, answer: Any) -> Any:
        """What ECS would say where moto says ``answer``."""
        self.calls.append(action)
        if action == "RegisterTaskDefinition":
            made = answer["taskDefinition"]
            self._images[made["taskDefinitionArn"]] = made["containerDefinitions"][0]["image"]
        elif action == "RunTask":
            self.commands.append(asked["overrides"]["containerOverrides"][0]["command"])
        elif action == "DescribeTasks":
            for task in answer["tasks"]:
                task["lastStatus"], task["containers"] = "STOPPED", [{"name": "ingest", "exitCode": self.exit_code}]
        elif action == "DescribeServices":
            for service in answer["services"]:
                service["deployments"] = self._deployments(service)
                service["taskDefinition"] = service["deployments"][0]["taskDefinition"]
                dead = self._is_of(service["taskDefinition"], self.stopped)
                service["runningCount"], service["pendingCount"] = 0 if dead else service["desiredCount"], 0
        elif action == "UpdateService":
            service = answer["service"]
            self._outdated[service["serviceName"]] = self.stale
            service["deployments"] = [_deployment("PRIMARY", service["taskDefinition"], "IN_PROGRESS")]
        return answer

    def _deployments(self, service: Any) -> list[dict[str, str]]:
        name, wanted = service["serviceName"], service["taskDefinition"]
        former = self._running.setdefault(name, wanted)
        if self._outdated.get(name, 0) > 0:
            self._outdated[name] -= 1
            return [_deployment("PRIMARY", former, "COMPLETED")]
        if wanted == former:
            return [_deployment("PRIMARY", wanted, "COMPLETED")]
        self._seen[name, wanted] = self._seen.get((name, wanted), 0) + 1
        if self._seen[name, wanted] <= self.looks:
            return [_deployment("PRIMARY", wanted, "IN_PROGRESS"), _deployment("ACTIVE", former, "COMPLETED")]
        if self._is_of(wanted, self.broken):
            breaker = "ECS deployment circuit breaker: tasks failed to start."
            return [_deployment("PRIMARY", former, "IN_PROGRESS", breaker), _deployment("ACTIVE", wanted, "FAILED")]
        self._running[name] = wanted
        return [_deployment("PRIMARY", wanted, "COMPLETED")]

    def _is_of(self, definition: str, digests: set[str]) -> bool:
        return any(digest in self._images.get(definition, "") for digest in digests)


def _deployment(status: str, definition: str, state: str, reason: str = "") -> dict[str, str]:
    return {
        "id": f"ecs-svc/{definition}",
        "status": status,
        "taskDefinition": definition,
        "rolloutState": state,
        "rolloutStateReason": reason,
    }


def _handler(proxy: Rollouts) -> type[BaseHTTPRequestHandler]:
    host = urlsplit(proxy.upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(host, timeout=30)
            connection.request("POST", self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            content = answer.read()
            service, _, action = self.headers.get("X-Amz-Target", "").partition(".")
            if service.startswith("AmazonEC2ContainerServiceV") and answer.status == 200:
                content = json.dumps(proxy.answer(action, json.loads(body), json.loads(content))).encode()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"content-length", "connection", "transfer-encoding", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the tests say what they need."""

    return Handler
