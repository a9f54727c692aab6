// The page: asks the unit how it is, and shows it. Text goes in as text, never as HTML.
import { Ground } from "./draw.js";
import { Picture } from "./show.js";

const STATE_MS = 1500;
const METER_MS = 4000;
const SURE = 0.9;
const FAIR = 0.6;

const at = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(share > 0.995 ? 0 : 1)} %`;
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));

export async function ask(path, body) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  if (answer.status === 401) location.reload();
  return answer;
}

export function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

let camera = "";
const picture = new Picture(at("picture"), at("away"));
const ground = new Ground(at("overlay"), ask, element);
picture.sized = (width, height) => ground.fit(width, height);

function choose(name) {
  camera = name;
  for (const button of at("cameras").children) button.setAttribute("aria-pressed", button.textContent === name);
  picture.watch(name);
  ground.show(name);
  at("measures").replaceChildren();
  at("advice").textContent = "…";
  meter();
}

function cameras(told) {
  const names = Object.keys(told);
  if (names.join() === [...at("cameras").children].map((button) => button.textContent).join()) return;
  at("cameras").replaceChildren(
    ...names.map((name) => {
      const button = element("button", name);
      button.addEventListener("click", () => choose(name));
      return button;
    })
  );
  at("cameras").hidden = names.length < 2;
  choose(names[0]);
}

function facts(list, rows) {
  list.replaceChildren(...rows.filter(([, value]) => value !== "").flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function unit(told) {
  at("device").textContent = told.device;
  document.title = `${told.device}: Kerbside`;
  const states = Object.entries(told.cameras);
  const away = states.filter(([, each]) => each.phase !== "streaming");
  const trouble = told.trouble || (away.length ? `camera ${away[0][0]}: ${away[0][1].phase}` : "");
  at("health").textContent = trouble || "all is well";
  at("health").className = trouble ? "bad" : "good";
  const heat = Object.values(told.temperatures_c);
  facts(at("facts"), [
    ["site", told.site],
    ...states.map(([name, each]) => [name, `${(each.fps ?? 0).toFixed(1)} FPS, ${each.dropped} dropped${each.error ? `; ${each.error}` : ""}`]),
    ["broker", told.broker.connected ? "connected" : `away${told.broker.problem ? `: ${told.broker.problem}` : ""}`],
    ["events waiting", String(told.backlog)],
    ["hottest", heat.length ? `${Math.max(...heat).toFixed(0)} °C${told.throttled ? ", throttled" : ""}` : "not told"],
    ["power", told.watts === null ? "" : `${told.watts.toFixed(1)} W`],
    ["work", told.work],
    ["privacy", told.privacy],
    ["refused", told.page.token ? `${told.page.refused} wrong tokens` : ""],
    ["version", told.version],
  ]);
  at("stages").replaceChildren(
    ...Object.entries(told.stages_ms).map(([name, ms]) => {
      const row = element("tr");
      row.append(element("td", name), element("td", `${ms.p50.toFixed(1)} ms`), element("td", `${ms.p95.toFixed(1)} ms`));
      row.append(element("td", name in told.waiting ? String(told.waiting[name]) : ""));
      return row;
    })
  );
  at("leave").hidden = !told.page.token;
  ground.allow(told.page.edit);
}

function reads(told) {
  const { published = 0, unread = 0 } = told.vehicles;
  at("counts").textContent = `${published} published, ${unread} not read`;
  at("none").hidden = told.reads.length > 0;
  at("rows").replaceChildren(...told.reads.map(row));
}

function row(read) {
  const item = element("li", undefined, read.type);
  item.dataset.id = read.id;
  const plate = element("div", undefined, "plate");
  if (read.chars.length) plate.append(...characters(read));
  else plate.append(element("span", read.plate, "token"));
  const score = element("strong", percent(read.score), read.score >= SURE ? "sure" : read.score >= FAIR ? "fair" : "weak");
  const head = element("div", undefined, "head");
  head.append(plate, score);
  const went = read.crossings.map((each) => `${each.line} ${each.direction}`).join(", ");
  const words = [
    new Date(read.utc).toLocaleTimeString(),
    read.region,
    read.type === "early" ? "still in sight" : read.parked ? "parked" : read.direction,
    `${read.height_px.toFixed(0)} px`,
    `${read.agreeing} of ${read.reads} reads agree`,
    read.speed && `${read.speed[0]} ± ${read.speed[1]} km/h`,
    read.zone && `in ${read.zone} for ${read.dwell_s.toFixed(0)} s`,
    went,
  ];
  item.append(head, element("p", words.filter(Boolean).join(" · "), "quiet"));
  if (read.others.length) {
    item.append(element("p", `or ${read.others.map((each) => `${each.text} ${percent(each.score)}`).join(", ")}`, "others"));
  }
  return item;
}

function characters(read) {
  return read.chars.map((each) => {
    const box = element("span", undefined, each.score >= SURE ? "sure" : each.score >= FAIR ? "fair" : "weak");
    box.append(element("b", each.char));
    const rival = each.rival_score >= 0.02 ? each.rival || "∅" : "";
    box.append(element("i", rival));
    box.title = `${each.char} ${percent(each.score)}${rival ? `, ${rival} ${percent(each.rival_score)}` : ""}`;
    return box;
  });
}

async function meter() {
  if (!camera) return;
  const asked = camera;
  const answer = await ask(`/api/meter/${encodeURIComponent(asked)}`);
  if (!answer.ok || asked !== camera) return;
  const told = await answer.json();
  at("advice").textContent = told.advice;
  at("advice").className = told.good ? "good" : "";
  if (!told.vehicles) return at("measures").replaceChildren();
  const smear = { "": "sharp enough", motion: `motion, along ${told.blur_deg}°`, focus: "out of focus" }[told.blurred];
  facts(at("measures"), [
    ["height", `${told.height_px.toFixed(0)} px (${told.smallest_px.toFixed(0)} to ${told.largest_px.toFixed(0)})`],
    ["a line of text", `${told.line_px.toFixed(0)} px; 22 is comfortable`],
    ["slant", `${told.slant_deg.toFixed(0)}°, leaning ${told.lean_deg.toFixed(0)}°`],
    ["blur", `${told.blur_px.toFixed(1)} px: ${smear}`],
    ["speed", `${told.speed_px_s.toFixed(0)} px/s`],
    ["light", `${told.bright} of 255, contrast ${told.contrast}`],
    ["from", `${told.vehicles} vehicle${told.vehicles === 1 ? "" : "s"} of the last 10 minutes`],
  ]);
}

async function follow() {
  for (;;) {
    if (!document.hidden) {
      try {
        const answer = await ask("/api/state");
        if (answer.ok) {
          const told = await answer.json();
          cameras(told.cameras);
          unit(told);
          reads(told);
        }
      } catch {
        at("health").textContent = "the unit does not answer";
        at("health").className = "bad";
      }
    }
    await pause(STATE_MS);
  }
}

async function measure() {
  for (;;) {
    await pause(METER_MS);
    if (!document.hidden) await meter().catch(() => {});
  }
}

at("leave").addEventListener("click", async () => {
  await ask("/logout", {});
  location.reload();
});
follow();
measure();
