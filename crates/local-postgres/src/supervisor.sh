# Runs one Postgres at a time for an owner that talks to it over a pipe, and outlives the owner just long enough
# to clean up: the end of a pipe is the one message that a killed process cannot fail to send.
#
#     SUPERVISOR=THIS sh -c 'eval "$SUPERVISOR"' NAME LOG SIGNAL-AT-END REMOVE-AT-END COMMAND ARGS...
#
# It reads "start PORT", "fast", "immediate" and "forget" (what has exited), and writes "started PID" and "exited STATUS".

unset SUPERVISOR
log=$1 at_end=$2 remove=$3
shift 3
# Whoever ends a whole group of processes ends the owner too, and then there is an order to keep.
trap '' HUP INT PIPE TERM

run() {
  child='' wanted=''
  trap 'wanted=INT; tell' USR1
  trap 'wanted=QUIT; tell' USR2
  "$@" >>"$log" 2>&1 &
  child=$!
  echo "started $child"
  tell # for a signal that came before the line above
  # A trap ends `wait` early.
  while
    wait "$child"
    status=$?
    kill -0 "$child" 2>/dev/null
  do :; done
  echo "exited $status"
}

tell() {
  [ -n "$wanted" ] && [ -n "$child" ] || return 0
  kill -s "$wanted" "$child"
  kill -s CONT "$child" # it may have been paused
}

job=''
while read -r word port; do
  case $word in
  start)
    run "$@" -c "port=$port" &
    job=$!
    ;;
  fast) kill -s USR1 "$job" ;;
  immediate) kill -s USR2 "$job" ;;
  forget)
    wait "$job"
    job=''
    ;;
  esac
done

if [ -n "$job" ]; then
  kill -s "$at_end" "$job" 2>/dev/null
  wait "$job"
fi
# Several times: a killed owner may have left an initdb at work in there.
tries=0
until [ -z "$remove" ] || rm -rf "$remove" 2>/dev/null || [ "$tries" -ge 50 ]; do
  tries=$((tries + 1))
  sleep 0.2
done
