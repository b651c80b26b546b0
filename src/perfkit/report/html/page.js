"use strict";
// The page is whole without this script; it adds the charts, the filter, sorting, and the choice of colours.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Set();
  const errorsOnly = 1; // a level of Vega's log

  // Charts ------------------------------------------------------------------------------------------------------
  function rowsOf({ chart, key, clock: wanted }) {
    if (chart === "trend") return nightsOf(data.series[key]);
    if (chart !== "rounds" && chart !== "distribution") {
      return data.models[key].map((point) => ({ ...point, profile: point.profile || "dynamic" }));
    }
    const found = data.cases[key];
    const rows = [];
    for (const { replicate, clock, side, ms, disturbed, left_out: leftOut } of found.series) {
      if (clock !== wanted) continue;
      const isRun = replicate.startsWith("run");
      if (chart === "rounds" ? !isRun : side !== "variant") continue;
      const numbers = numbersOf(ms.length, leftOut);
      ms.forEach((value, index) => {
        const round = numbers[index];
        const how = disturbed && disturbed.includes(round) ? "disturbed" : "round";
        rows.push({ kind: "round", how, replicate, clock, side, of: isRun ? "run" : "baseline", round, ms: value });
      });
      if (chart === "rounds" && side === "variant") {
        for (const round of leftOut || []) rows.push({ kind: "left out", replicate, round });
      }
    }
    if (chart === "distribution") {
      for (const [replicate, clock, ms, low, high] of found.medians) {
        if (clock === wanted) rows.push({ kind: "median", of: "baseline", replicate, ms, low, high });
      }
    }
    return rows;
  }

  // The numbers of the rounds that have times: every data.step-th of those that weren't left out.
  function numbersOf(count, leftOut) {
    const gaps = new Set(leftOut);
    const numbers = [];
    for (let round = 1, place = 0; numbers.length < count; round += 1) {
      if (gaps.has(round)) continue;
      if (place % data.step === 0) numbers.push(round);
      place += 1;
    }
    return numbers;
  }

  function nightsOf({ set, values, failing, changes, room }) {
    const at = (place) => ({ date: data.nights[place][0], commit: data.nights[place][1] });
    return [
      ...values.map((value, index) => ({ kind: "night", value, ...at(data.sets[set][index]) })),
      ...failing.map(([place, value, verdict]) => ({ kind: "failing", value, verdict, ...at(place) })),
      ...changes,
      // All charts have the same nights from side to side.
      ...room.map((value, side) => ({ kind: "room", value, ...at(side === 0 ? 0 : data.nights.length - 1) })),
    ];
  }

  function looks() {
    const style = getComputedStyle(root);
    const [fg, line] = ["--fg", "--line"].map((name) => style.getPropertyValue(name).trim());
    const axis = { labelColor: fg, titleColor: fg, domainColor: line, tickColor: line, gridColor: line, gridOpacity: 0.5 };
    const words = { labelColor: fg, titleColor: fg, symbolBaseFillColor: fg, symbolBaseStrokeColor: fg };
    const scheme = { category: ["#3b8eea", "#e07b39", "#2da44e", "#c678dd", "#d1495b", "#17a2a2", "#b08800", "#8a94a0"] };
    return {
      background: "transparent", aria: false, axis, legend: words, header: { labelColor: fg, titleColor: fg }, title: { color: fg }, range: scheme,
      view: { stroke: line }, boxplot: { rule: { color: fg } },
    };
  }

  async function draw(figure) {
    drawn.add(figure);
    const spec = { ...data.charts[figure.dataset.chart], datasets: { points: rowsOf(figure.dataset) } };
    // "ast": expressions are interpreted, for the page's policy forbids to make code from text.
    // Only errors are logged: that a layer is empty, where a baseline has no rounds or none but medians, is no news.
    const options = { ast: true, actions: false, renderer: "svg", logLevel: errorsOnly, config: looks() };
    await vegaEmbed(figure.querySelector(".chart"), spec, options);
    // The figure has a name and its numbers a table; mark by mark the picture tells a screen reader nothing.
    figure.querySelector("svg").setAttribute("aria-hidden", "true");
    figure.dataset.drawn = "yes";
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
    }
  }, { rootMargin: "300px" });
  document.querySelectorAll("figure[data-chart]").forEach((figure) => seen.observe(figure));

  const redraw = () => drawn.forEach(draw);
  dark.addEventListener("change", redraw);

  // Colours -----------------------------------------------------------------------------------------------------
  const themes = { "": "as the system", light: "light", dark: "dark" };
  const button = document.getElementById("theme");
  function setTheme(theme) {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    button.textContent = `Colours: ${themes[theme]}`;
    redraw();
  }
  button.addEventListener("click", () => {
    const order = Object.keys(themes);
    setTheme(order[(order.indexOf(root.dataset.theme || "") + 1) % order.length]);
  });
  button.hidden = false;

  // Filter and order; both stand in the address, so that a link shows what its sender saw ---------------------------
  const form = document.getElementById("filter");
  const query = document.getElementById("q");
  const things = document.getElementById("shown").dataset.things;
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const body = document.querySelector("#table tbody");
  const rows = [...body.rows];
  const headings = [...document.querySelectorAll("#table th[data-sort]")];
  const all = rows.map((row) => ({ row, text: row.textContent.toLowerCase(), section: document.getElementById(row.dataset.case) }));
  let order = null;

  function filter() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const { row, text, section } of all) {
      const fits = wanted.has(row.dataset.state) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      section.hidden = !fits;
      shown += fits;
    }
    document.getElementById("shown").textContent = `${shown} of ${all.length} ${things}`;
  }

  function compare(left, right, column) {
    const [a, b] = [left, right].map((row) => row.cells[column].dataset.value);
    if (a === "" || b === "") return (a === "") - (b === "");
    const difference = order.sign * (Number(a) - Number(b));
    return Number.isNaN(difference) ? order.sign * a.localeCompare(b) : difference;
  }

  function sort() {
    for (const heading of headings) heading.removeAttribute("aria-sort");
    let ordered = rows;
    if (order !== null) {
      const heading = headings.find((found) => found.dataset.sort === order.by);
      heading.setAttribute("aria-sort", order.sign > 0 ? "ascending" : "descending");
      ordered = [...rows].sort((left, right) => compare(left, right, heading.cellIndex));
    }
    body.append(...ordered);
  }

  function remember() {
    const state = new URLSearchParams();
    if (query.value) state.set("q", query.value);
    if (!boxes.every((box) => box.checked)) {
      state.set(boxes[0].name, boxes.filter((box) => box.checked).map((box) => box.value).join(","));
    }
    if (order !== null) state.set("sort", (order.sign < 0 ? "-" : "") + order.by);
    history.replaceState(null, "", `#?${state}`);
  }

  function restore(state) {
    query.value = state.get("q") || "";
    for (const box of boxes) box.checked = !state.has(box.name) || state.get(box.name).split(",").includes(box.value);
    const sorted = state.get("sort") || "";
    const by = sorted.replace(/^-/, "");
    order = headings.some((found) => found.dataset.sort === by) ? { by, sign: sorted.startsWith("-") ? -1 : 1 } : null;
    filter();
    sort();
  }

  for (const heading of headings) {
    const sorter = document.createElement("button");
    sorter.type = "button";
    sorter.textContent = heading.textContent;
    heading.replaceChildren(sorter);
    sorter.addEventListener("click", () => {
      const by = heading.dataset.sort;
      if (order !== null && order.by === by) order = order.sign > 0 ? { by, sign: -1 } : null;
      else order = { by, sign: 1 };
      sort();
      remember();
    });
  }
  form.addEventListener("input", () => { filter(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    restore(new URLSearchParams());
    remember();
  });
  form.hidden = false;

  // Links ---------------------------------------------------------------------------------------------------------
  function follow() {
    if (location.hash.startsWith("#?")) {
      restore(new URLSearchParams(location.hash.slice(2)));
      document.getElementById("cases").scrollIntoView();
      return;
    }
    const target = document.getElementById(location.hash.slice(1));
    if (target === null) return;
    target.hidden = false; // a link is stronger than the filter
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.scrollIntoView();
      target.querySelector("summary").focus();
    } else if (target.dataset.chart) {
      target.scrollIntoView();
      target.focus();
    }
  }
  window.addEventListener("hashchange", follow);
  // A link to where one is already changes no hash.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link !== null && link.getAttribute("href") === location.hash) follow();
  });
  if (location.hash) follow();
})();
