// Keeps "my day" and "my duty" for when there is no signal, and what was done without one until it can be sent.
const KEPT = "kept-1", MOST = 30, PATIENCE = 5000, GIVE_UP = 25000;
const PAGE = /^\/(today|c\/[\w-]+(\/duty)?)$/;
const DEED = /^\/c\/([\w-]+)\/(?:duty\/)?(on-my-way|check-in|check-out|ok|safe|accept|decline|later|withdraw|ack)$/;
const PHONE = /^\/(today|me|learn|here|c|s|h)(\/|$)/;
const LEAVES = /^\/(logout|me\/erase)$/;

// -- what waits: deeds in the order in which they were done, and how far this clock is from the server's ---------
const opened = () => new Promise((done, failed) => {
  const asked = indexedDB.open("volunteer-hub", 1);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore("deeds", { keyPath: "id", autoIncrement: true });
    asked.result.createObjectStore("facts");
  };
  asked.onsuccess = () => done(asked.result);
  asked.onerror = () => failed(asked.error);
});
const within = async (name, mode, ask) => {
  const store = await opened();
  try {
    return await new Promise((done, failed) => {
      const turn = store.transaction(name, mode), asked = ask(turn.objectStore(name));
      turn.oncomplete = () => done(asked.result);
      turn.onerror = turn.onabort = () => failed(turn.error);
    });
  } finally { store.close(); }
};
const deeds = () => within("deeds", "readonly", (store) => store.getAll());
const put = (deed) => within("deeds", "readwrite", (store) => store.put(deed));
const drop = (id) => within("deeds", "readwrite", (store) => store.delete(id));
const apart = async () => (await within("facts", "readonly", (store) => store.get("apart"))) || 0;
const tell = async () => {
  const all = (await deeds()).map(({ id, token, what, at, words }) => ({ id, token, what, at, words }));
  for (const page of await clients.matchAll({ type: "window" })) page.postMessage(all);
};

// -- the network: an answer in time, whose Date says what the server's clock reads ------------------------------
const ask = async (request, patience, options) => {
  const signal = AbortSignal.timeout && AbortSignal.timeout(patience); // older browsers wait as long as they do
  const answer = await fetch(request, { ...options, signal });
  const said = Date.parse(answer.headers.get("date") || "");
  if (said) await within("facts", "readwrite", (store) => store.put(said - Date.now(), "apart")).catch(() => {});
  if ([502, 503, 504].includes(answer.status)) throw new Error(`answered ${answer.status}`);
  return answer;
};

// -- pages -----------------------------------------------------------------------------------------------------
const keep = async (path, answer) => {
  if (!answer.ok || answer.redirected || answer.type !== "basic") return;
  const headers = new Headers(answer.headers), kept = await caches.open(KEPT);
  headers.set("x-kept", Date.now());
  await kept.delete(path);
  await kept.put(path, new Response(await answer.blob(), { headers }));
  const all = await kept.keys();
  for (const old of all.slice(0, Math.max(0, all.length - MOST))) await kept.delete(old);
};
const asKept = async (kept) => {
  const text = await kept.text();
  const marked = text.replace("<body", `<body data-kept="${kept.headers.get("x-kept")}"`);
  return new Response(marked, { headers: kept.headers });
};
const show = async (request, path) => {
  const kept = PAGE.test(path) && (await caches.match(path));
  try {
    const answer = await ask(request, kept ? PATIENCE : GIVE_UP);
    if (PAGE.test(path)) await keep(path, answer.clone());
    return answer;
  } catch (fault) {
    if (kept) return asKept(kept);
    const words = await caches.match("/offline");
    if (words) return words;
    throw fault;
  }
};
const drawn = async (request) => {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && new URL(request.url).search) (await caches.open(KEPT)).put(request, answer.clone());
  return answer;
};

// -- deeds -----------------------------------------------------------------------------------------------------
const onward = (path) => Response.redirect(path.replace(/\/(?!duty)[a-z-]+$/, ""), 303);
const done = async (request, path, [, token, what]) => {
  const at = Date.now();
  if (!(await deeds().catch(() => null))) return fetch(request); // a browser that stores nothing
  const fields = [...(await request.clone().formData())].filter(([, value]) => typeof value === "string");
  await send();
  const waiting = (await deeds()).some((deed) => !deed.words);
  try {
    if (waiting) throw new Error("others wait before it");
    return await ask(request, GIVE_UP);
  } catch {
    const key = crypto.randomUUID ? crypto.randomUUID() : `${at}-${Math.random()}`;
    await put({ key, token, what, fields, at, apart: await apart() });
    if (registration.sync) registration.sync.register("deeds").catch(() => {});
    await tell();
    return onward(path);
  }
};
const one = async (deed) => {
  const passed = Date.now() + (await apart()) - deed.at - deed.apart; // by the server's clock, both ends
  const ago = Math.max(0, Math.round(passed / 1000));
  const body = new URLSearchParams([...deed.fields, ["what", deed.what], ["once", deed.key], ["ago", ago]]);
  const answer = await ask(`/c/${deed.token}/late`, GIVE_UP, { method: "POST", body });
  if (answer.ok) return drop(deed.id);
  if (answer.status === 429 || answer.status >= 500) throw new Error(`answered ${answer.status}`);
  const said = await answer.json().catch(() => ({}));
  return put({ ...deed, words: said.words || `${answer.status}` });
};
let sending = null;
const sendAll = async () => {
  const waiting = (await deeds()).filter((deed) => !deed.words);
  if (!waiting.length) return;
  try {
    await ask("/livez", PATIENCE, { cache: "no-store" });
    for (const deed of waiting) await one(deed);
  } catch { /* still no signal: they wait on */ }
  await tell();
};
const send = () => {
  sending = sending || sendAll().finally(() => { sending = null; });
  return sending;
};

// -- what the browser tells -------------------------------------------------------------------------------------
self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(KEPT).then((kept) => kept.add("/offline")));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("sync", (event) => { if (event.tag === "deeds") event.waitUntil(send()); });
self.addEventListener("message", (event) => {
  const { keep: paths = [], forget, send: now } = event.data;
  const kept = async () => {
    if (forget) { await drop(forget); await tell(); }
    if (paths.length && !(await caches.match("/offline"))) await (await caches.open(KEPT)).add("/offline").catch(() => {});
    for (const path of paths.filter((each) => PAGE.test(each))) {
      await ask(path, GIVE_UP, { headers: { accept: "text/html" } }).then((answer) => keep(path, answer)).catch(() => {});
    }
    for (const path of paths.filter((each) => each.startsWith("/static/"))) await drawn(new Request(path)).catch(() => {});
    if (now) { await send(); await tell(); }
  };
  event.waitUntil(kept());
});
self.addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname: path } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (request.method === "POST") {
    const deed = DEED.exec(path);
    if (deed) event.respondWith(done(request, path, deed));
    else if (LEAVES.test(path)) event.waitUntil(caches.delete(KEPT));
  } else if (request.method === "GET") {
    if (request.mode === "navigate" && PHONE.test(path)) event.respondWith(show(request, path));
    else if (path.startsWith("/static/")) event.respondWith(drawn(request));
  }
});
