#!/usr/bin/env bash
# The linters of what is neither Python nor Terraform: workflows (actionlint, zizmor) and shell scripts (shellcheck). Each
# runs whatever the others found; one that is missing is a failure.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

zizmor=${ZIZMOR:-.venv/bin/zizmor}
failed=0

# Everything that bash runs: by its name, or by its first line.
mapfile -t shell < <(git grep -lE '^#!.*\b(ba)?sh$' -- ':!*.md' ':!*.py' ':!*.yml')

if command -v shellcheck >/dev/null; then
  shellcheck --severity=style "${shell[@]}" || failed=1
else
  echo 'lint: there is no shellcheck' >&2
  failed=1
fi

if actionlint=$(bash scripts/pipeline/tool.sh actionlint); then
  "$actionlint" -color || failed=1
else
  failed=1
fi

# Without network: what zizmor could look up (whether a commit belongs to its tag) Dependabot keeps right.
"$zizmor" --offline --pedantic --quiet .github || failed=1

exit "$failed"
