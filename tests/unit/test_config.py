"""The settings: defaults, aliases, every problem at once, and no insecure start."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

import config

SECURE = {"ENVIRONMENT": "production", "ALLOW_ANONYMOUS": "1", "SECRET_KEY": "s" * 32}


def load(tmp_path: Path, **environ: str) -> config.Settings:
    return config.load({"DATA_DIR": str(tmp_path / "data"), **environ})


def problems(tmp_path: Path, **environ: str) -> tuple[str, ...]:
    with pytest.raises(config.ConfigError) as caught:
        load(tmp_path, **environ)
    return caught.value.problems


def test_the_defaults_are_the_contracts(tmp_path: Path) -> None:
    settings = config.load({"DATA_DIR": str(tmp_path)})
    assert settings.s3_bucket is None
    assert settings.aws_endpoint_url is None
    assert settings.aws_region == "us-east-1"
    assert settings.presigned_expiration == 3600
    assert settings.max_file_size == 10485760
    assert settings.max_pixels == 50_000_000
    assert (settings.strict_content_type, settings.verify_decode) == (False, False)
    assert (settings.host, settings.port) == ("127.0.0.1", 5000)
    assert settings.environment == "development"
    assert settings.log_level == "INFO"
    assert settings.auth == "none"
    assert settings.rate_limit is None
    assert settings.database_url == f"sqlite:///{tmp_path}/metadata.sqlite3"


@pytest.mark.parametrize(
    ("alias", "text", "attribute", "value"),
    [
        ("S3_BUCKET_NAME", "my-bucket", "s3_bucket", "my-bucket"),
        ("BUCKET_NAME", "my-bucket", "s3_bucket", "my-bucket"),
        ("AWS_BUCKET_NAME", "my-bucket", "s3_bucket", "my-bucket"),
        ("LOCALSTACK_ENDPOINT", "http://localhost:4566", "aws_endpoint_url", "http://localhost:4566"),
        ("USE_LOCALSTACK", "1", "aws_endpoint_url", "http://localhost:4566"),
        ("USE_LOCALSTACK", "0", "aws_endpoint_url", None),
        ("AWS_DEFAULT_REGION", "eu-west-1", "aws_region", "eu-west-1"),
        ("DATABASE_PATH", "images.db", "database_url", "sqlite:///images.db"),
        ("PRESIGNED_URL_EXPIRATION", "60", "presigned_expiration", 60),
        ("MAX_IMAGE_SIZE", "5", "max_file_size", 5),
        ("FLASK_ENV", "testing", "environment", "testing"),
    ],
)
def test_aliases_are_read(tmp_path: Path, alias: str, text: str, attribute: str, value: object) -> None:
    assert getattr(load(tmp_path, **{alias: text}), attribute) == value


def test_an_alias_that_repeats_the_same_value_is_fine(tmp_path: Path) -> None:
    assert load(tmp_path, S3_BUCKET="bucket", BUCKET_NAME="bucket").s3_bucket == "bucket"
    assert load(tmp_path, MAX_FILE_SIZE="05", MAX_IMAGE_SIZE="5").max_file_size == 5


def test_two_names_with_different_values_stop_the_start(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, S3_BUCKET="one-bucket", BUCKET_NAME="two-bucket")
    assert "S3_BUCKET='one-bucket'" in line
    assert "BUCKET_NAME='two-bucket'" in line


def test_localstack_against_another_endpoint_is_a_contradiction(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, AWS_ENDPOINT_URL="http://minio:9000", USE_LOCALSTACK="1")
    assert "contradict" in line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("S3_BUCKET", "Bad_Bucket"),
        ("S3_BUCKET", "-bucket"),
        ("S3_BUCKET", "bucket\n"[:-1] + "/x"),
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("AWS_ENDPOINT_URL", "http://user:password@host"),
        ("AWS_REGION", "nowhere!"),
        ("USE_LOCALSTACK", "maybe"),
        ("DATABASE_URL", "mysql://host/db"),
        ("PRESIGNED_EXPIRATION", "0"),
        ("PRESIGNED_EXPIRATION", "604801"),
        ("MAX_FILE_SIZE", "10MB"),
        ("MAX_FILE_SIZE", "-1"),
        ("MAX_PIXELS", "0"),
        ("STRICT_CONTENT_TYPE", "2"),
        ("PORT", "65536"),
        ("PUBLIC_URL", "https://host/path"),
        ("ENVIRONMENT", "prod"),
        ("LOG_LEVEL", "LOUD"),
        ("AUTH", "jwt"),
        ("RATE_LIMIT", "often"),
        ("RATE_LIMIT", "0/minute"),
        ("HOST", "[::1]"),
        ("HOST", "not a host"),
        ("HOST", "http://x"),
        ("AWS_ENDPOINT_URL", "http://host:9000/path"),
        ("DATABASE_PATH", "a?b.db"),
        ("DATABASE_URL", "sqlite:///a?b=c"),
        ("RATE_LIMIT_STORAGE", "file:///x"),
        ("DYNAMO_TABLE", "my table"),
        ("DATA_DIR", "/tmp/a?b"),
        ("WEB_CONCURRENCY", "0"),
        ("THREADS", "many"),
    ],
)
def test_a_bad_value_is_named_shown_and_explained(tmp_path: Path, name: str, text: str) -> None:
    (line,) = problems(tmp_path, **{name: text})
    assert line.startswith(f"{name} is {text!r}: it should ") or name in {
        "DATABASE_URL",
        "DATABASE_PATH",
        "RATE_LIMIT_STORAGE",
    }
    assert "\n" not in line


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    lines = problems(tmp_path, PORT="x", MAX_PIXELS="x", LOG_LEVEL="x", ENVIRONMENT="production")
    assert len(lines) == 5
    assert {line.split()[0] for line in lines} == {"PORT", "MAX_PIXELS", "LOG_LEVEL", "AUTH", "SECRET_KEY"}


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    lines = problems(
        tmp_path, DATABASE_URL="mysql://root:hunter2@host/db", ENVIRONMENT="production", SECRET_KEY="hunter3"
    )
    assert "hunter" not in " ".join(lines)


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_production_refuses_what_is_insecure(tmp_path: Path, environment: str) -> None:
    lines = problems(tmp_path, ENVIRONMENT=environment)
    assert any("ALLOW_ANONYMOUS=1" in line for line in lines)
    assert any(line.startswith("SECRET_KEY is not set") for line in lines)
    assert any(
        line.startswith("SECRET_KEY has 5") for line in problems(tmp_path, ENVIRONMENT=environment, SECRET_KEY="short")
    )


def test_production_starts_when_it_is_told_that_anonymous_is_meant(tmp_path: Path) -> None:
    assert load(tmp_path, **SECURE).environment == "production"


def test_the_generated_secret_is_kept_private_and_stays(tmp_path: Path) -> None:
    first = load(tmp_path).secret_key
    assert len(first) >= config.MIN_SECRET_LENGTH
    assert load(tmp_path).secret_key == first
    kept = tmp_path / "data" / "secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_an_emptied_secret_file_is_refused(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "data" / "secret_key").write_text("")
    (line,) = problems(tmp_path)
    assert "is empty" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_data_dir_is_a_clear_problem(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    (line,) = problems(tmp_path)
    assert line.startswith("DATA_DIR is ")


def test_a_data_dir_that_is_a_file_is_a_clear_problem(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    (line,) = problems(tmp_path)
    assert line.startswith("DATA_DIR is ")


def test_a_limit_counted_in_memory_gets_one_worker(tmp_path: Path) -> None:
    assert load(tmp_path, RATE_LIMIT="100/minute").web_concurrency == 1
    (line,) = problems(tmp_path, RATE_LIMIT="100/minute", WEB_CONCURRENCY="2")
    assert line.startswith("WEB_CONCURRENCY is 2 with RATE_LIMIT")
    shared = load(tmp_path, RATE_LIMIT="100/minute", RATE_LIMIT_STORAGE="redis://host:6379")
    assert shared.web_concurrency == min(os.cpu_count() or 1, 4)


def test_an_env_file_in_another_encoding_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes("HOST=ü".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(config.ConfigError, match="UTF-8"):
        config.load()


def test_empty_variables_count_as_unset(tmp_path: Path) -> None:
    assert load(tmp_path, S3_BUCKET="", PORT=" ").port == 5000


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=6001\nLOG_LEVEL=DEBUG\nDATA_DIR=elsewhere\n")
    monkeypatch.chdir(tmp_path)
    for row in config.TABLE:
        for name in (row.name, *row.aliases):
            monkeypatch.delenv(name, raising=False)
    # Set through monkeypatch first, so that what load_dotenv exports is taken back after the test.
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    monkeypatch.setenv("DATA_DIR", "elsewhere")
    monkeypatch.setenv("PORT", "placeholder")
    monkeypatch.delenv("PORT")
    settings = config.load()
    assert (settings.port, settings.log_level) == (6001, "ERROR")
    assert settings.data_dir == tmp_path / "elsewhere"


def test_dynamodb_is_where_the_other_aws_services_are_unless_it_has_its_own_address(tmp_path: Path) -> None:
    assert load(tmp_path).dynamo_endpoint_url is None
    assert load(tmp_path, AWS_ENDPOINT_URL="http://host:4566").dynamo_endpoint_url == "http://host:4566"
    both = load(tmp_path, AWS_ENDPOINT_URL="http://host:9000", DYNAMO_ENDPOINT_URL="http://host:8000")
    assert (both.aws_endpoint_url, both.dynamo_endpoint_url) == ("http://host:9000", "http://host:8000")


def test_the_metadata_lives_in_one_place(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, DYNAMO_TABLE="images", DATABASE_PATH="images.db")
    assert line.startswith("DYNAMO_TABLE is 'images' and DATABASE_URL is set too")
