#!/usr/bin/env bash
# Looks for credentials in the commits of this branch, or with --all in the whole history. A finding ends with status 1 and
# never shows the secret. What is no secret is listed in .gitleaksignore, with the reason.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

range=--all
if [[ ${1-} != --all ]]; then range="${1:?write --all, or the commit that the branch began at}..HEAD"; fi
gitleaks=$(bash scripts/pipeline/tool.sh gitleaks)
"$gitleaks" git --no-banner --redact --log-opts="$range" .
