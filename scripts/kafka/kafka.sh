#!/bin/sh
# Runs one Apache Kafka node on loopback for tests, without a container: Java 17 or later and Maven.
#
#   kafka.sh start DIR [PORT]   fetch the jars, format DIR, start, wait until it serves (default port 19092; PORT+1 is its controller's)
#   kafka.sh stop DIR           stop it and wait until it is gone
#   kafka.sh restart DIR        stop, then start on the same port
#   kafka.sh crash DIR          kill -9, then start on the same port
#   kafka.sh status DIR         say whether it runs; exit 1 if not
#   kafka.sh guard DIR [PORT]   start, close standard output, wait until standard input ends, then stop and remove DIR
#   kafka.sh jars               fetch the jars alone
#
# Properties in DIR/extra.properties, if it is there before the first start, are the node's too.
# Starting a running one and stopping a stopped one is no error. The jars are kept in
# EVENKEEL_KAFKA_CACHE (default: .cache/kafka in the repository), each version in a folder of its own.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${EVENKEEL_KAFKA_CACHE:-$here/../../.cache/kafka}

fail() { echo "kafka.sh: $*" >&2; exit 1; }

# The folder is named for the pom: a changed version is another folder.
lib() { echo "$cache/lib-$(cksum <"$here/pom.xml" | tr ' ' '-')"; }

jars() {
    [ -d "$(lib)" ] && return
    command -v mvn >/dev/null || fail "Maven (mvn) is needed once, to fetch Apache Kafka's jars"
    mkdir -p "$cache"
    # Fetched beside, then renamed: two starts at once, or a break in the middle, leave no half folder.
    new=$(mktemp -d "$cache/new-XXXXXX")
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$new/lib" >&2 ||
        { rm -rf "$new"; fail "Maven could not fetch the jars"; }
    mv "$new/lib" "$(lib)" 2>/dev/null || [ -d "$(lib)" ] || fail "could not move the jars to $(lib)"
    rm -rf "$new"
}

running() {
    [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}

# Becomes the command, with no inherited file left open: a lock held by whoever starts this would
# live on in the broker. A plain sh can only name descriptors up to 9.
unlocked() {
    for fd in 3 4 5 6 7 8 9; do eval "exec $fd>&-"; done
    if [ -d /proc/self/fd ] && command -v bash >/dev/null; then
        exec bash -c 'for f in /proc/$$/fd/*; do f=${f##*/}; [ "$f" -le 2 ] || eval "exec $f>&-"; done; exec "$@"' bash "$@"
    fi
    exec "$@"
}

start() {
    if running; then
        echo "Apache Kafka is running on 127.0.0.1:$(cat "$dir/port")"
        return
    fi
    command -v java >/dev/null || fail "Java 17 or later is needed"
    jars
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    if [ ! -f "$dir/server.properties" ]; then
        cat >"$dir/server.new" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
PROPERTIES
        # What a test asks for beside; of two lines for one property the later counts.
        [ ! -f "$dir/extra.properties" ] || cat "$dir/extra.properties" >>"$dir/server.new"
        id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')
        # base64url of 16 random bytes; a leading dash would be read as an option.
        case $id in -*) id=A${id#-} ;; esac
        rm -rf "$dir/data"
        java -Xshare:auto -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$(lib)/*" \
            kafka.tools.StorageTool format -t "$id" -c "$dir/server.new" >"$dir/format.log" 2>&1 ||
            fail "could not format $dir/data: $(cat "$dir/format.log")"
        echo "$port" >"$dir/port"
        mv "$dir/server.new" "$dir/server.properties"
    fi
    rm -f "$dir/server.log" # the last start's "started" must not be taken for this one's
    unlocked $(command -v setsid || true) java -Xms128m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dlog4j2.configurationFile="$here/log4j2.properties" -Dlog4j2.disableJmx=true \
        -cp "$(lib)/*" kafka.Kafka "$dir/server.properties" </dev/null >"$dir/server.log" 2>&1 &
    echo $! >"$dir/pid"
    tries=0
    until grep -q 'Kafka Server started' "$dir/server.log" 2>/dev/null; do
        running || fail "Apache Kafka ended while starting: $(tail -n 20 "$dir/server.log")"
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "Apache Kafka did not start within a minute: $(tail -n 20 "$dir/server.log")"
        sleep 0.1
    done
    echo "Apache Kafka serves on 127.0.0.1:$(cat "$dir/port")"
}

stop() {
    running || { rm -f "$dir/pid"; return 0; }
    pid=$(cat "$dir/pid")
    kill "$pid"
    tries=0
    while kill -0 "$pid" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -ne 200 ] || kill -9 "$pid"
        [ "$tries" -lt 300 ] || fail "process $pid does not end"
        sleep 0.1
    done
    rm -f "$dir/pid"
}

[ $# -ge 1 ] || fail "say start, stop, restart, crash, status, guard or jars"
command=$1
dir=${2:-}
port=${3:-19092}
[ "$command" = jars ] || [ -n "$dir" ] || fail "$command needs the folder of the node"
case $command in
start) start ;;
stop) stop ;;
restart) stop; start ;;
crash)
    running || fail "it is not running in $dir"
    pid=$(cat "$dir/pid")
    kill -9 "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    start
    ;;
status)
    running || { echo "Apache Kafka is not running in $dir"; exit 1; }
    echo "Apache Kafka is running on 127.0.0.1:$(cat "$dir/port")"
    ;;
guard)
    # Whoever holds the other end of our input owns the broker. If it dies while we start, nobody
    # hears how that went, but the broker still ends.
    trap '' PIPE
    said=$(start 2>&1) || true
    echo "$said" 2>/dev/null || true
    exec >/dev/null 2>&1
    cat
    stop
    rm -rf "$dir"
    ;;
jars) jars ;;
*) fail "unknown command $command: say start, stop, restart, crash, status, guard or jars" ;;
esac
