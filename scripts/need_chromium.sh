#!/bin/sh
# The tests of reports open them in a real headless Chromium that reaches no network. This installs one where nobody
# minds: as root, with apt-get. Elsewhere it only says the command.
set -eu

for name in chromium chromium-browser google-chrome chrome; do
  if command -v "$name" >/dev/null; then
    exit 0
  fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  if { apt-get install -qq -y --no-install-recommends chromium ||
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; }; } >&2; then
    exit 0
  fi
fi
echo "The tests of reports need Chromium and are skipped without. On Debian: apt-get install chromium" >&2
