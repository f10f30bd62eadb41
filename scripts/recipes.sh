#!/usr/bin/env bash
# Runs the recipes of docs/recipes against a doorbell on this machine: the clients and
# the broker for real, where they are installed. Call it through `make recipes`.
#
#   RECIPES_DIR  where logs and what clients have written are kept (default: removed)
#   GO2RTC       the go2rtc program, which is no Debian package
#
# A client that is missing is named and left out; any that fails fails the script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "recipes: $*"; }
die() {
    printf '%s\n' "recipes: $*" >&2
    exit 1
}

if [[ -n ${RECIPES_DIR:-} ]]; then
    work=$(realpath -m "$RECIPES_DIR")
    mkdir -p "$work"
else
    work=$(mktemp -d)
fi
chmod 755 "$work" # VLC runs as another user where this is root
children=()
leave() {
    local child
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    wait
    [[ -n ${RECIPES_DIR:-} ]] || rm -rf "$work"
}
trap leave EXIT
# start NAME COMMAND... starts a program, whose output goes to a file.
start() {
    "${@:2}" >"$work/$1.log" 2>&1 &
    children+=($!)
}
# until_true WHAT COMMAND... waits for a minute at most.
until_true() {
    local i
    for ((i = 0; i < 300; i++)); do
        if "${@:2}" >/dev/null 2>&1; then return; fi
        sleep 0.2
    done
    die "$1 did not happen within a minute; logs: $(tail -n 3 "$work"/*.log)"
}
missing=()
# has PROGRAM notes what is missing.
has() { command -v "$1" >/dev/null || {
    missing+=("$1")
    return 1
}; }

clip=$(scripts/clip.sh)
password=recipes-$RANDOM$RANDOM token=token-$RANDOM-$RANDOM-$RANDOM
page=127.0.0.1:18080 rtsp=127.0.0.1:18554 broker=127.0.0.1:18883
url=rtsp://hedge:$password@$rtsp/hedge
printf '%s' '{"version": 1, "property": [[[0, 0.6], [1, 0.6], [1, 1], [0, 1]]]}' >"$work/policy.json"
say "building the doorbell"
go build -o "$work/doorbell" ./examples/doorbell

mqtt=()
if has mosquitto && has mosquitto_sub; then
    printf 'listener %s %s\nallow_anonymous true\npersistence false\n' "${broker##*:}" "${broker%:*}" >"$work/mosquitto.conf"
    start mosquitto mosquitto -c "$work/mosquitto.conf"
    mqtt=(-mqtt "tcp://$broker" -mqtt-name front)
fi
start front "$work/doorbell" -source "file:$clip" -policy "$work/policy.json" -state "$work" -listen "$page" -token "$token" \
    -rtsp "$rtsp" -rtsp-auth md5 -rtsp-password "$password" -events "$work/events.jsonl" "${mqtt[@]}"
answers() { curl -fsS -o "$work/$2" -u "any:$token" "http://$1/snapshot.jpg"; }
until_true "the first picture" answers "$page" front.jpg
say "snapshot: $(file -b "$work/front.jpg" | grep -o '[0-9]*x[0-9]*,' | tail -n 1)"

# A client that cannot log in gets nothing: the recipes' password is what opens it.
if ffmpeg -v error -rtsp_transport tcp -i "${url/$password/wrong}" -t 1 -f null - 2>/dev/null; then die "a wrong password plays"; fi

say "ffmpeg"
ffmpeg -v error -rtsp_transport tcp -i "$url" -t 3 -c copy -y "$work/ffmpeg.mp4" </dev/null
frames() { ffprobe -v error -count_packets -show_entries stream=codec_name,width,height,nb_read_packets -of csv=p=0 "$1" | sed '/^$/d' | sort -u; }
say "  $(frames "$work/ffmpeg.mp4")"

if has gst-launch-1.0; then
    say "GStreamer"
    timeout 60 gst-launch-1.0 -q rtspsrc location="rtsp://$rtsp/hedge" user-id=hedge user-pw="$password" protocols=tcp ! \
        rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! identity eos-after=30 ! pngenc snapshot=false ! \
        multifilesink location="$work/gst-%02d.png" >"$work/gst.log" 2>&1 || die "gst-launch-1.0: $(tail -n 3 "$work/gst.log")"
    say "  $(compgen -G "$work/gst-*.png" | wc -l) pictures"
fi

