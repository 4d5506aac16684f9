#!/usr/bin/env bash
# Prints the path of a linter that is written in Go, after building it once into .ci/cache/bin. Go checks each module against
# the checksum database. One on the PATH with this version is taken as it is.
#
#   bash scripts/pipeline/tool.sh actionlint|gitleaks
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=${1-}
case $name in
  actionlint) module=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 ;;
  gitleaks) module=github.com/zricethezav/gitleaks/v8@v8.30.1 ;;
  *)
    echo "tool: write actionlint or gitleaks, not '$name'" >&2
    exit 2
    ;;
esac

binary=$PWD/.ci/cache/bin/$name-${module##*@}
if [[ ! -x $binary ]]; then
  if ! command -v go >/dev/null; then
    echo "tool: $name has to be built, and there is no Go" >&2
    exit 3
  fi
  mkdir -p .ci/cache/bin
  build=$(mktemp -d .ci/cache/bin/build.XXXXXX)
  trap 'rm -rf "$build"' EXIT
  echo "tool: building $module (once)" >&2
  GOBIN=$PWD/$build CGO_ENABLED=0 GOFLAGS=-mod=mod go install -p 2 "$module" >&2
  mv "$build/$name" "$binary" # in one step: an interrupted build never looks like a binary
fi
echo "$binary"
