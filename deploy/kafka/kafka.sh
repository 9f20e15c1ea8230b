#!/usr/bin/env bash
# A real Apache Kafka (KRaft) on loopback for tests: one node, or three for fault tests. Linux.
# Needs bash, Java 17 or newer and, for the first fetch only, mvn. See `kafka.sh --help`.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE
VERSION=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$HERE/pom.xml")
readonly VERSION
readonly CACHE="${RANTAI_KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/rantai/kafka-$VERSION}"
readonly LIBS="$CACHE/libs"
readonly LAST="$CACHE/last-cluster"      # the folder that stop and status use if no --dir is given
readonly CONTROLLER_OFFSET=100           # node i: broker on PORT+i-1, controller on PORT+100+i-1
readonly READY_SECONDS=90
readonly STOP_SECONDS=20
readonly EX_USAGE=64 EX_UNAVAILABLE=69 EX_SOFTWARE=70

usage() {
  cat <<TEXT
Usage:
  kafka.sh fetch                                       bring the jars of Apache Kafka $VERSION
  kafka.sh start [--brokers 1|3] [--dir DIR] [--port 19092]
  kafka.sh start --node N [--dir DIR]                  start one stopped node again
  kafka.sh stop  [--node N] [--dir DIR] [--kill]       SIGTERM, SIGKILL after $STOP_SECONDS s; --kill: at once
  kafka.sh status [--dir DIR]                          one line per node; exit 0 only if all answer

The last line that start prints on stdout has the bootstrap servers and nothing else.
Data, logs and pid files live in DIR (default: a new folder under $CACHE/clusters);
stop and status without --dir act on the cluster started last. Nothing but pid files is ever removed.
Exit codes: $EX_USAGE wrong usage, $EX_UNAVAILABLE jars or Java not available, $EX_SOFTWARE a node did not start or stop.
Environment: RANTAI_KAFKA_HOME (cache folder), KAFKA_HEAP_OPTS (default -Xmx512m), JAVA_HOME.

Example:
  bootstrap=\$(deploy/kafka/kafka.sh start --brokers 3 --dir /tmp/k | tail -n 1)
  deploy/kafka/kafka.sh stop --node 2 --dir /tmp/k     # two of three in sync: acks=all still answers
  deploy/kafka/kafka.sh start --node 2 --dir /tmp/k
  deploy/kafka/kafka.sh stop --dir /tmp/k
TEXT
}

say() { printf 'kafka.sh: %s\n' "$*" >&2; }
fail() { local code=$1; shift; say "$*"; exit "$code"; }

java_command() {
  local java=java major
  [[ -n "${JAVA_HOME:-}" && -x "$JAVA_HOME/bin/java" ]] && java="$JAVA_HOME/bin/java"
  major=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1) || true
  [[ -n "$major" && "$major" -ge 17 ]] || fail "$EX_UNAVAILABLE" "Java 17 or newer is needed (found: ${major:-none})"
  printf '%s\n' "$java"
}

# ---- jars ---------------------------------------------------------------------------------------

fetch() {
  local wanted staging
  wanted=$(cksum < "$HERE/pom.xml")
  if [[ -f "$LIBS/.complete" && "$(cat "$LIBS/.complete")" == "$wanted" ]]; then
    return 0
  fi
  command -v mvn > /dev/null || fail "$EX_UNAVAILABLE" "mvn is needed to fetch Apache Kafka $VERSION"
  mkdir -p "$CACHE"
  # Fetch beside the target, then rename: an interrupted or parallel fetch never leaves half a classpath.
  staging=$(mktemp -d "$CACHE/fetch.XXXXXX")
  say "fetching Apache Kafka $VERSION into $LIBS"
  if ! mvn -q -B -Dstyle.color=never -f "$HERE/pom.xml" dependency:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$staging" 1>&2; then
    rm -rf "$staging"
    fail "$EX_UNAVAILABLE" "the jars could not be fetched"
  fi
  printf '%s\n' "$wanted" > "$staging/.complete"
  rm -rf "$LIBS"
  mv "$staging" "$LIBS"
  # If a parallel fetch created the target in between, mv moved into it: keep that one, it is as good.
  rm -rf "${LIBS:?}/${staging##*/}"
}

# ---- what is running ----------------------------------------------------------------------------

node_dir() { printf '%s/node-%s\n' "$1" "$2"; }

