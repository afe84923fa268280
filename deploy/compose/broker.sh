#!/bin/sh
# Runs mosquitto, and lets it read its password file (and what is named after it) again when
# that has changed; it then cuts the connections of accounts that are gone.
set -eu
configuration=${1:-/mosquitto/config/mosquitto.conf}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- /mosquitto/auth/passwords
security=$(sed -n 's/^plugin_opt_config_file *//p' "$configuration")

for file in "$@" ${security:+"$security"}; do
  until [ -s "$file" ]; do sleep 1; done
done
mosquitto -c "$configuration" &
broker=$!
trap 'kill -TERM $broker; wait $broker; exit 0' TERM INT

seen=$(cat "$@" | cksum)
while kill -0 $broker 2>/dev/null; do
  sleep 1 &
  wait $! || true
  now=$(cat "$@" | cksum)
  if [ "$now" != "$seen" ]; then
    seen=$now
    kill -HUP $broker
  fi
done
wait $broker
