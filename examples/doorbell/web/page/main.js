// The page: what is hidden now and why, and how it runs.
import { ask, byId, Refused, say } from "./ask.js";
import { Editor } from "./editor.js";
import { Live } from "./live.js";

const video = byId("video");
let trouble = ""; // what keeps the picture from being seen
let status = null;
let lockedOut = false;

const snapshot = byId("snapshot");
const live = new Live(video, snapshot, overPicture);
const editor = new Editor(live, () => curtain());

// shape makes the stage as wide for its height as the camera says, whose pixels
// need not be square; without a word of it, as the picture is.
function shape(width, height) {
  byId("picture").style.setProperty("--ratio", status?.ratio || width / height);
}
function onSize() {
  // Browsers show two black pixels before there is a picture.
  if (video.videoWidth > 2) shape(video.videoWidth, video.videoHeight);
}
snapshot.addEventListener("load", () => shape(snapshot.naturalWidth, snapshot.naturalHeight));
video.addEventListener("resize", onSize);
video.addEventListener("loadedmetadata", onSize);
video.addEventListener("playing", () => { trouble = ""; curtain(); });

// onClick has a button send a request. A double click, a key that is held and a click before the
// page shows what came of the last one are no second wish.
function onClick(id, path, failed) {
  const button = byId(id);
  let busy = false;
  button.addEventListener("keydown", (e) => { if (e.repeat && e.key === "Enter") e.preventDefault(); });
  button.addEventListener("click", async (e) => {
    if (busy || e.detail > 1) return;
    busy = true;
    button.setAttribute("aria-disabled", "true"); // "disabled" would lose the focus
    try {
      await ask("POST", path(), { timeout: 5000 });
      await poll();
    } catch (error) {
      failed(error.message);
    } finally {
      busy = false;
      button.removeAttribute("aria-disabled");
    }
  });
}

function overPicture(why) { trouble = why; curtain(); }
function inAlert(why) { say(byId("alert-text"), why); }
onClick("ring", () => "/ring", overPicture);
onClick("private", () => status?.private ? "/privacy/off" : "/privacy/on", overPicture);
onClick("confirm", () => "/confirm", inAlert);
onClick("unloosen", () => "/seal/stop", inAlert);

// curtain covers the picture with why there is none.
function curtain() {
  const playing = video.videoWidth > 2 || !snapshot.hidden;
  let text = trouble || (playing ? "" : "Connecting to the camera");
  let invite = false;
  if (status && !trouble) {
    if (status.bell && !status.bell.open) text = "Nothing is shown or recorded until somebody rings";
    if (status.start) {
      text = "Everything the camera sees is hidden. Nothing of it is shown to anybody until you draw what is yours.";
      invite = true;
    }
  }
  // Not even the last picture is to be seen behind it.
  byId("picture").classList.toggle("shut", Boolean(status?.bell && !status.bell.open));
  if (editor.isOpen) text = "";
  byId("curtain").hidden = !text;
  byId("invite").hidden = !invite;
  say(byId("curtain-text"), text);
}

const percent = (share) => `${Math.round(100 * share)} %`;

function show(s) {
  status = s;
  editor.defaults = s.defaults || {};
  live.clock = s.clock.known ? s.clock : null;
  onSize();
  const pill = byId("state");
  say(pill, s.state);
  pill.dataset.kind = s.kind;
  byId("ring").hidden = !s.bell;
  if (s.bell) say(byId("ring"), s.bell.open ? `Ringing, ${s.bell.left} s` : "Ring");
  byId("private").setAttribute("aria-pressed", String(s.private));
  say(byId("private"), s.private ? "Show again" : "Hide all");
  say(byId("alert-text"), s.alert || "");
  byId("alert").hidden = !s.alert;
  byId("confirm").hidden = !s.confirm;
  byId("unloosen").hidden = !s.seal?.waiting;

  say(byId("share"), percent(s.hidden.share));
  byId("share-bar").style.width = `${100 * s.hidden.share}%`;
  say(byId("outside"), percent(s.hidden.outside));
  for (const name of ["people", "faces", "plates", "motion"]) say(byId(name), String(s.hidden[name]));
  say(byId("words"), s.words || "");

  say(byId("dropped"), s.frames.dropped + s.frames.lost === 0 ? "none" : `${s.frames.dropped} dropped, ${s.frames.lost} damaged`);
  say(byId("camera"), s.camera);
  say(byId("beat"), s.networks);
  say(byId("encoder"), s.encoder);
  byId("times").hidden = !s.privateTimes;
  say(byId("private-times"), s.privateTimes || "");
  const rate = live.rate();
  say(byId("rate"), rate > 0 ? `${rate.toFixed(rate < 9.5 ? 1 : 0)} a second` : "none");
  const late = live.latency();
  // The pictures held back are the price of hiding who is found a moment later.
  const ahead = s.lookAhead;
  say(byId("latency"), late === null || rate === 0 ? "–" : `${Math.round(late)} ms` + (ahead ? ` (${ahead} to look ahead)` : ""));
  events(s.events || []);
  curtain();
}

function events(list) {
  const rows = list.map((e) => {
    const row = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = e.time;
    time.textContent = new Date(e.time).toLocaleTimeString();
    row.append(time, e.text);
    return row;
  });
  if (!rows.length) {
    const row = document.createElement("li");
    row.textContent = "None so far.";
    rows.push(row);
  }
  byId("events").replaceChildren(...rows);
}

async function poll() {
  clearTimeout(poll.next);
  try {
    const sent = performance.now();
    const response = await ask("GET", "/status", { timeout: 5000 });
    const s = await response.json();
    const watches = response.headers.get("X-Role") === "watch";
    byId("edit").hidden = byId("private").hidden = watches;
    if (watches) { s.confirm = s.start = false; s.seal = null; }
    const came = performance.now();
    // The server's clock was read about half way between.
    if (came - sent < 200) live.offset = s.clock.now - (performance.timeOrigin + (sent + came) / 2);
    if (lockedOut) {
      lockedOut = false;
      trouble = "";
      if (!live.pc) live.connect();
    }
    show(s);
  } catch (error) {
    const denied = error instanceof Refused && error.status === 401;
    lockedOut ||= denied;
    say(byId("state"), denied ? "no access" : "no answer");
    byId("state").dataset.kind = "bad";
    if (error instanceof Refused) {
      trouble = error.message;
      curtain();
    }
  }
  poll.next = setTimeout(poll, 1000);
}
poll();
