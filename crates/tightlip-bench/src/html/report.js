"use strict";
(() => {
  const PAGE = 200;
  const SHOWN = ["network", "method", "kind", "status", "proved", "ratio_to_best_upper", "ratio_to_best_lower", "ratio_to_fgl", "total_s", "peak_rss_mib", "repetition"];
  const byId = (id) => document.getElementById(id);
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // Rows: one dictionary of texts per column, one index per row.
  const data = JSON.parse(byId("rows").textContent);
  const columns = data.columns;
  for (const column of columns) {
    column.shown = SHOWN.includes(column.name);
    column.numeric = column.values.some((text) => text !== "") && column.values.every((text) => text === "" || Number.isFinite(Number(text)));
    column.at = (row) => column.values[column.index[row]];
  }
  const short = (column, text) => (column.numeric && /[.e]/.test(text) ? String(Number(Number(text).toPrecision(7))) : text);

  // An estimate proves nothing: its claim stands where bounds do, marked, and takes no part in sorting.
  const named = (name) => columns.find((column) => column.name === name);
  const [kind, claimed, proved] = ["kind", "claimed", "proved"].map(named);
  const shownText = (column, row) => {
    if (column === kind && kind.at(row) === "estimate") return "estimate, no bound";
    if (column !== proved || kind.at(row) !== "estimate") return short(column, column.at(row));
    return claimed.at(row) === "" ? "" : `${short(claimed, claimed.at(row))} (no bound)`;
  };

  let order = Array.from({ length: data.count }, (_, row) => row);
  let sorted = { column: null, direction: 1 };
  let page = 0;
  let open = new Set();
  const haystacks = [];
  const haystack = (row) => (haystacks[row] ??= columns.map((column) => column.at(row)).join("\u0001").toLowerCase());

  function select() {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    order = [];
    for (let row = 0; row < data.count; row++) {
      if (words.every((word) => haystack(row).includes(word))) order.push(row);
    }
    const { column, direction } = sorted;
    if (column) {
      const key = column.numeric ? column.values.map((text) => (text === "" ? null : Number(text))) : column.values;
      const compare = column.numeric ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
      // Absent values stay at the end, whichever way the column is sorted.
      const absent = (value) => value === null || value === "";
      order.sort((a, b) => {
        const [left, right] = [key[column.index[a]], key[column.index[b]]];
        if (absent(left) || absent(right)) return absent(left) - absent(right) || a - b;
        return direction * compare(left, right) || a - b;
      });
    }
    page = 0;
    show();
  }

  function showHead() {
    const line = make("tr");
    line.append(make("th", "", "details"));
    for (const column of columns.filter((column) => column.shown)) {
      const cell = make("th", undefined, column.numeric ? "number" : "");
      cell.scope = "col";
      cell.dataset.column = column.name;
      const state = sorted.column !== column ? "none" : sorted.direction > 0 ? "ascending" : "descending";
      cell.setAttribute("aria-sort", state);
      const button = make("button", column.name);
      button.type = "button";
      button.addEventListener("click", () => {
        sorted = { column, direction: sorted.column === column ? -sorted.direction : 1 };
        select();
        showHead();
        document.querySelector(`#table th[data-column="${column.name}"] button`).focus();
      });
      cell.append(button);
      line.append(cell);
    }
    document.querySelector("#table thead").replaceChildren(line);
  }

  function details(row) {
    const line = make("tr", undefined, "details");
    const cell = make("td");
    cell.colSpan = columns.filter((column) => column.shown).length + 1;
    const list = make("dl", undefined, "fields");
    for (const column of columns) {
      const text = column.at(row);
      if (text === "" || column.name === "reproduction") continue;
      const pair = make("div");
      pair.append(make("dt", column.name), make("dd", text));
      list.append(pair);
    }
    cell.append(list);
    const commands = columns.find((column) => column.name === "reproduction");
    if (commands) cell.append(make("pre", commands.at(row)));
    line.append(cell);
    return line;
  }

  function show() {
    const shown = columns.filter((column) => column.shown);
    const lines = [];
    for (const row of order.slice(page * PAGE, (page + 1) * PAGE)) {
      const line = make("tr");
      const first = make("td");
      const more = make("button", open.has(row) ? "−" : "+", "more");
      more.type = "button";
      more.setAttribute("aria-expanded", String(open.has(row)));
      more.setAttribute("aria-label", "every field of this row");
      more.addEventListener("click", () => {
        const opening = !open.has(row);
        if (opening) open.add(row); else open.delete(row);
        more.textContent = opening ? "−" : "+";
        more.setAttribute("aria-expanded", String(opening));
        if (opening) line.after(details(row)); else line.nextSibling.remove();
      });
      first.append(more);
      line.append(first);
      for (const column of shown) {
        const text = column.at(row);
        const wraps = column.name === "method" || column.name === "network";
        const cell = make("td", shownText(column, row), column.numeric ? "number" : wraps ? "name" : "text");
        // The options of a method may be on lines of their own.
        if (wraps) cell.replaceChildren(...text.split(/(?=:)/).flatMap((part) => [make("wbr"), part]));
        cell.title = text;
        line.append(cell);
      }
      lines.push(line);
      if (open.has(row)) lines.push(details(row));
    }
    document.querySelector("#table tbody").replaceChildren(...lines);
    const pages = Math.max(1, Math.ceil(order.length / PAGE));
    byId("count").textContent = `${order.length} of ${data.count} rows`;
    byId("page").textContent = `page ${page + 1} of ${pages}`;
    byId("previous").disabled = page === 0;
    byId("next").disabled = page + 1 >= pages;
  }

  for (const column of columns) {
    if (column.name === "reproduction") continue;
    const label = make("label");
    const box = make("input");
    box.type = "checkbox";
    box.checked = column.shown;
    box.addEventListener("change", () => { column.shown = box.checked; showHead(); show(); });
    label.append(box, " " + column.name);
    byId("column-list").append(label);
  }
  let waiting = 0;
  byId("filter").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(select, 120); });
  byId("previous").addEventListener("click", () => { page--; show(); });
  byId("next").addEventListener("click", () => { page++; show(); });
  showHead();
  show();

  // Figures: tooltips follow the pointer, legend entries hide and show their series.
  const tip = byId("tip");
  const place = (event) => {
    const left = Math.min(event.clientX + 16, innerWidth - tip.offsetWidth - 8);
    const above = event.clientY + 16 + tip.offsetHeight > innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above ? event.clientY - tip.offsetHeight - 12 : event.clientY + 16}px`;
  };
  document.addEventListener("pointerover", (event) => {
    const marked = event.target.closest ? event.target.closest(".sheet [data-tip]") : null;
    tip.hidden = !marked;
    if (marked) { tip.textContent = marked.dataset.tip; place(event); }
  });
  document.addEventListener("pointermove", (event) => { if (!tip.hidden) place(event); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

  for (const figure of document.querySelectorAll("figure")) {
    const svg = figure.querySelector("svg");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", svg.querySelector("text").textContent);
    for (const entry of svg.querySelectorAll(".legend")) {
      entry.setAttribute("role", "button");
      entry.setAttribute("tabindex", "0");
      entry.setAttribute("aria-pressed", "true");
      entry.setAttribute("aria-label", `show ${entry.dataset.name}`);
      const toggle = () => {
        const off = entry.classList.toggle("off");
        entry.setAttribute("aria-pressed", String(!off));
        for (const series of svg.querySelectorAll(`.series[data-series="${entry.dataset.series}"]`)) series.classList.toggle("off", off);
      };
      entry.addEventListener("click", toggle);
      entry.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); }
      });
    }
    figure.querySelector(".save").addEventListener("click", () => {
      const copy = svg.cloneNode(true);
      for (const hidden of copy.querySelectorAll(".series.off")) hidden.remove();
      const link = make("a");
      link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
      link.download = `${figure.dataset.name}.svg`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }
})();
