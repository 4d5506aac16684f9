"""The yardstick: the image service that one would write in an afternoon, with Flask and boto3 as their manuals show.

Nothing in it is slow on purpose. It keeps no metadata, checks nothing and hashes nothing.
"""

from __future__ import annotations

import os
import uuid

import boto3
from botocore.exceptions import ClientError
from flask import Flask, Response, abort, jsonify, request
from werkzeug.utils import secure_filename


def create_app() -> Flask:
    """What gunicorn loads; one S3 client for each worker process."""
    app = Flask(__name__)
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    bucket = os.environ["S3_BUCKET"]

    @app.post("/upload")
    def upload():
        file = request.files.get("file")
        if file is None or not file.filename:
            return jsonify(error="no file provided"), 400
        # All systems use keys of this form: to a file-backed S3 server a folder for each image is work of its own.
        key = f"images/{uuid.uuid4()}/{secure_filename(file.filename)}"
        s3.upload_fileobj(file.stream, bucket, key, ExtraArgs={"ContentType": file.mimetype})
        return jsonify(key=key, url=f"/image/{key}"), 201

    @app.get("/image/<path:key>")
    def read(key: str):
        try:
            found = s3.get_object(Bucket=bucket, Key=key)
        except ClientError:
            abort(404)
        response = Response(found["Body"].iter_chunks(64 * 1024), content_type=found["ContentType"])
        response.content_length = found["ContentLength"]
        return response

    return app
