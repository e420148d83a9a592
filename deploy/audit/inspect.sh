#!/bin/sh
# Looks at a running Encounter device with the system's own tools, without any of its code.
#
#   sudo sh inspect.sh [PID ...]     without numbers: every process of a device that is found
#
# Lines begin with "ok", "FAIL" or "note". Exit status: 0 nothing fails, 1 something does,
# 2 nothing to look at. It repeats the core of `encounter-edge audit`, Part A; docs/audit.md.

set -u
LC_ALL=C
failed=0

ok() { printf 'ok    %s %s: %s\n' "$role" "$pid" "$1"; }
note() { printf 'note  %s %s: %s\n' "$role" "$pid" "$1"; }
fail() { printf 'FAIL  %s %s: %s\n' "$role" "$pid" "$1"; failed=1; }
in_unit() { grep -q '/encounter-[a-z]*\.service' "/proc/$pid/cgroup" 2>/dev/null; }
unless_by_hand() { if in_unit; then fail "$1"; else note "$1: started by hand"; fi; }

# The role of a process by its command line, "… -m MODULE …"; nothing for any other.
role_of() {
    tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | awk '
        NR == 1 && $0 !~ /\/python[0-9.]*$/ && $0 !~ /^python[0-9.]*$/ { exit }
        before == "-m" {
            if ($0 == "vision") print "vision"
            if ($0 == "edge.appliance") print "edge"
            if ($0 == "edge.relay") print "relay"
            exit
        }
        { before = $0 }'
}

option() { # value of an option of the process's command line
    tr '\0' '\n' <"/proc/$pid/cmdline" | awk -v name="$1" 'before == name { print; exit } { before = $0 }'
}

status() { awk -v name="$2:" '$1 == name { $1 = ""; sub(/^ /, ""); print; exit }' "$1"; }

check_threads() {
    filters=$(status "/proc/$pid/status" Seccomp_filters)
    count=0 bad=0 caps=
    for thread in /proc/"$pid"/task/*; do
        number=${thread##*/}
        file=$thread/status
        [ -r "$file" ] || continue
        count=$((count + 1))
        [ "$(status "$file" Seccomp)" = 2 ] || { fail "thread $number: no system-call filter"; bad=1; }
        [ "$(status "$file" NoNewPrivs)" = 1 ] || { fail "thread $number: may gain rights"; bad=1; }
        [ "$(status "$file" Seccomp_filters)" = "$filters" ] || { fail "thread $number: other filters"; bad=1; }
        [ "$(status "$file" Uid | awk '{ print ($1 == $2 && $2 == $3 && $3 == $4) }')" = 1 ] ||
            { fail "thread $number: several users"; bad=1; }
        # compared as text, in each thread: only 0 may be among the numbers
        case $(status "$file" CapEff)$(status "$file" CapPrm)$(status "$file" CapAmb)$(status "$file" CapInh) in
            *[!0]*) caps="$caps $number" ;;
        esac
    done
    [ "${filters:-2}" -ge 2 ] || { fail "expected at least 2 filters, found $filters"; bad=1; }
    [ $bad = 1 ] || ok "$count threads: $filters filters each, no new rights"
    user=$(status "/proc/$pid/status" Uid | awk '{ print $1 }')
    [ -z "$caps" ] || unless_by_hand "capabilities in threads$caps"
    if [ "$user" = 0 ]; then unless_by_hand "runs as root"; else
        ok "user $user"
        [ "$(ls -nd "/proc/$pid/fd" | awk '{ print $3 }')" = 0 ] ||
            fail "not closed to other processes of its user"
    fi
}