# Prints the pid if the node runs. A pid file may outlive its process and the pid be reused, so the
# command line must name this node's own configuration.
node_pid() {
  local home pid
  home=$(node_dir "$1" "$2")
  [[ -s "$home/pid" ]] || return 1
  pid=$(cat "$home/pid")
  # -ww: if COLUMNS is set, ps would otherwise cut the line off before the configuration.
  [[ "$(ps -ww -p "$pid" -o args= 2> /dev/null)" == *"$home/server.properties"* ]] || return 1
  printf '%s\n' "$pid"
}

port_is_taken() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# Prints the ids of the brokers that the node on this port reports as alive, one per line. It asks in
# the Kafka protocol (Metadata v1, no topics): a port that accepts connections is not yet a working broker.
live_brokers() {
  (
    exec 3<> "/dev/tcp/127.0.0.1/$1" || exit 1
    printf '\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x01\xff\xff\x00\x00\x00\x00' >&3
    local bytes count i
    # size, correlation id, number of brokers: 4 bytes each
    read -ra bytes <<< "$(timeout 3 head -c 12 <&3 | od -An -v -tu1 | tr -s '\n' ' ')"
    [[ "${#bytes[@]}" -eq 12 ]] || exit 1
    count=${bytes[11]}
    # id (4), host "127.0.0.1" (2+9), port (4), no rack (2): 21 bytes for each broker
    read -ra bytes <<< "$(timeout 3 head -c "$((count * 21))" <&3 | od -An -v -tu1 | tr -s '\n' ' ')"
    for ((i = 0; i < count; i++)); do
      printf '%s\n' "${bytes[$((i * 21 + 3))]}"
    done
  ) 2> /dev/null
}

# ---- start --------------------------------------------------------------------------------------

write_properties() {
  local dir=$1 node=$2 brokers=$3 port=$4 home voters="" i replicas=1 in_sync=1
  home=$(node_dir "$dir" "$node")
  for ((i = 1; i <= brokers; i++)); do
    voters+="${voters:+,}$i@127.0.0.1:$((port + CONTROLLER_OFFSET + i - 1))"
  done
  if [[ "$brokers" -eq 3 ]]; then replicas=3 in_sync=2; fi
  mkdir -p "$home"
  cat > "$home/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=BROKER://127.0.0.1:$((port + node - 1)),CONTROLLER://127.0.0.1:$((port + CONTROLLER_OFFSET + node - 1))
advertised.listeners=BROKER://127.0.0.1:$((port + node - 1))
inter.broker.listener.name=BROKER
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$home/data

default.replication.factor=$replicas
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replicas
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync

# A misspelt topic must be an error, never a new topic.
auto.create.topics.enable=false
# The default waits 3 s for more members before a group starts.
group.initial.rebalance.delay.ms=0
# The default is 50 partitions for each of the three topics, which costs seconds at the start.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4
# After this time a killed node is fenced; the default is 9 s.
broker.session.timeout.ms=6000
# Sized for a test machine, not for load.
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=4194304
PROPERTIES
}

format_storage() {
  local java=$1 dir=$2 node=$3 cluster=$4 home
  home=$(node_dir "$dir" "$node")
  [[ -f "$home/data/meta.properties" ]] && return 0
  "$java" -Xmx128m -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$HERE/log4j2.properties" -cp "$LIBS/*" \
    kafka.tools.StorageTool format --cluster-id "$cluster" --config "$home/server.properties" \
    >> "$home/server.log" 2>&1
}

launch() {
  local java=$1 dir=$2 node=$3 home heap i
  home=$(node_dir "$dir" "$node")
  read -ra heap <<< "${KAFKA_HEAP_OPTS:--Xmx512m}"
  # nohup and no inherited descriptor, so that the node outlives this script and `$(kafka.sh start)` returns.
  nohup "$java" "${heap[@]}" -Djava.awt.headless=true -Dlog4j2.configurationFile="$HERE/log4j2.properties" \
    -cp "$LIBS/*" kafka.Kafka "$home/server.properties" >> "$home/server.log" 2>&1 < /dev/null &
  printf '%s\n' "$!" > "$home/pid"
  # Until the fork has become Java it has this script's name, and would be taken for a node that ended.
  for ((i = 0; i < 250; i++)); do
    if ! kill -0 "$!" 2> /dev/null || node_pid "$dir" "$node" > /dev/null; then break; fi
    sleep 0.02
  done
}

# Waits until each of the named nodes reports all of them as alive.
await_nodes() {
  local dir=$1 port=$2 deadline=$((SECONDS + READY_SECONDS)) node other seen ready
  shift 2
  while ((SECONDS < deadline)); do
    ready=yes
    for node in "$@"; do
      if ! node_pid "$dir" "$node" > /dev/null; then
        tail -n 20 "$(node_dir "$dir" "$node")/server.log" >&2 || true
        say "node $node ended while starting; its log: $(node_dir "$dir" "$node")/server.log"
        return 1
      fi
      seen=$(live_brokers "$((port + node - 1))") || seen=""
      for other in "$@"; do
        grep -qx "$other" <<< "$seen" || ready=no
      done
    done
    [[ "$ready" == yes ]] && return 0
    sleep 0.2
  done
  say "not all nodes answer after $READY_SECONDS s; see $dir/node-*/server.log"
  return 1
}

