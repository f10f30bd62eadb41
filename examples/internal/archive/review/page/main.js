// The archive's page. Texts of recordings are put in as text, never as markup.
const at = (id) => document.getElementById(id);
let chosen = "", shown = null, from = 0, watching = false, listed = "";

const alertText = (text) => { at("alert").hidden = !text; at("alert").textContent = text; };

// Who is let in no more asks again only after a minute, or when somebody comes back to the
// page: a page left open over a night would be wrong a thousand times.
let refused = "", restsUntil = 0;
const back = () => { restsUntil = 0; };
addEventListener("focus", back);
document.addEventListener("visibilitychange", back);

async function ask(path, body) {
  if (refused && performance.now() < restsUntil) throw new Error(refused);
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const answer = await fetch(path, options);
  const kind = answer.headers.get("Content-Type") || "";
  const value = kind.startsWith("application/json") ? await answer.json() : { error: (await answer.text()).trim() };
  refused = answer.status === 401 ? value.error : "";
  if (refused) restsUntil = performance.now() + 60000;
  if (!answer.ok) throw new Error(value.error || answer.statusText);
  if (path === "/status") watching = answer.headers.get("X-Role") === "watch";
  return value;
}

function cell(row, content) {
  const td = row.insertCell();
  if (content instanceof Node) td.append(content); else td.textContent = content;
  return td;
}

function button(text, act, label) {
  const b = document.createElement("button");
  b.type = "button"; b.textContent = text;
  if (label) b.setAttribute("aria-label", label);
  b.addEventListener("click", act);
  return b;
}

