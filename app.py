"""The composition root: the only place that knows every part.

``create_app()`` is what gunicorn loads. Tests pass settings, or a whole core, instead of the environment's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from flask import Flask, Response, request
from sqlalchemy.engine import Engine, make_url

import api
import config
from api.access import AccessLog
from api.context import EXTENSION
from api.ops.doctor import doctor_command
from api.ops.ingest import ingest_command
from api.ops.migrate import migrate_command
from services.core import Core
from services.cursors import Cursors
from services.direct import DirectUploads
from services.doctor import Doctor
from services.errors import BackendMisconfigured, BackendUnavailable
from services.health import Readiness
from services.images import Images
from services.ingest import Ingest
from services.inspection.decode import DecodeVerifier
from services.limits import UploadLimits
from services.listings import Listings
from services.metadata.dynamodb import DynamoOptions, DynamoRepository, DynamoTable
from services.metadata.engine import make_engine
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository
from services.ports import ObjectStore, PresigningStore, Repository, SelfServingStore, Verifier
from services.storage.filesystem import FileStore
from services.storage.s3 import S3Options, S3Store
from services.storage.s3_events import SqsQueue
from services.storage.timed import TimedStore
from services.uploads import Uploads
from utils import logger
from utils.budget import MemoryBudget
from utils.clock import utc_now

log = logging.getLogger("image-service")

DECODE_SECONDS = 30.0
DECODE_MEMORY = 1024 * 1024 * 1024


def create_app(settings: config.Settings | None = None, *, services: Core | None = None) -> Flask:
    """Build the WSGI application.

    :param settings: the settings; by default those of the environment.
    :param services: the core to serve; by default one built from ``settings``.
    :raises config.ConfigError: when the environment's settings are unusable.
    """
    settings = settings or config.load()
    core = services or build_core(settings)
    app = Flask(__name__, static_folder=None)
    app.extensions[EXTENSION] = core
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # the default provider has it, its base type does not
    if settings.rate_limit:
        _limit_rate(app, settings.rate_limit, settings.rate_limit_storage)
    api.register(app, serve_objects=core.served_store is not None)
    app.cli.add_command(ingest_command(lambda: build_ingest(settings, core)))
    app.cli.add_command(doctor_command(lambda grace: build_doctor(settings, grace)))
    app.cli.add_command(migrate_command(lambda: prepare(settings), core.readiness))
    app.wsgi_app = AccessLog(app.wsgi_app)  # type: ignore[method-assign]  # the documented way to add middleware
    return app


def build_core(settings: config.Settings) -> Core:
    """Wire the core to the store and the database that the settings name; opens no connection."""
    store = build_store(settings)
    repository = build_repository(settings)
    timed = TimedStore(store)
    urls = cast(PresigningStore, store)
    limits = UploadLimits(settings.max_file_size, settings.max_pixels, settings.strict_content_type)
    verifier = _verifier(settings) if settings.verify_decode else None
    direct = DirectUploads(
        timed, urls, repository, limits=limits, verifier=verifier, expiration=settings.presigned_expiration
    )
    if settings.environment not in config.SECURED_ENVIRONMENTS:
        direct.sweep_when_begun()
    return Core(
        images=Images(timed, repository, urls, arrivals=direct.settle),
        uploads=Uploads(
            timed, repository, limits=limits, budget=MemoryBudget(settings.upload_memory), verifier=verifier
        ),
        listings=Listings(repository, direct, Cursors(settings.secret_key)),
        direct=direct,
        readiness=Readiness({"store": store.check, "database": repository.check}),
        store=timed,
        served_store=store if isinstance(store, SelfServingStore) else None,
        presigned_expiration=settings.presigned_expiration,
        environment=settings.environment,
        public_url=settings.public_url,
    )


def build_ingest(settings: config.Settings, core: Core) -> Ingest:
    """What ``flask ingest`` runs, in a process of its own: nothing else has prepared the database for it."""
    logger.configure(settings.log_level)
    prepare(settings)
    url = settings.ingest_queue_url
    queue = SqsQueue(url, region=settings.aws_region) if url else None
    return Ingest(core.direct, queue, bucket=settings.s3_bucket)


def build_doctor(settings: config.Settings, grace: float) -> Doctor:
    """What ``flask doctor`` runs; ``grace`` in seconds."""
    prepare(settings)
    return Doctor(build_store(settings), build_repository(settings), lambda: time.sleep(grace))


def build_store(settings: config.Settings) -> FileStore | S3Store:
    """The object store: S3 when a bucket is named, else the embedded one."""
    if settings.s3_bucket is None:
        return FileStore(settings.data_dir / "objects", secret=settings.secret_key, clock=utc_now)
    return S3Store(
        S3Options(
            bucket=settings.s3_bucket,
            region=settings.aws_region,
            endpoint=settings.aws_endpoint_url,
            addressing_style=settings.s3_addressing_style,
            encryption=settings.s3_encryption,
            kms_key_id=settings.s3_kms_key_id,
        )
    )


def build_repository(settings: config.Settings) -> Repository:
    """The rows: DynamoDB when a table is named, else SQL."""
    if settings.dynamo_table:
        return DynamoRepository(build_table(settings, settings.dynamo_table))
    return SqlImageRepository(build_engine(settings))


def build_table(settings: config.Settings, name: str) -> DynamoTable:
    """The DynamoDB table."""
    return DynamoTable(DynamoOptions(name, region=settings.aws_region, endpoint=settings.dynamo_endpoint_url))


def build_engine(settings: config.Settings) -> Engine:
    """The database's engine; beside the embedded store its rows are as durable as the bytes that they describe.

    :raises services.errors.BackendMisconfigured: when the URL can not be used, or names a folder that is not there.
    """
    if not settings.database_url.startswith("sqlite"):
        return make_engine(settings.database_url)
    folder = Path(make_url(settings.database_url).database or "").parent
    if not folder.is_dir() and not folder.absolute().is_relative_to(settings.data_dir):
        # Made on the spot, a mistyped folder would be a new and empty service.
        raise _bad_database(settings, f"the folder {str(folder)!r} should exist")
    wanted = settings.sqlite_synchronous
    return make_engine(settings.database_url, durable=wanted == "full" or (wanted == "auto" and not settings.s3_bucket))


def prepare(settings: config.Settings) -> None:
    """Once per start, before any worker: bring the database up to date and look whether the store is usable.

    :raises services.errors.BackendMisconfigured: when an operator must act before the service can work.
    :raises services.errors.BackendUnavailable: when the database does not answer.
    """
    if settings.s3_bucket is None or (not settings.dynamo_table and settings.database_url.startswith("sqlite")):
        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            if lock := _migration_lock(settings):
                lock.touch()
        except OSError as error:
            raise BackendMisconfigured(
                detail=f"DATA_DIR is {str(settings.data_dir)!r}: it should be a writable folder ({error.strerror})"
            ) from error
    _prepare_database(settings)
    store: ObjectStore = build_store(settings)
    if isinstance(store, FileStore):
        store.sweep()
    try:
        store.check()
    except BackendUnavailable as error:
        # S3 may come back; until then what needs it is answered 503, and /health/ready says so.
        log.warning("the object store does not answer yet: %s", error.detail or error)


def _prepare_database(settings: config.Settings) -> None:
    if settings.dynamo_table:
        table = build_table(settings, settings.dynamo_table)
        if settings.environment not in config.SECURED_ENVIRONMENTS and settings.dynamo_endpoint_url:
            table.create_missing()
        table.check()
        return
    engine = build_engine(settings)
    try:
        upgrade(engine, lock_path=_migration_lock(settings))
    except BackendMisconfigured as error:
        raise _bad_database(settings, error.detail or error.message) from error
    finally:
        engine.dispose()


def _bad_database(settings: config.Settings, why: str) -> BackendMisconfigured:
    url = repr(settings.database_url) if settings.database_url.startswith("sqlite") else "set"  # others hold a password
    return BackendMisconfigured(detail=f"DATABASE_URL is {url}: {why}")


def _migration_lock(settings: config.Settings) -> Path | None:
    embedded = not settings.dynamo_table and settings.database_url.startswith("sqlite")
    return settings.data_dir / "migrate.lock" if embedded else None


def _verifier(settings: config.Settings) -> Callable[[], Verifier]:
    turns = threading.BoundedSemaphore(settings.decode_processes)
    return lambda: DecodeVerifier(
        max_pixels=settings.max_pixels, timeout=DECODE_SECONDS, memory_bytes=DECODE_MEMORY, turns=turns
    )


def _limit_rate(app: Flask, limit: str, storage: str) -> None:
    # Imported only where a limit is set: it costs a tenth of the start.
    from flask_limiter import Limiter  # noqa: PLC0415
    from flask_limiter.util import get_remote_address  # noqa: PLC0415

    # Before the limiter's own, so that it runs after it.
    app.after_request(_retry_after_refusals_only)
    # One count for each client over all URLs: default limits would be counted for each route.
    limiter = Limiter(
        get_remote_address, app=app, application_limits=[limit], storage_uri=storage, headers_enabled=True
    )
    limiter.request_filter(_is_probe)


def _retry_after_refusals_only(response: Response) -> Response:
    # The limiter puts it on every answer, where it would tell well-behaved clients to wait.
    if response.status_code < 400:
        del response.headers["Retry-After"]
    return response


def _is_probe() -> bool:
    return request.path.startswith(("/health", "/api/v1/health"))
