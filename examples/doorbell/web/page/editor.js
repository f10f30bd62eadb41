// The zone editor: toolbar, live effect, saving, and what the server says.
import { ask, byId, Refused, say } from "./ask.js";
import { Board } from "./board.js";
import { nameOf, placeOf, Zones } from "./zones.js";

const stillEvery = 2000; // ms
const aliveEvery = 5000; // ms; the server gives an editor up after 20 s

export class Editor {
  // live is the picture that shows what is drawn; tell is called when the editor opens and closes.
  constructor(live, tell) {
    this.live = live;
    this.tell = tell;
    this.name = crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.defaults = {};
    this.isOpen = false;
    this.zones = new Zones();
    this.stage = byId("picture");
    this.board = new Board(byId("zones"), this.zones, {
      snap: () => byId("snap").checked,
      hint: (text) => this.hint(text),
      kind: () => this.kind(),
    });
    this.board.onchoose = () => this.buttons();
    this.board.ondone = () => this.buttons();
    this.zones.addEventListener("change", () => this.edited());
    this.listen();
  }

  listen() {
    const on = (id, f) => byId(id).addEventListener("click", f);
    // A click has a detail; a key has none, and is followed by keys. After a
    // click the next one draws, whether or not the saved zones have come by then.
    on("edit", (e) => (this.isOpen ? this.close() : this.start(e.detail > 0)));
    on("invite", (e) => { const drawn = e.detail > 0; this.start(drawn).then(() => drawn || this.board.place(this.kind())); });
    for (const radio of document.getElementsByName("kind")) {
      radio.addEventListener("change", () => { if (this.board.drawing && !this.board.drawing.points.length) this.begin(); });
    }
    on("add", (e) => (e.detail ? this.begin() : this.board.place(this.kind())));
    on("undo", () => this.zones.undo());
    on("redo", () => this.zones.redo());
    on("remove", () => this.board.choose(this.zones.removeZone(this.board.chosen)));
    on("discard", () => this.close());
    on("save", () => { this.saving = this.save(this.revision); });
    on("conflict-stay", () => byId("conflict").close());
    on("conflict-load", () => { byId("conflict").close(); this.load(); });
    on("conflict-over", () => { byId("conflict").close(); this.saving = this.save(this.theirs); });
    const field = (id, set) => byId(id).addEventListener("change", (e) => this.zones.set((p) => set(p, e.target.value)));
    field("outside-hide", (p, v) => { p.outside.hide = v; });
    field("outside-fill", (p, v) => { p.outside.fill = v; });
    field("found-fill", (p, v) => { p.found.fill = v; });
    field("visitors", (p, v) => { p.visitors = v; });
    for (const box of document.getElementsByName("inside")) {
      box.addEventListener("change", () => this.zones.set((p) => {
        p.inside.hide = [...document.getElementsByName("inside")].filter((b) => b.checked).map((b) => b.value);
      }));
    }
    document.addEventListener("keydown", (e) => this.key(e));
    this.stage.addEventListener("pointermove", (e) => this.makeRoom(e));
    addEventListener("pagehide", () => { if (this.isOpen) this.takeBack(true); });
    addEventListener("beforeunload", (e) => { if (this.isOpen && this.zones.dirty()) e.preventDefault(); });
  }

  kind() { return document.querySelector("input[name=kind]:checked").value; }
  hint(text) {
    say(byId("hint"), text);
    byId("hint").hidden = !text;
  }

  note(text, bad = false) {
    say(byId("saved"), text);
    byId("saved").classList.toggle("bad", bad);
  }

  // makeRoom moves the small live picture out of the pointer's way.
  makeRoom(e) {
    const box = this.stage.getBoundingClientRect();
    const x = (e.clientX - box.left) / box.width, y = (e.clientY - box.top) / box.height;
    if (y > 0.6 && x > 0.6) this.stage.classList.add("aside");
    if (y > 0.6 && x < 0.4) this.stage.classList.remove("aside");
  }

  begin() {
    this.board.begin(this.kind());
    this.buttons();
  }

  start(drawn) {
    const opened = this.open();
    if (drawn) this.begin();
    return opened;
  }

  async open() {
    if (this.isOpen) return;
    this.isOpen = true;
    this.stage.classList.add("drawing");
    byId("zones").removeAttribute("hidden"); // SVG has no property for it
    byId("editor").hidden = false;
    byId("edit").setAttribute("aria-pressed", "true");
    this.tell();
    this.draw().then(() => this.picture());
    this.alive = setInterval(() => { this.draw(); this.preview(); }, aliveEvery);
    await this.load();
  }

  // close waits for a save that is under way: what it saves is not lost.
  async close() {
    await this.saving;
    if (!this.isOpen) return;
    if (this.zones.dirty() && !confirm("Leave without saving? What you have drawn is lost.")) return;
    this.shut();
    this.takeBack();
  }

  shut() {
    this.isOpen = false;
    clearInterval(this.alive);
    clearTimeout(this.later);
    clearTimeout(this.nextStill);
    this.board.stop();
    this.board.choose(null);
    this.complain(null);
    this.stage.classList.remove("drawing");
    byId("zones").setAttribute("hidden", "");
    byId("editor").hidden = byId("still").hidden = true;
    byId("edit").setAttribute("aria-pressed", "false");
    this.tell();
  }

  // load fetches the saved policy and begins with it. What is done before it has come would
  // be lost with it: until then corners can be drawn, and nothing else.
  load() {
    const come = this.fetch();
    byId("editor").inert = true;
    this.board.wait(come);
    return come.then(() => { byId("editor").inert = false; });
  }

