// Notifications on this device: the section stays hidden where the browser has none.
(() => {
  const box = document.querySelector("[data-push]");
  if (!box || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  const worker = "/static/push-worker.js";
  const show = (state) => {
    for (const part of box.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
    box.hidden = false;
  };
  const post = (path, fields) => fetch(path, { method: "POST", body: new URLSearchParams(fields) });
  const mine = async () => {
    const found = await navigator.serviceWorker.getRegistration(worker);
    return found ? found.pushManager.getSubscription() : null;
  };
  const look = async () => {
    if (Notification.permission === "denied") return show("denied");
    const own = await mine();
    const known = own && (await (await post("/me/push/known", { endpoint: own.endpoint })).json()).on;
    show(known ? "on" : "off");
  };
  const active = async (found) => {
    while (!found.active) await new Promise((wake) => setTimeout(wake, 100));
    return found;
  };
  const turnOn = async () => {
    if ((await Notification.requestPermission()) !== "granted") return look();
    const found = await active(await navigator.serviceWorker.register(worker));
    const options = { userVisibleOnly: true, applicationServerKey: box.dataset.push };
    const own = (await found.pushManager.subscribe(options)).toJSON();
    const kept = await post("/me/push", { endpoint: own.endpoint, p256dh: own.keys.p256dh, auth: own.keys.auth });
    show(kept.ok ? "on" : "failed");
  };
  const turnOff = async () => {
    const own = await mine();
    if (own) { await post("/me/push/off", { endpoint: own.endpoint }); await own.unsubscribe(); }
    show("off");
  };
  const guarded = (deed) => () => deed().catch(() => show("failed"));
  box.querySelector("[data-on]").addEventListener("click", guarded(turnOn));
  box.querySelector("[data-off]").addEventListener("click", guarded(turnOff));
  guarded(look)();
})();
