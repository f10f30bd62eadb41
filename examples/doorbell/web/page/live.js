// The live picture over WebRTC, its frame rate and its latency.
import { ask, Refused } from "./ask.js";

const ticks = 90; // of a time stamp, per millisecond
const wrap = 2 ** 32;
const patience = 5000; // ms that a connection may take
const snapshotEvery = 500; // ms

export class Live {
  // tell is called with what keeps the picture from being seen, or with "".
  constructor(video, snapshot, tell) {
    Object.assign(this, { video, snapshot, tell });
    this.failures = 0; // connections in a row that came to nothing
    this.trial = ""; // who draws here: the editor whose preview is to be seen
    this.clock = null; // what Status says of it
    this.offset = 0; // of the server's clock against ours, in ms
    this.latencies = [];
    this.seen = 0; // pictures since the rate was last asked for
    this.seenAt = performance.now();
    this.wait = 500;
    this.count();
    addEventListener("pagehide", () => this.hangUp());
    addEventListener("pageshow", (e) => { if (e.persisted) this.connect(); });
    this.connect();
  }

  async connect() {
    clearTimeout(this.retry);
    this.close();
    const pc = new RTCPeerConnection({ iceServers: [] });
    this.pc = pc;
    const { receiver } = pc.addTransceiver("video", { direction: "recvonly" });
    // Show pictures as they come: without a loss there is nothing to smooth.
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    pc.ontrack = (e) => {
      this.video.srcObject = new MediaStream([e.track]);
      this.video.play().catch(() => {}); // starts by itself once it may
    };
    pc.onconnectionstatechange = () => {
      if (pc !== this.pc) return;
      if (pc.connectionState === "connected") {
        clearTimeout(this.late);
        this.wait = 500;
        this.failures = 0;
        this.snapshot.hidden = true;
        this.tell("");
      }
      if (["disconnected", "failed"].includes(pc.connectionState)) this.again("The picture was interrupted. Connecting again");
    };
    try {
      await pc.setLocalDescription();
      const answer = await ask("POST", "/live", { body: pc.localDescription.sdp, headers: { "Content-Type": "application/sdp" } });
      const id = answer.headers.get("Location");
      const sdp = await answer.text();
      if (pc !== this.pc) return;
      this.id = id;
      await pc.setRemoteDescription({ type: "answer", sdp });
      if (pc.connectionState !== "connected") this.late = setTimeout(() => this.again("The live picture does not get through. Trying again"), patience);
    } catch (error) {
      if (pc !== this.pc) return;
      const refused = error instanceof Refused;
      this.again(refused ? error.message : "The camera does not answer. Trying again", refused && error.status === 401);
    }
  }

  again(why, final) {
    if (this.snapshot.hidden) this.tell(why);
    this.close();
    if (final) return;
    if (++this.failures === 2) this.snap();
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, 4000);
  }

  hangUp() {
    if (this.id) ask("DELETE", this.id, { keepalive: true }).catch(() => {}); // the server notices by itself, later
    this.id = null;
  }

  // snap shows single pictures for as long as the live one does not get through:
  // a tunnel or a strict network may carry no UDP.
  async snap() {
    if (this.failures < 2) {
      this.snapshot.hidden = true;
      return;
    }
    try {
      const response = this.trial ? await ask("GET", "/zones/preview.jpg", { headers: { "X-Editor": this.trial } }) : await ask("GET", "/snapshot.jpg");
      const url = URL.createObjectURL(await response.blob());
      this.snapshot.src = url;
      await this.snapshot.decode();
      URL.revokeObjectURL(url);
      this.snapshot.hidden = this.failures < 2;
      if (this.failures >= 2) this.tell("");
      this.seen++;
    } catch {
      this.snapshot.hidden = true; // none to see just now
    }
    setTimeout(() => this.snap(), snapshotEvery);
  }

  close() {
    clearTimeout(this.late);
    this.hangUp();
    if (this.pc) this.pc.close();
    this.pc = null;
  }

  // count follows the pictures that the browser shows.
  count() {
    if (!this.video.requestVideoFrameCallback) return;
    const step = (now, meta) => {
      this.seen++;
      this.shown = performance.now();
      if (this.clock && meta.rtpTimestamp !== undefined) {
        const shown = performance.timeOrigin + meta.expectedDisplayTime + this.offset;
        let late = (Math.round((shown - this.clock.base) * ticks) - meta.rtpTimestamp) % wrap;
        if (late < -wrap / 2) late += wrap;
        if (late > wrap / 2) late -= wrap;
        this.latencies.push(late / ticks);
        if (this.latencies.length > 120) this.latencies.shift();
      }
      this.video.requestVideoFrameCallback(step);
    };
    this.video.requestVideoFrameCallback(step);
  }

  // rate returns the pictures per second since it was last asked for.
  rate() {
    const now = performance.now();
    const rate = (1000 * this.seen) / Math.max(now - this.seenAt, 1);
    this.seen = 0;
    this.seenAt = now;
    return rate;
  }

  // latency returns the median time in ms from the camera's picture to the
  // screen, over the last pictures, or null.
  latency() {
    if (this.latencies.length < 5) return null;
    const sorted = [...this.latencies].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }
}
