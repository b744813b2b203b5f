#!/bin/sh
# Provide the Chromium that the browser tests drive. Does nothing if there is one; needs root (or sudo) otherwise.
set -eu

for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
    if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
        echo "using $(command -v "$name")"
        exit 0
    fi
done

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo"
fi
$as_root apt-get update
$as_root apt-get install --yes --no-install-recommends chromium fonts-dejavu-core
command -v chromium
