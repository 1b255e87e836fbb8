#!/bin/sh
# Makes what must not be known to others, once, in secrets/: passwords, and the token of an operator who may do all.
set -eu
umask 077
cd "$(dirname "$0")"
if [ -e secrets ]; then
  echo "secrets/ is there already: nothing was changed" >&2
  exit 1
fi
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
made=$(mktemp -d secrets.XXXXXX)
trap 'rm -rf "$made"' EXIT
password=$(random)
token=$(random)
printf %s "$password" > "$made/database.password"
printf %s "$(random)" > "$made/grafana.password"
printf %s "$token" > "$made/operator.token"
printf 'database_url = "postgresql://countinghouse:%s@database/countinghouse"\n' "$password" > "$made/countinghouse.toml"
printf '[[tokens]]\ncaller = "operator"\nsha256 = "%s"\npermissions = ["*"]\n' \
  "$(printf %s "$token" | sha256sum | cut -d' ' -f1)" > "$made/tokens.toml"
# Compose hands files over with the owner and mode that they have here: the container's user must read them.
chmod 0444 "$made"/*
chmod 0711 "$made"
mv "$made" secrets
echo "made secrets/; the operator's token is in secrets/operator.token"