check_memory() {
    swapped=$(status "/proc/$pid/status" VmSwap | awk '{ print $1 }')
    if [ "$swapped" = 0 ]; then ok "nothing of it in swap"; else fail "$swapped kB in swap"; fi
    if [ "$(wc -l </proc/swaps)" -gt 1 ] && [ "$(status "/proc/$pid/status" VmLck)" = "0 kB" ]; then
        note "this machine has swap, and its memory is not locked: see memory.swap.max of its unit"
    fi
    cores=$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$pid/limits")
    if [ "$cores" = "0 0" ]; then ok "no core dump"; else fail "core dumps up to $cores"; fi
    code=$(awk '$2 ~ /w/ && $2 ~ /x/' "/proc/$pid/maps")
    if [ -z "$code" ]; then ok "no memory that can be written and run"; else fail "can be written and run: $code"; fi
    shared=$(awk -v role="$role" '$2 ~ /^.w.s$/ {
        if (role == "edge" && $6 ~ /\.sqlite-shm$/) next
        if (role == "vision" && $6 ~ /^\/dev\/video|^\/dmabuf/) next
        print $1, $6 }' "/proc/$pid/maps")
    if [ -z "$shared" ]; then ok "no shared memory that can be written"; else fail "shared, can be written: $shared"; fi
    if [ "$role" != vision ]; then
        seeing=$(awk '{ print $6 }' "/proc/$pid/maps" |
            grep -E '/(cv2|opencv|onnxruntime|mediapipe|picamera|libcamera|libav|libsw)' | sort -u)
        if [ -z "$seeing" ]; then ok "no library that sees pictures"; else fail "sees pictures: $seeing"; fi
    elif ! tr '\0' '\n' <"/proc/$pid/environ" | grep -q '^ORT_DISABLE_TELEMETRY=1$'; then
        note "ORT_DISABLE_TELEMETRY is not in the environment of its start; it sets that itself later"
    fi
}

# One line a socket, by its inode in the kernel's tables: table, local, remote, state.
socket_line() {
    for table in tcp tcp6 udp udp6 udplite raw raw6 icmp icmp6; do
        [ -r "/proc/$pid/net/$table" ] || continue
        awk -v inode="$1" -v table="$table" '$10 == inode { print table, $2, $3, $4 }' "/proc/$pid/net/$table"
    done
    awk -v inode="$1" '$7 == inode { print "unix", ($8 == "" ? "-" : $8), inode, "-"; exit }' \
        "/proc/$pid/net/unix" /proc/net/unix
    awk -v inode="$1" '$NF == inode || $9 == inode || $10 == inode {
        split(FILENAME, part, "/"); print part[5], "-", "-", "-"; exit }' \
        "/proc/$pid/net/netlink" "/proc/$pid/net/packet" 2>/dev/null
}

is_loopback() { # an address as the tables write it, without its port (127.x, ::1, ::ffff:127.x)
    case $1 in ??????7F | 00000000000000000000000001000000 | 0000000000000000FFFF0000??????7F) ;; *) return 1 ;; esac
}

