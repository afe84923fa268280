#!/bin/sh
# Runs mosquitto, and lets it read its password file again when that has changed.
set -eu
configuration=${1:-/mosquitto/config/mosquitto.conf}
passwords=${2:-/mosquitto/auth/passwords}

until [ -s "$passwords" ]; do sleep 1; done
mosquitto -c "$configuration" &
broker=$!
trap 'kill -TERM $broker; wait $broker; exit 0' TERM INT

seen=$(cksum <"$passwords")
while kill -0 $broker 2>/dev/null; do
  sleep 2 &
  wait $! || true
  now=$(cksum <"$passwords")
  if [ "$now" != "$seen" ]; then
    seen=$now
    kill -HUP $broker
  fi
done
wait $broker
