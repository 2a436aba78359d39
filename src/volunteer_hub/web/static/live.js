// Takes in the parts of a page as they are pushed. While they are, no part asks for itself; when the stream
// breaks they do so again, and when that is in vain, too, the page says that it may be old.
(() => {
  const watch = document.querySelector("[data-stream]");
  if (!watch) return;
  let pushed = false, heard = Date.now();
  const hear = () => { heard = Date.now(); };
  const connect = () => {
    const source = new EventSource(watch.dataset.stream);
    source.onopen = () => { pushed = true; hear(); };
    source.onerror = () => { pushed = false; if (source.readyState === 2) setTimeout(connect, 3000); };
    source.addEventListener("beat", hear);
    source.addEventListener("parts", (event) => {
      hear();
      const made = new DOMParser().parseFromString(event.data, "text/html");
      for (const part of [...made.body.children]) {
        const old = document.getElementById(part.id);
        if (!old || old.dataset.mark === part.dataset.mark) continue;
        old.replaceWith(part);
        htmx.process(part);
      }
      if (!document.querySelector("[data-mark][hx-get]")) { source.close(); clearInterval(looking); }
    });
  };
  document.addEventListener("htmx:before:request", (event) => {
    if (pushed && event.detail.ctx.sourceElement.dataset.mark) event.preventDefault();
  });
  document.addEventListener("htmx:after:request", (event) => { if (event.detail.ctx.response.status < 400) hear(); });
  const looking = setInterval(() => { watch.hidden = Date.now() - heard < 8000; if (!watch.hidden) pushed = false; }, 1000);
  if (window.EventSource) connect();
})();