start() {
  local dir=$1 brokers=$2 port=$3 only=$4 java cluster known_brokers known_port node formats=() nodes=()
  fetch
  java=$(java_command)
  if [[ -z "$dir" && -n "$only" ]]; then dir=$(last_dir); fi
  if [[ -z "$dir" ]]; then
    mkdir -p "$CACHE/clusters"
    dir=$(mktemp -d "$CACHE/clusters/XXXXXX")
  fi
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if [[ -f "$dir/cluster" ]]; then
    # An existing folder keeps its settings: its data was written for these ports and this cluster id.
    read -r known_brokers known_port cluster < "$dir/cluster"
    [[ -z "$brokers" || "$brokers" == "$known_brokers" ]] || fail "$EX_USAGE" "$dir holds a cluster of $known_brokers"
    [[ -z "$port" || "$port" == "$known_port" ]] || fail "$EX_USAGE" "$dir holds a cluster on port $known_port"
    brokers=$known_brokers port=$known_port
  else
    [[ -z "$only" ]] || fail "$EX_USAGE" "$dir holds no cluster: start it without --node first"
    brokers=${brokers:-1} port=${port:-19092}
    # A Kafka id is 16 bytes in URL-safe base64; the fixed first letter keeps it from looking like an option.
    cluster="R$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)"
  fi
  for ((node = 1; node <= brokers; node++)); do
    [[ -n "$only" && "$only" != "$node" ]] || nodes+=("$node")
  done
  [[ "${#nodes[@]}" -gt 0 ]] || fail "$EX_USAGE" "there is no node $only among $brokers"

  local to_launch=()
  for node in "${nodes[@]}"; do
    node_pid "$dir" "$node" > /dev/null && continue
    if port_is_taken "$((port + node - 1))" || port_is_taken "$((port + CONTROLLER_OFFSET + node - 1))"; then
      fail "$EX_SOFTWARE" "port $((port + node - 1)) or $((port + CONTROLLER_OFFSET + node - 1)) is taken by another process"
    fi
    to_launch+=("$node")
  done
  # Written only now, so that a start that found its ports taken can be repeated with other ports.
  printf '%s %s %s\n' "$brokers" "$port" "$cluster" > "$dir/cluster"
  printf '%s\n' "$dir" > "$LAST"
  for node in "${to_launch[@]}"; do
    write_properties "$dir" "$node" "$brokers" "$port"
    format_storage "$java" "$dir" "$node" "$cluster" &
    formats+=("$!")
  done
  for node in "${!formats[@]}"; do
    wait "${formats[$node]}" || fail "$EX_SOFTWARE" "storage could not be formatted; see $dir/node-*/server.log"
  done
  for node in "${to_launch[@]}"; do
    launch "$java" "$dir" "$node"
  done
  if ! await_nodes "$dir" "$port" "${nodes[@]}"; then
    stop_nodes "$dir" TERM "${to_launch[@]}"
    fail "$EX_SOFTWARE" "nothing that this start launched is left running"
  fi

  printf 'Apache Kafka %s, %s of %s node(s), data and logs in %s\n' "$VERSION" "${#nodes[@]}" "$brokers" "$dir"
  bootstrap_servers "$brokers" "$port"
}

bootstrap_servers() {
  local list="" i
  for ((i = 0; i < $1; i++)); do
    list+="${list:+,}127.0.0.1:$(($2 + i))"
  done
  printf '%s\n' "$list"
}

# ---- stop and status ----------------------------------------------------------------------------

last_dir() {
  [[ -s "$LAST" ]] || fail "$EX_USAGE" "no cluster was started yet: name one with --dir"
  cat "$LAST"
}

# Prints "brokers port cluster-id" for the cluster in a folder.
cluster_of() {
  [[ -f "$1/cluster" ]] || fail "$EX_USAGE" "$1 holds no cluster"
  cat "$1/cluster"
}

