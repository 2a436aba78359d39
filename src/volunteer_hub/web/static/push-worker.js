// Shows what is pushed and tells the sender that it has appeared; a tap opens the page to answer on.
self.addEventListener("push", (event) => {
  const said = event.data.json();
  const options = { body: said.body, tag: said.tag, data: said.link, requireInteraction: true };
  const shown = self.registration.showNotification(said.title, options);
  event.waitUntil(shown.then(() => fetch(said.shown, { method: "POST", credentials: "omit", keepalive: true })));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  if (event.notification.data) event.waitUntil(self.clients.openWindow(event.notification.data));
});
