#!/usr/bin/env bash
# Builds the Lambda function's package and creates or updates function, role, log, bucket, table and API. Running it
# again changes only what differs. Needs Python 3.11 with the packages of requirements.txt (`make venv`), no AWS CLI.
#
#   FUNCTION_NAME=imageService  API_NAME=image-api  STAGE_NAME=dev  LAMBDA_RUNTIME=python3.12
#   HANDLER_NAME=lambda_handler.lambda_handler  LAMBDA_ARCHITECTURE=x86_64 (or arm64)
#   BUCKET_NAME=image-service-bucket  TABLE_NAME=image-metadata  AWS_DEFAULT_REGION=us-east-1
#   AWS_ENDPOINT_URL=    another AWS than AWS; USE_LOCALSTACK=1 means http://localhost:4566
#   PACKAGE_DIR=         a folder with the packages already installed, instead of asking pip
#   PYTHON=              the Python to run with; by default .venv/bin/python, else python3
#
# Every setting of the service that is set (MAX_IMAGE_SIZE, PRESIGNED_URL_EXPIRATION, ALLOW_ANONYMOUS, ...) is passed on
# to the function. The last line is the API's URL. docs/deployment-lambda.md has the details.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-}
if [[ -z $python ]]; then
  if [[ -x .venv/bin/python ]]; then python=.venv/bin/python; else python=python3; fi
fi
export LAMBDA_RUNTIME=${LAMBDA_RUNTIME:-python3.12}
export LAMBDA_ARCHITECTURE=${LAMBDA_ARCHITECTURE:-x86_64}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Wheels for the runtime, not for this machine: the C library of Amazon Linux 2023 (python3.12 and later) is glibc 2.34,
# that of Amazon Linux 2 (python3.11) is 2.26.
install_packages() { # requirements, folder
  local machine=x86_64 tags=(manylinux2014 manylinux_2_17) platforms=() tag
  [[ $LAMBDA_ARCHITECTURE == arm64 ]] && machine=aarch64
  [[ $LAMBDA_RUNTIME == python3.11 ]] || tags+=(manylinux_2_28)
  for tag in "${tags[@]}"; do platforms+=(--platform "${tag}_$machine"); done
  "$python" -m pip --disable-pip-version-check --no-input --quiet install --require-hashes --no-deps --no-compile \
    --only-binary :all: --implementation cp --python-version "${LAMBDA_RUNTIME#python}" "${platforms[@]}" \
    --target "$2" --requirement "$1"
}

packages=${PACKAGE_DIR:-}
if [[ -z $packages ]]; then
  "$python" -m scripts.lambda_package requirements >"$work/requirements.txt"
  # Kept for the next time, under a name that says what is in it.
  key=$(cat "$work/requirements.txt" - <<<"$LAMBDA_RUNTIME $LAMBDA_ARCHITECTURE" |
    "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/image-service
  packages=$cache/lambda-$key
  if [[ ! -d $packages ]]; then
    echo "installing the function's packages for $LAMBDA_RUNTIME on $LAMBDA_ARCHITECTURE" >&2
    mkdir -p "$cache"
    draft=$(mktemp -d "$cache/draft.XXXXXX")
    trap 'rm -rf "$work" "$draft"' EXIT
    install_packages "$work/requirements.txt" "$draft"
    mv "$draft" "$packages" # in one step: what is there is whole
  fi
fi

"$python" -m scripts.lambda_package zip "$packages" "$work/function.zip" >&2
"$python" -m scripts.deploy "$work/function.zip"
