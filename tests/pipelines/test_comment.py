from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scripts.pipeline import comment
from scripts.pipeline.comment import AUTHOR, Comments
from scripts.pipeline.errors import PipelineError
from tests.pipelines.runner import Runner


class GitHub:
    """The comments of one pull request, as GitHub's API has them."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.refuse = False

    def add(self, author: str, body: str) -> None:
        self.comments.append({"id": len(self.comments) + 1, "user": {"login": author}, "body": body})

    def handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.tokens.add(self.headers["Authorization"])
                query = {name: int(values[0]) for name, values in parse_qs(urlsplit(self.path).query).items()}
                first = (query["page"] - 1) * query["per_page"]
                self.answer(hub.comments[first : first + query["per_page"]])

            def do_POST(self) -> None:
                hub.add(AUTHOR, self.sent()["body"])
                self.answer({})

            def do_PATCH(self) -> None:
                number = int(self.path.rsplit("/", 1)[1])
                hub.comments[number - 1]["body"] = self.sent()["body"]
                self.answer({})

            def sent(self) -> Any:
                return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

            def answer(self, content: Any) -> None:
                body = json.dumps(content).encode()
                self.send_response(403 if hub.refuse else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        return Handler


@pytest.fixture
def hub() -> Iterator[tuple[GitHub, dict[str, str]]]:
    github = GitHub()
    with ThreadingHTTPServer(("127.0.0.1", 0), github.handler()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield github, {"GITHUB_API_URL": url, "GITHUB_REPOSITORY": "acme/image-service", "GH_TOKEN": "t"}
        server.shutdown()


def test_a_refusal_is_an_error(hub: tuple[GitHub, dict[str, str]]) -> None:
    github, environ = hub
    github.refuse = True
    with pytest.raises(PipelineError, match="403"):
        Comments(environ, 7).keep("plan", "text")


def test_the_second_plan_replaces_the_first(hub: tuple[GitHub, dict[str, str]], runner: Runner) -> None:
    github, environ = hub
    runner.environ |= environ
    runner.context["github.event.pull_request.number"] = "7"
    for text in ("first", "second"):
        (runner.folder / "plan.md").write_text(text)
        assert runner.job("pr.yml", "comment") == {"Comment": 0}
    assert [made["body"] for made in github.comments] == ["<!-- terraform-plan -->\nsecond"]
    assert github.tokens == {"Bearer t"}


def test_only_our_own_comment_is_replaced(hub: tuple[GitHub, dict[str, str]]) -> None:
    github, environ = hub
    for number in range(150):
        github.add("somebody", f"<!-- plan -->\n{number}")
    github.add(AUTHOR, "<!-- another -->\n")
    github.add(AUTHOR, "<!-- plan -->\nold")
    assert Comments(environ, 7).keep("plan", "new") == "updated"
    assert github.comments[-1]["body"] == "<!-- plan -->\nnew"
    assert len(github.comments) == 152
    assert "new" not in "".join(made["body"] for made in github.comments[:-1])


def test_a_long_plan_is_cut_where_a_line_ends() -> None:
    text = "x" * 99 + "\n"
    cut = comment.shortened(text * 1000)
    assert len(cut) < 65_536
    assert cut.endswith("summary.")
    assert comment.shortened(text) == text
