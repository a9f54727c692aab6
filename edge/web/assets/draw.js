// Zones, lines and privacy masks over the picture: drawn with mouse or finger, saved to the unit's config.
// Points are shares of the picture's width and height; the SVG's own units are the picture's pixels.
const SVG = "http://www.w3.org/2000/svg";
const CLOSE_PX = 14; // a tap so near to the first corner closes a polygon
const CORNERS = { line: 2 };
const LISTS = { read: "zones", ignore: "zones", mask: "masks", line: "lines" };
const WORDS = { read: "Read zone", ignore: "Ignore zone", mask: "Privacy mask", line: "Line" };
const HINTS = {
  polygon: "Tap the corners one after the other. Tap the first one again, or Done, to close it.",
  line: "Tap where the line begins, then where it ends. The arrow shows the way in.",
  idle: "Drag a corner to move it. Nothing is in force until it is saved.",
};

const at = (id) => document.getElementById(id);

export class Ground {
  constructor(svg, ask, element) {
    Object.assign(this, { svg, ask, element, camera: "", shapes: [], version: "", drawing: null, dirty: false, size: [16, 9] });
    for (const button of at("kinds").querySelectorAll("[data-kind]")) {
      button.addEventListener("click", () => this.begin(button.dataset.kind));
    }
    at("done").addEventListener("click", () => this.close());
    at("discard").addEventListener("click", () => this.show(this.camera));
    at("save").addEventListener("click", () => this.save());
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    svg.addEventListener("pointerup", () => (this.held = null));
    svg.addEventListener("pointercancel", () => (this.held = null));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.drawing && this.drop(this.drawing));
  }

  fit(width, height) {
    this.size = [width, height];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.render();
  }

  allow(edit) {
    if (at("tools").hidden !== edit) return;
    at("tools").hidden = !edit;
    if (edit) this.show(this.camera);
  }

  async show(camera, said = HINTS.idle) {
    Object.assign(this, { camera, shapes: [], drawing: null, held: null, dirty: false });
    this.render();
    if (at("tools").hidden || !camera) return;
    this.rest(true); // what is drawn meanwhile would be gone with the answer
    const answer = await this.ask(`/api/ground/${encodeURIComponent(camera)}`);
    const told = await answer.json();
    this.rest(false);
    if (camera !== this.camera) return;
    if (!answer.ok) return this.say(told.error, true);
    this.version = told.version;
    this.shapes = [
      ...told.zones.map((zone) => ({ kind: zone.kind, name: zone.name, points: zone.polygon })),
      ...told.masks.map((mask) => ({ kind: "mask", name: "", points: mask.polygon })),
      ...told.lines.map((line) => ({ kind: "line", name: line.name, points: [line.from, line.to] })),
    ];
    this.say(said);
    this.render();
  }

  begin(kind) {
    if (this.drawing) this.drop(this.drawing);
    this.drawing = { kind, name: this.free(kind), points: [] };
    this.shapes.push(this.drawing);
    this.say(kind === "line" ? HINTS.line : HINTS.polygon);
    this.render();
  }

  free(kind) {
    if (kind === "mask") return "";
    const taken = new Set(this.shapes.map((shape) => shape.name));
    let number = 1;
    while (taken.has(`${kind}-${number}`)) number += 1;
    return `${kind}-${number}`;
  }

  close() {
    const { kind, points } = this.drawing;
    if (points.length < (CORNERS[kind] ?? 3)) return;
    this.drawing = null;
    this.dirty = true;
    this.say(HINTS.idle);
    this.render();
  }

  drop(shape) {
    this.dirty = this.dirty || shape !== this.drawing;
    this.shapes = this.shapes.filter((each) => each !== shape);
    if (shape === this.drawing) this.drawing = null;
    this.say(HINTS.idle);
    this.render();
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    const share = (value, low, length) => Math.round(1e4 * Math.min(1, Math.max(0, (value - low) / length))) / 1e4;
    return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
  }

  near(event, point) {
    const box = this.svg.getBoundingClientRect();
    return Math.hypot(event.clientX - box.left - point[0] * box.width, event.clientY - box.top - point[1] * box.height) <= CLOSE_PX;
  }

  down(event) {
    if (at("tools").hidden || event.button > 0) return;
    if (this.drawing) {
      event.preventDefault();
      const { points, kind } = this.drawing;
      if (points.length >= 3 && this.near(event, points[0])) return this.close();
      points.push(this.place(event));
      if (points.length === CORNERS[kind]) return this.close();
      return this.render();
    }
    for (const shape of this.shapes) {
      const index = shape.points.findIndex((point) => this.near(event, point));
      if (index < 0) continue;
      event.preventDefault();
      this.held = { shape, index };
      this.svg.setPointerCapture(event.pointerId);
      return;
    }
  }

  move(event) {
    if (!this.held) return;
    this.held.shape.points[this.held.index] = this.place(event);
    this.dirty = true;
    this.render();
  }

  rest(busy) {
    for (const button of at("tools").querySelectorAll("button")) button.disabled = busy;
  }

  async save() {
    this.rest(true);
    const of = (list) => this.shapes.filter((shape) => LISTS[shape.kind] === list);
    const answer = await this.ask(`/api/ground/${encodeURIComponent(this.camera)}`, {
      version: this.version,
      zones: of("zones").map(({ name, kind, points }) => ({ name, kind, polygon: points })),
      masks: of("masks").map(({ points }) => ({ polygon: points })),
      lines: of("lines").map(({ name, points }) => ({ name, from: points[0], to: points[1] })),
    });
    const told = await answer.json();
    this.rest(false);
    if (answer.ok) await this.show(this.camera, `Saved. ${told.done}.`);
    else this.say(told.error, true);
  }

  say(text, bad = false) {
    at("hint").textContent = text;
    at("hint").className = bad ? "bad" : "quiet";
  }

  render() {
    const drawing = Boolean(this.drawing);
    this.svg.classList.toggle("drawing", drawing || Boolean(this.held));
    at("done").hidden = !drawing || this.drawing.points.length < 3;
    at("save").hidden = at("discard").hidden = drawing || !this.dirty;
    for (const button of at("kinds").querySelectorAll("[data-kind]")) {
      button.setAttribute("aria-pressed", drawing && this.drawing.kind === button.dataset.kind);
    }
    this.svg.replaceChildren(...this.shapes.flatMap((shape) => this.drawn(shape)));
    const closed = this.shapes.filter((shape) => shape !== this.drawing);
    if (!at("shapes").contains(document.activeElement) || at("shapes").children.length !== closed.length) {
      at("shapes").replaceChildren(...closed.map((shape) => this.listed(shape)));
    }
  }

  drawn(shape) {
    const points = shape.points.map(([x, y]) => [x * this.size[0], y * this.size[1]]);
    if (!points.length) return [];
    const outline = this.tag(shape === this.drawing || shape.kind === "line" ? "polyline" : "polygon", {
      points: points.map((point) => point.map((side) => side.toFixed(1)).join()).join(" "),
      class: shape.kind,
    });
    const radius = (7 * this.size[0]) / (this.svg.clientWidth || this.size[0]);
    const corners = points.map(([x, y]) => this.tag("circle", { cx: x, cy: y, r: radius, class: shape.kind }));
    const extras = shape.kind === "line" && points.length === 2 ? [this.arrow(points)] : [];
    if (shape.name && shape !== this.drawing) {
      const name = this.tag("text", { x: points[0][0] + 1.6 * radius, y: points[0][1] - radius, "font-size": 2.2 * radius });
      name.textContent = shape.name;
      extras.push(name);
    }
    return [outline, ...corners, ...extras];
  }

  arrow([[ax, ay], [bx, by]]) {
    // the way in: to the right hand of whoever walks from the first end to the second
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const reach = this.size[0] / 28;
    const [x, y] = [(ax + bx) / 2, (ay + by) / 2];
    const [nx, ny] = [(-(by - ay) / length) * reach, ((bx - ax) / length) * reach];
    const side = [((bx - ax) / length) * reach * 0.35, ((by - ay) / length) * reach * 0.35];
    const tip = [x + nx, y + ny];
    const ends = [
      [x + 0.6 * nx + side[0], y + 0.6 * ny + side[1]],
      [x + 0.6 * nx - side[0], y + 0.6 * ny - side[1]],
    ];
    return this.tag("path", { d: `M${x} ${y}L${tip}M${ends[0]}L${tip}L${ends[1]}`, class: "line" });
  }

  tag(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  listed(shape) {
    const item = this.element("li", undefined, shape.kind);
    item.append(this.element("span", WORDS[shape.kind]));
    if (shape.kind !== "mask") {
      const name = this.element("input");
      Object.assign(name, { value: shape.name, maxLength: 63, ariaLabel: "name" });
      name.addEventListener("input", () => {
        shape.name = name.value.trim();
        this.dirty = true;
        this.render();
      });
      item.append(name);
    }
    const away = this.element("button", "Remove");
    away.addEventListener("click", () => this.drop(shape));
    item.append(away);
    return item;
  }
}