stop_nodes() {
  local dir=$1 signal=$2 node pid deadline left
  shift 2
  # Signal all, then wait: one after the other, the last controllers of a quorum could not stop cleanly.
  for node in "$@"; do
    if pid=$(node_pid "$dir" "$node"); then kill "-$signal" "$pid" 2> /dev/null || true; fi
  done
  deadline=$((SECONDS + STOP_SECONDS))
  while :; do
    left=()
    for node in "$@"; do
      if node_pid "$dir" "$node" > /dev/null; then left+=("$node"); fi
    done
    if [[ "${#left[@]}" -eq 0 ]]; then break; fi
    if ((SECONDS >= deadline)); then
      say "node(s) ${left[*]} did not end in $STOP_SECONDS s: SIGKILL"
      for node in "${left[@]}"; do
        if pid=$(node_pid "$dir" "$node"); then kill -KILL "$pid" 2> /dev/null || true; fi
      done
      deadline=$((SECONDS + STOP_SECONDS))
    fi
    sleep 0.1
  done
  for node in "$@"; do
    rm -f "$(node_dir "$dir" "$node")/pid"
  done
}

stop() {
  local dir=$1 only=$2 signal=$3 brokers nodes=() node
  if [[ -z "$dir" ]]; then dir=$(last_dir); fi
  dir=$(cd "$dir" 2> /dev/null && pwd) || fail "$EX_USAGE" "there is no such folder"
  read -r brokers _ <<< "$(cluster_of "$dir")"
  for ((node = 1; node <= brokers; node++)); do
    [[ -n "$only" && "$only" != "$node" ]] || nodes+=("$node")
  done
  [[ "${#nodes[@]}" -gt 0 ]] || fail "$EX_USAGE" "there is no node $only among $brokers"
  stop_nodes "$dir" "$signal" "${nodes[@]}"
}

status() {
  local dir=$1 brokers port node pid state healthy=0
  if [[ -z "$dir" ]]; then dir=$(last_dir); fi
  dir=$(cd "$dir" 2> /dev/null && pwd) || fail "$EX_USAGE" "there is no such folder"
  read -r brokers port _ <<< "$(cluster_of "$dir")"
  printf 'Apache Kafka %s in %s\n' "$VERSION" "$dir"
  for ((node = 1; node <= brokers; node++)); do
    if ! pid=$(node_pid "$dir" "$node"); then
      state=stopped healthy=1
    elif grep -qx "$node" <<< "$(live_brokers "$((port + node - 1))")"; then
      state="answers, pid $pid"
    else
      state="does not answer, pid $pid" healthy=1
    fi
    printf 'node %s  127.0.0.1:%s  %s\n' "$node" "$((port + node - 1))" "$state"
  done
  return "$healthy"
}

# ---- command line -------------------------------------------------------------------------------

main() {
  local action=${1:-} dir="" brokers="" port="" node="" signal=TERM
  case "$action" in
    fetch | start | stop | status) shift ;;
    -h | --help | help) usage; return 0 ;;
    *) usage >&2; return "$EX_USAGE" ;;
  esac
  while [[ $# -gt 0 ]]; do
    case "$1" in
      -h | --help) usage; return 0 ;;
      --kill) signal=KILL; shift; continue ;;
      --brokers | --dir | --port | --node) [[ $# -ge 2 ]] || fail "$EX_USAGE" "$1 needs a value" ;;
      *) fail "$EX_USAGE" "unknown option $1 (try --help)" ;;
    esac
    case "$1" in
      --brokers) brokers=$2 ;;
      --dir) dir=$2 ;;
      --port) port=$2 ;;
      --node) node=$2 ;;
    esac
    shift 2
  done
  [[ -z "$brokers" || "$brokers" == 1 || "$brokers" == 3 ]] || fail "$EX_USAGE" "--brokers is 1 or 3"
  [[ -z "$port" || "$port" =~ ^[1-9][0-9]{0,4}$ ]] || fail "$EX_USAGE" "--port is a number"
  [[ -z "$node" || "$node" =~ ^[1-3]$ ]] || fail "$EX_USAGE" "--node is 1, 2 or 3"
  case "$action" in
    fetch) fetch; printf '%s\n' "$LIBS" ;;
    start) start "$dir" "$brokers" "$port" "$node" ;;
    stop) stop "$dir" "$node" "$signal" ;;
    status) status "$dir" ;;
  esac
}

main "$@"
