#!/bin/sh
# The tests of remote workers log in to a real sshd that they start themselves, on 127.0.0.1 with throw-away keys. This
# installs one where nobody minds: as root, with apt-get, in a container. Installing on a machine with systemd would
# also start a server that listens to everyone, so there it only says the command.
set -eu
PATH="$PATH:/usr/sbin:/usr/local/sbin"

if command -v sshd >/dev/null && command -v ssh >/dev/null; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ ! -d /run/systemd/system ]; then
  export DEBIAN_FRONTEND=noninteractive
  if { apt-get install -qq -y --no-install-recommends openssh-server openssh-client ||
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends openssh-server openssh-client; }; } >&2; then
    exit 0
  fi
fi
echo "The tests of remote workers need sshd and are skipped without. On Debian: apt-get install openssh-server" >&2
