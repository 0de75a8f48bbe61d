#!/usr/bin/env bash
# Starts Postamt as a peer of the load harness: PEER_DIR=/some/dir bench/postamt.sh start|stop|status|wipe
#
# Loopback only, ports 27xxx (see below), users u0001… (PEER_USERS, default 400), password bench-pass, domain bench.test.
# POSTAMT names the binary (default target/release/postamt). Joins the cgroup bench-postamt where it may, so that the
# harness reads its CPU exactly. `servers.toml` beside this file has the section for the harness.
set -euo pipefail
dir="${PEER_DIR:?PEER_DIR names the directory that everything is written to}/pa"
here="$(cd "$(dirname "$0")/.." && pwd)"
postamt="${POSTAMT:-$here/target/release/postamt}"
users="${PEER_USERS:-400}"
password="${PEER_PASS:-bench-pass}"

configuration() {
  cat <<CONFIG
[server]
hostname = "mail.bench.test"
data = "$dir/data"
metrics = "127.0.0.1:27100"
[listen]
smtp = ["127.0.0.1:27025"]
submission = ["127.0.0.1:27587"]
submissions = ["127.0.0.1:27465"]
imap = ["127.0.0.1:27143"]
imaps = ["127.0.0.1:27993"]
pop3 = ["127.0.0.1:27110"]
pop3s = ["127.0.0.1:27995"]
lmtp = ["127.0.0.1:27024"]
[limits]
connections-per-address = 20000
connections-per-account = 20000
[log]
level = "warn"
CONFIG
}

join_cgroup() {
  local root
  for root in /sys/fs/cgroup/cpuacct /sys/fs/cgroup; do
    if [ -d "$root" ] && mkdir -p "$root/bench-postamt" 2>/dev/null; then
      echo "$BASHPID" > "$root/bench-postamt/cgroup.procs" 2>/dev/null && return
    fi
  done
}

running() { [ -e "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

start() {
  running && { echo "runs already, pid $(cat "$dir/pid")"; return; }
  mkdir -p "$dir"
  configuration > "$dir/postamt.toml"
  ( join_cgroup; exec "$postamt" serve --config "$dir/postamt.toml" > "$dir/log" 2>&1 ) &
  echo $! > "$dir/pid"
  for _ in $(seq 100); do
    "$postamt" --config "$dir/postamt.toml" status > /dev/null 2>&1 && break
    sleep 0.1
  done
  local have
  have="$("$postamt" --config "$dir/postamt.toml" --json account list | { grep -o '@bench.test' || true; } | wc -l)"
  [ "$have" -gt 0 ] || "$postamt" --config "$dir/postamt.toml" domain add bench.test > /dev/null
  for number in $(seq $((have + 1)) "$users"); do
    echo "$password" | "$postamt" --config "$dir/postamt.toml" account add "$(printf 'u%04d@bench.test' "$number")" \
      --password-stdin > /dev/null
  done
  echo "postamt pid $(cat "$dir/pid") imaps 27993 pop3s 27995 submissions 27465 lmtp 27024 users $users"
}

stop() {
  running || { echo "does not run"; return; }
  kill -TERM "$(cat "$dir/pid")"
  for _ in $(seq 150); do running || break; sleep 0.1; done
  rm -f "$dir/pid"
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  status) running && "$postamt" --config "$dir/postamt.toml" status ;;
  wipe) stop; rm -rf "$dir" ;;
  *) echo "usage: PEER_DIR=DIR $0 start|stop|status|wipe" >&2; exit 2 ;;
esac
