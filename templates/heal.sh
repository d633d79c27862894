#!/bin/sh
# Watches over what inetgw has set up on this machine, for inetgw-heal.service:
#
#   heal.sh SECONDS COMMAND...
#
# Every SECONDS it looks at what the firewall and tc show of it. Once that is not what it was, COMMAND (inetgw heal) looks
# at it closely and puts back what is missing. So nobody has to announce anything, and node is not started for nothing.
# It ends when no device is set up any more; inetgw-heal.path starts it again.
set -u

RECORDS=/run/inetgw

# All that COMMAND would look at, as text that stays the same while nobody changes anything.
shown() {
    lines=
    nft=
    iptables=
    for record in "$RECORDS"/*.json; do
        [ -e "$record" ] || continue
        device=${record##*/}
        device=${device%.json}
        read -r plan <"$record" || continue
        case $plan in
        *'"phase":"active"'*) ;;
        *)
            # Somebody is changing it, or measuring on it, or was killed at it.
            echo "$device is not settled"
            read -r pid _ <"$RECORDS/$device.lock" && [ -d "/proc/$pid" ] && echo "by process $pid"
            continue
            ;;
        esac
        echo "$plan"
        cat "/sys/class/net/$device/ifindex"
        case $plan in *'"backend":"nft"'*) nft=1 ;; esac
        case $plan in *'"backend":"iptables"'*) iptables=1 ;; esac
        lines="$lines
qdisc show dev $device
filter show dev $device ingress
filter show dev $device egress"
        case $plan in
        *'"queueDevice":"'*)
            queue=${plan##*\"queueDevice\":\"}
            lines="$lines
qdisc show dev ${queue%%\"*}"
            ;;
        esac
    done
    [ -z "$lines" ] || echo "$lines" | tc -force -batch -
    if [ -n "$nft" ]; then
        nft list tables inet | while read -r _ _ table; do
            case $table in inetgw_*) nft --stateless list table inet "$table" ;; esac
        done
    fi
    if [ -n "$iptables" ]; then
        iptables-save -t mangle | grep -e inetgw-
        ip6tables-save -t mangle | grep -e inetgw-
    fi
}

anything() {
    for record in "$RECORDS"/*.json; do
        [ -e "$record" ] && return
    done
    return 1
}

# A signal ends it at once, but no COMMAND that is at work.
nap() {
    sleep "$1" &
    wait $!
}

watch() {
    known=
    pause=$1
    shift
    rest=$pause
    trap 'exit 0' TERM
    while nap "$rest" && anything; do
        now=$(shown 2>/dev/null)
        if [ "$now" = "$known" ]; then
            rest=$pause
            continue
        fi
        "$@"
        case $? in
        # 3: it is not ours to put back; said once.
        0 | 3)
            rest=$pause
            # What was put back is looked at once more, in case the firewall was still being loaded.
            [ "$now" = "$(shown 2>/dev/null)" ] && known=$now
            ;;
        # A failure is tried again, ever more rarely.
        *)
            rest=$((rest * 2))
            [ "$rest" -le 300 ] || rest=300
            ;;
        esac
    done
}

watch "$@"
