#!/usr/bin/env bash
# What a branch changes in the infrastructure, as Markdown on stdout: examples/complete is planned twice, as it was at the
# given commit and as it is here, and the two plans are compared.
#
#   bash scripts/pipeline/plan.sh <commit that the branch began at>
#
# Both are plans of an environment that does not exist yet, made against an emulator: no job of a pull request gets
# credentials of AWS, so nobody can use them from one (see docs/decisions/0010-pipelines.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

base=$(git rev-parse --verify "${1:?write the commit to compare with}^{commit}")
python=${PYTHON:-.venv/bin/python}
example=examples/complete
variables=$PWD/scripts/pipeline/plan.tfvars
plugins=${TF_PLUGIN_DIR:-/opt/tf-plugins}

work=$(mktemp -d)
emulator=
# shellcheck disable=SC2317,SC2329 # the trap calls it
finish() {
  if [[ -n $emulator ]]; then kill "$emulator" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

PYTHONUNBUFFERED=1 "$python" -m scripts.pipeline.emulator >"$work/url" 2>"$work/emulator.log" &
emulator=$!
for _ in $(seq 300); do
  [[ -s $work/url ]] && break
  kill -0 "$emulator" 2>/dev/null || { cat "$work/emulator.log" >&2; exit 1; }
  sleep 0.1
done
AWS_ENDPOINT_URL=$(<"$work/url")
export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=testtest AWS_EC2_METADATA_DISABLED=true
export TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
unset AWS_PROFILE AWS_SESSION_TOKEN

plan() { # folder, name -> $work/<name>.json
  local init=(init -input=false -backend=false -no-color)
  [[ -d $plugins ]] && init+=("-plugin-dir=$plugins")
  (
    cd "$1/$example"
    terraform "${init[@]}"
    terraform plan -input=false -refresh=false -no-color -lock=false "-var-file=$variables" "-out=$work/$2.plan"
    terraform show -json "$work/$2.plan" >"$work/$2.json"
  ) >"$work/$2.log" 2>&1 || { tail -n 40 "$work/$2.log" >&2; return 1; }
}

mkdir "$work/before" "$work/after"
git archive "$base" terraform | tar -x -C "$work/before"
git ls-files -z --cached --others --exclude-standard terraform | tar -c --null --files-from=- | tar -x -C "$work/after"

# The base may need other variables than this branch does: then everything is shown as new.
plan "$work/before/terraform" before || echo '{}' >"$work/before.json"
plan "$work/after/terraform" after
"$python" -m scripts.pipeline.plan_diff "$work/before.json" "$work/after.json"