const left = (seconds) => {
  if (!seconds) return "";
  if (seconds < 90) return `${Math.ceil(seconds)} s left`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min left` : `${(seconds / 3600).toFixed(1)} h left`;
};

function overview(o) {
  const n = (k) => o.counts[k] || 0;
  at("state").textContent = `${n("waiting")} wait, ${n("running")} are worked on, ${n("done")} done, ${n("failed")} failed` +
    (o.per_hour ? `, ${o.per_hour.toFixed(0)} an hour` : "") + (o.left ? `, ${left(o.left)}` : "");
  const rows = at("workers");
  rows.replaceChildren();
  for (const w of o.workers || []) {
    const row = rows.insertRow();
    cell(row, w.host);
    cell(row, (w.networks || []).join(", ") || w.why || "none");
    cell(row, w.recording ? `${w.stage} ${w.recording.slice(0, 8)}` : "waits");
    cell(row, w.total ? `${w.done} of ${w.total} pictures ${left(w.left / 1e9)}` : "");
  }
}

function list(l) {
  at("total").textContent = `${l.total} recordings`;
  at("newer").hidden = from === 0;
  at("older").hidden = from + l.recordings.length >= l.total;
  const now = JSON.stringify([chosen, l]);
  if (now === listed) return; // a button that is being pressed stays
  listed = now;
  const rows = at("list");
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.id : "";
  rows.replaceChildren();
  for (const r of l.recordings) {
    const row = rows.insertRow();
    row.className = r.id === chosen ? "chosen" : "";
    const b = button(r.name, () => choose(r.id));
    b.dataset.id = r.id;
    cell(row, b);
    cell(row, stage(r)); cell(row, r.accepted ? "accepted" : r.status);
    cell(row, r.error || (r.changes ? `${r.changes} changes` : ""));
    if (r.id === focused) b.focus();
  }
}

function stage(r) { return r.stage === "look" ? `parts ${r.parts.ended} of ${r.parts.total}` : r.stage; }

async function choose(id) {
  if (id !== chosen) { chosen = id; shown = null; }
  await act(async () => detail(await ask(`/recordings/${id}`)));
}

function detail(d) {
  const output = d.output && d.output.id;
  const fresh = !shown || !shown.output || shown.id !== d.id || shown.output.id !== output;
  const same = shown && shown.revision === d.revision && shown.id === d.id;
  shown = d;
  at("detail").hidden = false;
  at("name").textContent = d.name;
  at("what").textContent = `${stage(d)}: ${d.status}` + (d.error ? `: ${d.error}` : "") + (d.unserved ? `: ${d.unserved}` : "") +
    (d.pending > 0 ? `; ${d.pending} changes are not rendered yet` : "") + (d.accepted ? `; accepted by ${d.accepted.by}` : "");
  at("output").hidden = !output;
  if (output && fresh) {
    at("video").src = `/recordings/${d.id}/video.mp4?${output}`;
    at("sheet").src = `/recordings/${d.id}/sheet.png?${output}`;
    at("zip").href = `/recordings/${d.id}/handover.zip`;
  }
  at("zip").hidden = d.pending > 0; // it would be refused
  for (const name of ["retry", "cancel", "render", "accept", "outside"]) at(name).hidden = watching;
  const ended = ["done", "failed", "cancelled"].includes(d.status);
  at("retry").hidden ||= d.status === "done" || d.status === "running";
  at("cancel").hidden ||= ended;
  at("render").hidden ||= !d.evidence || !d.original;
  at("accept").hidden ||= d.status !== "done" || d.pending > 0;
  at("outside").hidden ||= !output || !d.original;
  at("outside").textContent = d.outside_all ? "Hide of the outside what the policy says" : "Hide all but what is on the property";
  if (same) return; // what is being typed stays
  tracks(d);
  at("history").replaceChildren(...d.history.map(item));
  at("warnings").replaceChildren(...(d.warnings || []).map(item));
}

function item(text) {
  const li = document.createElement("li");
  li.textContent = text;
  return li;
}

function tracks(d) {
  const rows = at("rows");
  rows.replaceChildren();
  const fixed = watching || !d.original;
  for (const t of d.tracks) {
    const row = rows.insertRow();
    row.dataset.track = t.id;
    const tick = document.createElement("input");
    tick.type = "checkbox"; tick.checked = Boolean(t.struck); tick.disabled = fixed;
    tick.setAttribute("aria-label", `show track ${t.id}`);
    tick.addEventListener("change", () => change([tick.checked ? { strike: [t.id] } : { restore: [t.id] }]));
    cell(row, tick); cell(row, t.id); cell(row, t.class);
    const times = t.edited || [t.from, t.to];
    const inputs = times.map((v, i) => {
      const n = document.createElement("input");
      n.type = "number"; n.min = 0; n.step = 0.1; n.value = v.toFixed(1); n.disabled = fixed || t.struck;
      n.setAttribute("aria-label", `track ${t.id} hidden ${i ? "to" : "from"}, seconds`);
      cell(row, n);
      return n;
    });
    for (const n of inputs) {
      n.addEventListener("change", () => change([{ times: { track: t.id, from: Number(inputs[0].value), to: Number(inputs[1].value) } }]));
    }
    cell(row, t.score.toFixed(2));
    cell(row, fixed ? "" : button("Show only this track", () => change([], t.id), `show only track ${t.id}`));
  }
}

async function act(what) {
  try { alertText(""); await what(); } catch (e) { alertText(e.message); }
}

const signed = (more) => ({ revision: shown.revision, by: at("by").value, why: at("why").value, ...more });

function change(changes, only) {
  return act(async () => {
    try {
      detail(await ask(`/recordings/${shown.id}/changes`, signed(only ? { only } : { changes })));
    } catch (e) {
      // What was ticked is shown as it is.
      const now = await ask(`/recordings/${shown.id}`);
      shown = null;
      detail(now);
      throw e;
    }
  });
}

const post = (path, body) => act(async () => detail(await ask(`/recordings/${shown.id}/${path}`, body())));
at("outside").addEventListener("click", () => change([{ outside: shown.outside_all ? "policy" : "all" }]));
at("render").addEventListener("click", () => post("changes", () => signed({ render: true })));
at("accept").addEventListener("click", () => post("accept", () => signed({})));
at("retry").addEventListener("click", () => post("retry", () => signed({})));
at("cancel").addEventListener("click", () => post("cancel", () => signed({})));
at("tracks-form").addEventListener("submit", (e) => e.preventDefault());
at("filter").addEventListener("change", () => { from = 0; refresh(); });
at("newer").addEventListener("click", () => { from = Math.max(0, from - 200); refresh(); });
at("older").addEventListener("click", () => { from += 200; refresh(); });
at("by").value = localStorage.getItem("by") || "";
at("by").addEventListener("change", () => localStorage.setItem("by", at("by").value));

async function refresh() {
  try {
    overview(await ask("/status"));
    list(await ask(`/recordings?from=${from}&status=${encodeURIComponent(at("filter").value)}`));
    if (chosen) {
      const d = await ask(`/recordings/${chosen}`);
      if (d.id === chosen) detail(d);
    }
  } catch (e) {
    at("state").textContent = e.message;
  }
}

async function loop() {
  await refresh();
  setTimeout(loop, 2000);
}
loop();