if go2rtc=${GO2RTC:-go2rtc} && has "$go2rtc"; then
    say "go2rtc"
    sed "s|PASSWORD@192.168.1.20:8554|$password@$rtsp|; s|:1984|127.0.0.1:11984|; s|:8654|127.0.0.1:18654|" docs/recipes/go2rtc.yaml >"$work/go2rtc.yaml"
    start go2rtc "$go2rtc" -config "$work/go2rtc.yaml"
    until_true "go2rtc's stream" ffmpeg -v error -rtsp_transport tcp -i rtsp://127.0.0.1:18654/front -t 3 -c copy -y "$work/go2rtc.mp4"
    say "  $(frames "$work/go2rtc.mp4")"
    if has cvlc; then # Debian's has no RTSP
        say "VLC, through go2rtc"
        vlc=(cvlc)
        if [[ $(id -u) == 0 ]]; then # which VLC refuses to run as
            vlc=(runuser -u nobody -- env HOME="$work/vlc" cvlc)
        fi
        install -d -m 0777 "$work/vlc"
        timeout 60 "${vlc[@]}" --run-time=6 --sout "#std{access=file,mux=ts,dst=$work/vlc/vlc.ts}" 'http://127.0.0.1:11984/api/stream.mp4?src=front' vlc://quit >"$work/vlc.log" 2>&1 || true
        [[ $(frames "$work/vlc/vlc.ts") == h264,* ]] || die "VLC: $(tail -n 3 "$work/vlc.log")"
        say "  $(frames "$work/vlc/vlc.ts")"
    fi
fi

if has motion; then
    say "motion, which motionEye runs"
    mkdir -p "$work/motion"
    printf '%s\n' "target_dir $work/motion" "netcam_url rtsp://$rtsp/hedge" "netcam_userpass hedge:$password" 'netcam_params rtsp_transport = tcp' \
        'width 768' 'height 576' 'framerate 7' 'emulate_motion on' 'picture_output first' 'movie_output off' 'webcontrol_port 0' 'stream_port 0' >"$work/motion.conf"
    start motion motion -n -c "$work/motion.conf"
    until_true "motion's picture" compgen -G "$work/motion/*.jpg"
    say "  $(compgen -G "$work/motion/*.jpg" | wc -l) picture"
fi

if ((${#mqtt[@]})); then
    say "Home Assistant's topics"
    listen() { mosquitto_sub -h "${broker%:*}" -p "${broker##*:}" -W 20 "$@"; }
    listen -t 'homeassistant/+/hedge_front/+/config' -C 10 -F '%t %p' >"$work/discovery"
    while read -r topic config; do
        printf '%s\n' "$topic" | cut -d / -f 2,4 | tr '\n' ' '
        python3 -c 'import json, sys; c = json.loads(sys.argv[1]); print(c["name"], "|", c["state_topic"], c.get("value_template", ""))' "$config"
    done <"$work/discovery" | sort | sed 's/^/  /'
    listen -t hedge/front/state -C 1 >"$work/state.json"
    say "  $(cat "$work/state.json")"
    start event mosquitto_sub -h "${broker%:*}" -p "${broker##*:}" -t hedge/front/event -C 1
    mosquitto_pub -h "${broker%:*}" -p "${broker##*:}" -t hedge/front/privacy/set -m ON
    private() { listen -t hedge/front/state -C 1 | grep -q '"private":"ON"'; }
    until_true "privacy" private
    mosquitto_pub -h "${broker%:*}" -p "${broker##*:}" -t hedge/front/privacy/set -m OFF
    until_true "an event" grep -q '"event_type":"other"' "$work/event.log"
    say "  the privacy switch works: $(head -n 1 "$work/event.log")"
fi

say "a second camera, upside down, on a weak board"
printf '%s' '{"version": 1, "property": [[[0, 0], [1, 0], [1, 0.4], [0, 0.4]]]}' >"$work/second.json"
start second "$work/doorbell" -source "file:$clip" -policy "$work/second.json" -listen 127.0.0.1:18081 -token "$token" -rotate 180 \
    -networks hedge-p -fast -cores 0.5 -rtsp 127.0.0.1:18555 -events "$work/second.jsonl" "${mqtt[@]/front/second}"
until_true "the second camera's picture" answers 127.0.0.1:18081 second.jpg
if ((${#mqtt[@]})); then
    until_true "the second camera at the broker" listen -t homeassistant/sensor/hedge_second/people/config -C 1
    listen -t hedge/+/available -C 2 -F '%t %p' | sort >"$work/available"
    [[ $(cat "$work/available") == $'hedge/front/available online\nhedge/second/available online' ]] || die "not both are online: $(cat "$work/available")"
    say "  both are online at the broker"
fi
if has systemd-analyze; then
    sed=$(sed -nE "s/^    sed '([^']+)' .*hedge-doorbell\.service \|$/\1/p" docs/recipes/README.md)
    sed "$sed; s|^ExecStart=[^ ]*|ExecStart=$work/doorbell|" deploy/hedge-doorbell.service >"$work/hedge-garage.service"
    verified=$(systemd-analyze verify --man=no "$work/hedge-garage.service" 2>&1 | grep garage || true)
    [[ -z $verified ]] || die "the second unit: $verified"
fi
((${#missing[@]} == 0)) || say "left out, since they are not installed: ${missing[*]}"
say "passed"
