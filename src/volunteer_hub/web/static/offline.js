// Says when a page is an old one, shown without signal, and what was done and is not sent yet.
(() => {
  const box = document.querySelector("[data-offline]"), workers = navigator.serviceWorker;
  if (!box || !workers) return;
  const part = (name) => box.querySelector(`[data-${name}]`);
  const hour = (at) => new Date(Number(at)).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const tell = async (message) => (await workers.ready).active.postMessage(message);
  const names = JSON.parse(box.dataset.offline), mine = location.pathname.split("/")[2];
  let waited = false;
  const line = ({ id, what, at, words }) => {
    const item = document.createElement("li");
    item.textContent = [names[what], hour(at)].join(", ") + (words ? `: ${words} ` : "");
    if (words) {
      const seen = document.createElement("button");
      Object.assign(seen, { type: "button", className: "button button-quiet", textContent: names.seen });
      seen.addEventListener("click", () => tell({ forget: id }));
      item.append(seen);
    }
    return item;
  };
  const list = (name, found) => {
    part(name).querySelector("ul").replaceChildren(...found.map(line));
    part(name).hidden = !found.length;
  };
  const show = (all) => {
    const unsent = all.filter((deed) => !deed.words);
    list("unsent", unsent);
    list("refused", all.filter((deed) => deed.words));
    box.hidden = !all.length && part("kept").hidden;
    if (waited && !unsent.length) location.reload();
    waited = unsent.length > 0;
    const here = new Set(unsent.filter((deed) => deed.token === mine).map((deed) => deed.what));
    const leaving = document.querySelector("template[data-leaving]");
    if (leaving && here.has("check-in")) leaving.previousElementSibling.replaceWith(leaving.content.cloneNode(true)), leaving.remove();
  };
  const { kept } = document.body.dataset;
  if (kept) {
    part("kept").querySelector("time").textContent = hour(kept);
    part("kept").hidden = box.hidden = false;
  }
  workers.addEventListener("message", ({ data }) => show(data));
  workers.startMessages();
  const worth = () => {
    const links = [...document.links].map((link) => new URL(link.href)).filter((url) => url.origin === location.origin);
    const files = [...document.querySelectorAll("script[src], link[rel=stylesheet]")].map((each) => new URL(each.src || each.href));
    return [...new Set([location.pathname, ...links.map((url) => url.pathname), ...files.map((url) => url.pathname + url.search)])];
  };
  workers.register("/worker.js").then(() => tell({ keep: kept ? [] : worth(), send: true })).catch(() => {});
  for (const event of ["online", "focus"]) addEventListener(event, () => tell({ send: true }));
  setInterval(() => { if (waited) tell({ send: true }); }, 20000);
})();