  async fetch() {
    try {
      const response = await ask("GET", "/zones");
      const state = await response.json();
      this.revision = state.revision;
      this.complain(null);
      this.loading = true;
      this.zones.load(state.policy, this.defaults);
      this.loading = false;
      this.note(state.policy ? "" : "There are no zones yet: everything is hidden.");
      this.buttons();
    } catch (error) {
      this.note(error.message, true);
    }
  }

  headers(more = {}) { return { "X-Editor": this.name, ...more }; }

  // draw says that this page draws: only then the server shows it the place.
  draw() {
    return ask("PUT", "/zones/drawing", { headers: this.headers() }).catch(() => {}); // the picture says what is wrong
  }

  // picture shows the place with nobody in it, and keeps it fresh.
  async picture() {
    const img = byId("still");
    try {
      const response = await ask("GET", "/still.jpg", { headers: this.headers() });
      const url = URL.createObjectURL(await response.blob());
      img.onload = () => URL.revokeObjectURL(url);
      img.src = url;
      if (this.isOpen) img.hidden = false;
      if (!this.board.drawing) this.hint("");
    } catch (error) {
      const why = error instanceof Refused ? error.message : "The picture of the place is not ready yet";
      if (!this.board.drawing) this.hint(why);
      else if (!byId("saved").textContent) this.note(why);
    }
    if (this.isOpen) this.nextStill = setTimeout(() => this.picture(), stillEvery);
  }

  // edited is called after every change.
  edited() {
    this.buttons();
    if (!this.isOpen || this.loading) return;
    this.note("");
    clearTimeout(this.later);
    this.later = setTimeout(() => this.preview(), 120);
  }

  buttons() {
    const at = this.board.chosen;
    if (at && !this.zones.polygon(at)) this.board.chosen = null;
    byId("undo").disabled = !this.zones.past.length;
    byId("redo").disabled = !this.zones.future.length;
    byId("remove").disabled = !this.board.chosen;
    byId("save").disabled = !this.zones.dirty();
    byId("add").textContent = this.board.drawing?.points.length ? "Start over" : "New zone";
    const p = this.zones.policy;
    byId("outside-hide").value = p.outside.hide;
    byId("outside-fill").value = p.outside.fill;
    byId("found-fill").value = p.found.fill;
    byId("visitors").value = p.visitors;
    for (const box of document.getElementsByName("inside")) box.checked = p.inside.hide.includes(box.value);
  }

  key(e) {
    if (!this.isOpen || byId("conflict").open) return;
    const z = e.key.toLowerCase() === "z" && (e.ctrlKey || e.metaKey);
    if (z && !this.board.ready) return;
    if (z && e.shiftKey) this.zones.redo();
    else if (z) this.zones.undo();
    else if (e.target.closest("button, select, input, summary") || !this.board.command(e)) return;
    e.preventDefault();
  }

  // preview shows here what is drawn, and to nobody else; one request at a time, the
  // newest last.
  async preview() {
    if (!this.isOpen) return;
    if (!this.zones.dirty() && !this.previewed) {
      this.complain(null); // what is in force is what is drawn
      return;
    }
    if (this.sending) {
      this.again = true;
      return;
    }
    this.sending = true;
    try {
      await ask("PUT", "/zones/preview", { body: this.zones.text(), headers: this.headers({ "X-Live": this.live.id || "", "Content-Type": "application/json" }) });
      this.previewed = true;
      this.live.trial = this.name;
      this.complain(null);
    } catch (error) {
      this.complain(error);
    }
    this.sending = false;
    if (this.again) {
      this.again = false;
      this.preview();
    }
  }

  takeBack(leaving = false) {
    this.previewed = false;
    this.live.trial = "";
    for (const what of ["preview", "drawing"]) {
      ask("DELETE", `/zones/${what}`, { headers: this.headers(), keepalive: leaving }).catch(() => {}); // it runs out by itself
    }
  }

  async save(revision) {
    byId("save").disabled = true;
    clearTimeout(this.later);
    try {
      const body = this.zones.text();
      const response = await ask("PUT", "/zones", { body, headers: { "If-Match": JSON.stringify(revision), "Content-Type": "application/json" } });
      const answer = await response.json();
      this.revision = answer.revision;
      if (response.status === 202) { // sealed, and these would show more
        this.note(`${answer.error}.`, true);
        this.buttons();
        return;
      }
      this.zones.savedText = body;
      this.previewed = false;
      this.live.trial = "";
      this.complain(null);
      this.note("Saved. These zones are in force now.");
    } catch (error) {
      if (error.status === 409) {
        this.theirs = error.revision;
        say(byId("conflict-text"), error.message);
        byId("conflict").showModal();
      } else this.complain(error);
    }
    this.buttons();
  }

  // complain shows an error at the point it is about.
  complain(error) {
    const bubble = byId("bubble");
    const place = error?.path ? placeOf(error.path) : null;
    this.board.complain(place);
    bubble.hidden = !place;
    if (!error) {
      if (byId("saved").classList.contains("bad")) this.note("");
      return;
    }
    const text = `${error.path ? nameOf(error.path) + ": " : ""}${error.message}`;
    this.note(place ? `${text} Until this is right, the zones from before stay in force.` : text, true);
    const points = place && this.zones.polygon(place);
    if (!points) {
      bubble.hidden = true;
      return;
    }
    say(bubble, error.message);
    const [x, y] = points[place.point ?? 0] || points[0];
    bubble.style.left = x > 0.5 ? "auto" : `${x * 100}%`;
    bubble.style.right = x > 0.5 ? `${(1 - x) * 100}%` : "auto";
    bubble.style.top = y > 0.5 ? "auto" : `calc(${y * 100}% + 14px)`;
    bubble.style.bottom = y > 0.5 ? `calc(${(1 - y) * 100}% + 14px)` : "auto";
  }
}
