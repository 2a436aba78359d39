// Checks in or out by position: asked for when the button is pressed and not before, and told in words.
(() => {
  if (!("geolocation" in navigator) || !window.isSecureContext) return;
  for (const part of document.querySelectorAll("[data-position]")) {
    const said = part.querySelector("[role=status]"), form = part.closest("form"), fields = form.elements;
    const say = (word) => { said.textContent = said.dataset[word]; };
    const got = ({ coords }) => {
      fields.lat.value = coords.latitude;
      fields.lon.value = coords.longitude;
      fields.accuracy.value = coords.accuracy;
      fields.code.value = "";
      fields.code.required = false;
      form.requestSubmit();
    };
    const failed = (error) => say({ 1: "denied", 3: "slow" }[error.code] || "unknown");
    part.querySelector("button").addEventListener("click", () => {
      say("asking");
      navigator.geolocation.getCurrentPosition(got, failed, { enableHighAccuracy: true, timeout: 30000 });
    });
    part.hidden = false;
  }
})();
