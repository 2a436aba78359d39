// A picture of areas becomes a map that can be moved and drawn near: the picture itself lies in it, tiles
// where the operator names a server of them, and the links upon it become pins whose names stay readable.
(() => {
  const box = document.querySelector("[data-map]");
  if (!box || !window.L) return;
  const [south, west, north, east] = box.dataset.map.split(",").map(Number);
  const bounds = L.latLngBounds([south, west], [north, east]);
  const picture = box.querySelector("svg"), pins = [...picture.querySelectorAll("a[data-at]")];
  const hatch = picture.querySelector("#no-data"), turned = hatch.getAttribute("patternTransform");
  picture.remove();
  picture.classList.remove("map");
  picture.setAttribute("preserveAspectRatio", "none");
  box.classList.add("map");
  box.style.background = "var(--sunken)";
  const map = L.map(box, { attributionControl: false, zoomControl: false, zoomSnap: 0.25, scrollWheelZoom: false });
  const places = pins.map((pin) => pin.dataset.at.split(",").map(Number));
  map.fitBounds(places.length ? L.latLngBounds(places).pad(0.3) : bounds, { maxZoom: 12 });
  L.control.zoom({ zoomInTitle: box.dataset.nearer, zoomOutTitle: box.dataset.further }).addTo(map);
  if (box.dataset.tiles) {
    L.tileLayer(box.dataset.tiles).addTo(map);
    L.control.attribution({ prefix: false }).addAttribution(box.dataset.credit).addTo(map);
  }
  const areas = L.svgOverlay(picture, bounds, { interactive: true, opacity: box.dataset.tiles ? 0.6 : 1 }).addTo(map);
  pins.forEach((pin, number) => {
    const colour = pin.querySelector("circle").getAttribute("fill");
    const made = L.circleMarker(places[number], { radius: 7, weight: 2, color: "var(--surface)", fillColor: colour, fillOpacity: 1 });
    const said = Object.assign(document.createElement("span"), { textContent: pin.dataset.said });
    made.addTo(map).bindTooltip(said, { permanent: true, direction: number % 2 ? "bottom" : "top", offset: [0, number % 2 ? 6 : -6] });
    made.on("click", () => { location.href = pin.getAttribute("href"); });
    pin.remove();
  });
  const field = document.querySelector("[data-draw]");
  if (field) {
    const rings = () => field.value.split(/\n\s*\n/).map((ring) => ring.split("\n").map((line) => line.split(",").map(Number)).filter((point) => point.length === 2 && point.every(Number.isFinite)));
    const drawn = L.polygon([], { color: "var(--accent)", interactive: false }).addTo(map);
    const show = () => drawn.setLatLngs(rings().map((ring) => [ring]));
    const corner = ({ latlng }) => { field.value = `${field.value.trimEnd()}\n${latlng.lat.toFixed(5)}, ${latlng.lng.toFixed(5)}`.trimStart(); show(); };
    map.on("click", corner);
    areas.on("click", corner);
    field.addEventListener("input", show);
    show();
  }
  const scale = () => { hatch.setAttribute("patternTransform", `${turned} scale(${1000 / areas.getElement().clientWidth || 1})`); };
  map.on("zoomend", scale);
  scale();
})();
