#!/usr/bin/env bash
# Compares the answers of both engines about one database, byte for byte:
#
#   benches/engines.sh DATABASE DAY [FOLDER]
#
# DATABASE is a file of SQLite, such as the one that `cargo bench --bench query` makes (target/tmp/bench-corpus/*.db); it is copied
# first. DAY is the day of which the answers are (--as-of), mostly the day after the newest reports. `dmarcstat copy` brings the
# database to a PostgreSQL server that is made for this run, on loopback. Then every command is asked in every form about every
# window on both. Answers that differ are kept in FOLDER (a new one below $TMPDIR unless it is named), and the status is 1.
#
# DMARCSTAT    the program (target/release/dmarcstat)
# FORMS        the forms to ask for (table json csv markdown html)
# WINDOWS      the windows, by their --since (7d 30d 90d all)
#
# It needs PostgreSQL (initdb, postgres, psql), and as root a user `postgres` to run it as. Five million records take some
# 20 minutes and three times the size of the database on disk.
set -euo pipefail

if [ $# -lt 2 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
database=$(realpath "$1")
day=$2
program=$(realpath "${DMARCSTAT:-$(dirname "${BASH_SOURCE[0]}")/../target/release/dmarcstat}")
read -ra forms <<<"${FORMS:-table json csv markdown html}"
read -ra windows <<<"${WINDOWS:-7d 30d 90d all}"
folder=${3:-$(mktemp -d)}
mkdir -p "$folder"
folder=$(realpath "$folder")

programs=$(dirname "$(realpath "$(command -v initdb || find /usr/lib/postgresql -name initdb | sort -V | tail -n 1)")")
# The server has a folder of its own, which its user owns.
server=$(mktemp -d)
as_owner=()
if [ "$(id -u)" = 0 ]; then
    chown postgres "$server"
    as_owner=(setpriv --reuid postgres --regid postgres --clear-groups)
fi
stop() {
    "${as_owner[@]}" "$programs/pg_ctl" -D "$server/data" -m immediate stop >"$folder/stop.log" 2>&1 || true
    rm -rf "$server" "$folder/copy.db" "$folder/copy.db-wal" "$folder/copy.db-shm"
}
trap stop EXIT

# Nobody else's settings, and no database but those two.
unset DMARCSTAT_DB
export DMARCSTAT_CONFIG='' LC_ALL=C PGPASSWORD=loopback
cd /
printf %s "$PGPASSWORD" >"$server/password"
port=$(( 20000 + RANDOM % 20000 ))
"${as_owner[@]}" "$programs/initdb" -D "$server/data" -U dmarcstat -A scram-sha-256 -E UTF8 --locale=C -N \
    --pwfile="$server/password" >"$folder/server.log"
"${as_owner[@]}" "$programs/pg_ctl" -D "$server/data" -w -l "$server/log" start \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" >>"$folder/server.log"
"$programs/psql" -X -q -h 127.0.0.1 -p "$port" -U dmarcstat -d postgres -c 'CREATE DATABASE dmarcstat'

url=postgres://dmarcstat@127.0.0.1:$port/dmarcstat
file=$folder/copy.db
cp "$database" "$file"
printf 'copying %s\n' "$database"
"$program" -q copy --from "$file" --to "$url"

compared=0
different=0
refused=0
# Asks both, and compares what is said and the status. The one thing that may differ is what the database is called.
compare() {
    local name=$1 engine at status
    shift
    for engine in file server; do
        at=$file
        if [ "$engine" = server ]; then at=$url; fi
        status=0
        "$program" "$@" --db "$at" >"$folder/$engine" 2>"$folder/$engine.stderr" || status=$?
        { cat "$folder/$engine.stderr"; printf 'status %s\n' "$status"; } | sed "s|$at|DATABASE|g" >"$folder/$engine.said"
        sed -i "s|$at|DATABASE|g" "$folder/$engine"
    done
    compared=$(( compared + 1 ))
    # Such as a form that an answer does not have.
    case $status in 1 | 2) refused=$(( refused + 1 )) ;; esac
    if cmp -s "$folder/file" "$folder/server" && cmp -s "$folder/file.said" "$folder/server.said"; then return; fi
    different=$(( different + 1 ))
    printf 'DIFFERENT: %s\n' "$*"
    for engine in file server; do
        cat "$folder/$engine" "$folder/$engine.said" >"$folder/different-$name.$engine"
    done
}

first() { "$program" sql --db "$file" --as-of "$day" --format csv "$1" | sed -n 2p; }
path=$(first 'SELECT path FROM path ORDER BY messages DESC LIMIT 1')
domain=$(first 'SELECT domain FROM path GROUP BY domain ORDER BY sum(messages) DESC LIMIT 1')
report=$(first 'SELECT min(report) FROM report')

for window in "${windows[@]}"; do
    about=(--since "$window" --as-of "$day")
    for form in "${forms[@]}"; do
        ask() { compare "$(tr -c '[:alnum:]\n' - <<<"$*-$window-$form")" "$@" "${about[@]}" --format "$form"; }
        ask unsigned
        ask unsigned --all --domain "$domain"
        ask sources
        ask explain "$path"
        ask readiness "$domain"
        ask readiness --all
        ask changes
        ask selectors
        ask tls
        ask digest
        ask reports --domain "$domain"
        ask reports --irregular
        ask reports --foreign
    done
    compare "metrics-$window" metrics "${about[@]}"
    compare "sql-$window" sql 'SELECT domain, reporter, count(*), sum(messages) FROM alignment GROUP BY 1, 2 ORDER BY 1, 2' "${about[@]}"
    "$program" -q site "$folder/pages-of-file" --db "$file" "${about[@]}"
    "$program" -q site "$folder/pages-of-server" --db "$url" "${about[@]}"
    compared=$(( compared + 1 ))
    if ! diff -rq "$folder/pages-of-file" "$folder/pages-of-server"; then different=$(( different + 1 )); fi
    printf '%s: %s answers compared, %s different\n' "$window" "$compared" "$different"
done
for form in "${forms[@]}"; do
    compare "report-$form" reports "$report" --format "$form"
    compare "quarantine-$form" quarantine --format "$form"
done
for rows in jsonl csv; do
    compare "export-$rows" export --since 7d --as-of "$day" --format "$rows"
done
compare prune prune --older-than 300d --dry-run --as-of "$day"
printf '%s answers compared, %s of them refusals, %s different\n' "$compared" "$refused" "$different"
[ "$different" = 0 ]