# A local socket by its other end, as ss has it: edge's own, its starter's, or the journal's.
check_local() { # descriptor, name, inode
    # a name may hold a line's end, and so look like a line: of two lines none counts
    peer=$(printf '%s\n' "$locals" | awk -v inode="$3" '$(NF - 2) == inode { n++; end = $NF } END { if (n == 1) print end }')
    name=$(printf '%s\n' "$locals" | awk -v inode="${peer:-0}" '$(NF - 2) == inode { n++; name = $5 } END { if (n == 1) print name }')
    holders=$(status "/proc/$pid/status" PPid)
    [ "$role" != edge ] || holders="$holders $pid"
    held=; for one in $holders; do
        if ls -l "/proc/$one/fd" 2>/dev/null | grep -qF "socket:[${peer:-none}]"; then held=yes; fi
    done
    case $2,$held,$name in
        -,yes,* | -,,/run/systemd/journal/* | -,,/run/systemd/notify | -,,/dev/log) ok "socket $1: local" ;;
        *) fail "socket $1: local, $2, leads to another process, socket ${peer:-unknown} ${name:--}" ;;
    esac
}

check_socket() { # descriptor, inode
    line=$(socket_line "$2" | head -n 1)
    # shellcheck disable=SC2086 # the words are meant to be split
    set -- "$1" ${line:-unknown - - -}
    if [ "$2" = unix ] && [ "$1" -le 2 ]; then check_local "$1" "$3" "$4"; return; fi
    case $role,$2 in
        edge,unix) check_local "$1" "$3" "$4" ;;
        edge,tcp | edge,tcp6)
            if is_loopback "${3%:*}" && { [ "$5" = 0A ] || is_loopback "${4%:*}"; }; then
                ok "socket $1: within this machine ($3 $4)"
            elif [ "$5" = 0A ]; then fail "socket $1: listens beyond this machine ($3)"
            else
                remote=$((remote + 1))
                note "socket $1: to $4 (hexadecimal address:port); compare with the broker's"
            fi ;;
        edge,udp | edge,udp6)
            case $4 in *:0035) note "socket $1: asks a name server, $4" ;; *) fail "socket $1: UDP to $4" ;; esac ;;
        relay,tcp | relay,tcp6)
            remote=$((remote + 1))
            note "socket $1: to $4 (hexadecimal address:port); compare with the camera's" ;;
        *) fail "socket $1: $2 $3 $4" ;;
    esac
}

check_standard() { # descriptor 0 to 2, target, writes: no file that can be written
    case $role,$2 in
        *,/dev/null | *,pipe:* | *,/run/encounter/*) ok "descriptor $1: $2"; return ;;
        edge,/* | *,/dev/pts/* | *,/dev/tty | *,/dev/tty[0-9]* | *,/dev/console) in_unit || { ok "descriptor $1: $2, started by hand"; return; } ;;
    esac
    if [ "$3" = no ]; then ok "descriptor $1: $2, to read"; else fail "descriptor $1: $2, writes: yes"; fi
}

check_descriptors() {
    remote=0 pipes=0
    source=$(option --source)
    for entry in /proc/"$pid"/fd/*; do
        number=${entry##*/}
        target=$(readlink "$entry") || continue
        flags=$(awk '$1 == "flags:" { print $2 }' "/proc/$pid/fdinfo/$number")
        case $flags in *1 | *2 | *5 | *6) writes=yes ;; *) writes=no ;; esac
        case $target in
            socket:*) target=${target#socket:[}; check_socket "$number" "${target%]}"; continue ;;
        esac
        [ "$number" -gt 2 ] || { check_standard "$number" "$target" "$writes"; continue; }
        case $role,$target in
            vision,/run/encounter/stream) ok "descriptor $number: the relay's pipe, $target" ;;
            *,pipe:* | *,/run/encounter/*) [ $writes = no ] || pipes=$((pipes + 1)); ok "descriptor $number: $target, writes: $writes" ;;
            vision,/dev/video* | vision,/dev/media* | vision,/dev/dma_heap/*) ok "descriptor $number: camera, $target" ;;
            edge,anon_inode:*event*) ok "descriptor $number: $target" ;;
            edge,*.sqlite | edge,*.sqlite-wal | edge,*.sqlite-shm) ok "descriptor $number: database $target" ;;
            *)
                if [ "$role" = vision ] && [ -n "$source" ] && [ "${target##*/}" = "${source##*/}" ] && [ $writes = no ]; then
                    ok "descriptor $number: the video, to read, $target"
                else fail "descriptor $number: $target, writes: $writes"; fi ;;
        esac
    done
    [ "$role" = edge ] || [ $pipes = 1 ] || fail "expected one pipe to write to, found $pipes"
    [ $remote -le 1 ] || fail "expected one connection beyond this machine, found $remote"
}

[ "$(id -u)" = 0 ] || { echo "inspect.sh: expected root: the kernel shows no other user enough" >&2; exit 2; }
if [ $# = 0 ]; then
    for folder in /proc/[0-9]*; do
        [ -z "$(role_of "${folder#/proc/}")" ] || set -- "$@" "${folder#/proc/}"
    done
fi
locals=$(ss -xaH)
looked=0
for pid in "$@"; do
    role=$(role_of "$pid"); [ -n "$role" ] || { echo "inspect.sh: process $pid: not of a device" >&2; continue; }
    looked=$((looked + 1))
    check_threads
    check_memory
    check_descriptors
done
[ $looked -gt 0 ] || { echo "inspect.sh: no process of a device was found" >&2; exit 2; }
exit $failed
