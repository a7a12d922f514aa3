#!/usr/bin/env python3
"""Drives a report.html in headless Chromium: does it open offline, sort, filter, point and toggle?

Usage: scripts/check_report.py FOLDER_OR_PAGE [--screenshot FILE.png] [--dark] [--height PIXELS]

The page is copied with a test script appended, opened from disk, and its document is read back. Standard library only.
Exits 0 if everything passed or there is no browser, 1 otherwise.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

# Runs before the page's own script, so that its errors are seen.
BEFORE = """<script>
window.problems = [];
addEventListener("error", (event) => problems.push("error: " + event.message));
addEventListener("unhandledrejection", (event) => problems.push("rejection: " + event.reason));
addEventListener("securitypolicyviolation", (event) => problems.push("load: " + event.blockedURI));
const consoleError = console.error;
console.error = (...words) => { problems.push("console: " + words.join(" ")); consoleError(...words); };
</script>
"""

# Every check is a name and what went wrong, "" if nothing.
AFTER = r"""<script>
(async () => {
  const results = [];
  const check = (name, wrong) => results.push([name, wrong || ""]);
  const attempt = async (name, body) => { try { check(name, await body()); } catch (error) { check(name, String(error)); } };
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const all = (selector) => [...document.querySelectorAll(selector)];
  const count = JSON.parse(document.getElementById("rows").textContent).count;
  const place = (name) => all("#table th[data-column]").findIndex((head) => head.dataset.column === name) + 1;
  const texts = (name) => all("#table tbody tr").map((line) => line.children[place(name)].title);
  const head = (name) => document.querySelector(`#table th[data-column="${name}"]`);
  const ordered = (list, sign) => list.every((value, k) => k === 0 || sign * (value - list[k - 1]) >= 0);

  await attempt("rows are shown, a page of them at most", () => {
    const shown = all("#table tbody tr").length;
    return shown === Math.min(count, 200) ? "" : `${shown} lines for ${count} rows`;
  });
  for (const [sign, state] of [[1, "ascending"], [-1, "descending"]]) {
    await attempt(`a click on a header sorts ${state}`, () => {
      head("total_s").querySelector("button").click();
      const values = texts("total_s").filter((text) => text !== "").map(Number);
      if (head("total_s").getAttribute("aria-sort") !== state) return "aria-sort is " + head("total_s").getAttribute("aria-sort");
      return ordered(values, sign) ? "" : "not in order: " + values.slice(0, 5);
    });
  }
  await attempt("the filter keeps the rows with all its words", async () => {
    const input = document.getElementById("filter");
    const method = texts("method")[0] || "";
    input.value = method;
    input.dispatchEvent(new Event("input"));
    await wait(400);
    const wrong = texts("method").filter((text) => !text.includes(method));
    const summary = document.getElementById("count").textContent;
    input.value = "no row holds these words";
    input.dispatchEvent(new Event("input"));
    await wait(400);
    const none = all("#table tbody tr").length;
    input.value = "";
    input.dispatchEvent(new Event("input"));
    await wait(400);
    return wrong.length || none ? `${wrong.length} wrong rows, ${none} for words of no row (${summary})` : "";
  });
  await attempt("a row opens to every field and its commands", () => {
    const button = document.querySelector("#table .more");
    if (!button) return count ? "no button" : "";
    button.click();
    const fields = all("#table tr.details dt").length;
    const commands = document.querySelector("#table tr.details pre").textContent;
    button.click();
    return fields > 20 && commands.includes("tightlip") && !document.querySelector("#table tr.details") ? "" : `${fields} fields, ${commands}`;
  });
  await attempt("a hidden column can be shown", () => {
    const box = all("#column-list label").find((label) => label.textContent.trim() === "seed").querySelector("input");
    box.click();
    const shown = Boolean(head("seed"));
    box.click();
    return shown && !head("seed") ? "" : "the column seed did not appear and go";
  });
  const points = all(".sheet .point");
  if (points.length) {
    await attempt("pointing at a marker shows its numbers, leaving it hides them", () => {
      const tip = document.getElementById("tip");
      points[0].firstElementChild.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, clientX: 50, clientY: 50 }));
      const text = tip.textContent;
      const seen = !tip.hidden && getComputedStyle(tip).display !== "none";
      document.body.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
      return seen && text.length > 3 && tip.hidden ? "" : `visible: ${seen}, text: ${text}, hidden after: ${tip.hidden}`;
    });
    await attempt("a legend entry hides its series and shows it again", () => {
      const entry = document.querySelector(".sheet .legend");
      const svg = entry.closest("svg");
      const series = svg.querySelector(`.series[data-series="${entry.dataset.series}"]`);
      entry.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      const hidden = getComputedStyle(series).display === "none" && entry.getAttribute("aria-pressed") === "false";
      entry.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
      return hidden && getComputedStyle(series).display !== "none" ? "" : `hidden: ${hidden}`;
    });
    await attempt("every mark lies inside its picture", () => {
      const outside = all(".sheet svg").filter((svg) => {
        const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
        const box = svg.getBBox();
        return box.x < -1 || box.y < -1 || box.x + box.width > width + 1 || box.y + box.height > height + 1;
      });
      return outside.map((svg) => svg.closest("figure").id).join(", ");
    });
  }
  await attempt("nothing was loaded", () => performance.getEntriesByType("resource").map((entry) => entry.name).join(" "));
  await attempt("no errors", () => problems.join("; "));
  const report = document.createElement("pre");
  report.id = "check-report";
  report.textContent = JSON.stringify(results);
  document.body.append(report);
})();
</script>
"""

# What would make a browser fetch something; text of the run may name addresses.
REFERENCES = re.compile(r"""<(?:link|iframe|object|embed|base)\b|\b(?:src|href|srcset)\s*=\s*["']?\s*(?:https?:|//)|@import|url\(\s*["']?(?:https?:|//)""", re.IGNORECASE)


def browse(browser, page, *more):
    """Opens a page and returns what the browser wrote to its standard output."""
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", *more, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False).stdout


def run_checks(browser, page):
    """Every check as a pair of its name and what went wrong."""
    text = page.read_text(encoding="utf-8")
    found = REFERENCES.search(text)
    results = [["the text refers to nothing outside", found.group(0) if found else ""]]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "report.html"
        copy.write_text(text.replace("<style>", BEFORE + "<style>", 1) + AFTER, encoding="utf-8")
        document = browse(browser, copy, "--virtual-time-budget=20000", "--dump-dom")
    answer = re.search(r'<pre id="check-report">(.*?)</pre>', document, re.DOTALL)
    if not answer:
        return [*results, ["the page runs in the browser", "the test script did not finish"]]
    unescaped = answer.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return results + json.loads(unescaped)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="report.html, or the folder of a run")
    parser.add_argument("--screenshot", type=Path, metavar="FILE.png", help="also write a picture of the page")
    parser.add_argument("--dark", action="store_true", help="the picture in dark colours")
    parser.add_argument("--height", type=int, default=2600, help="height of the picture in pixels")
    arguments = parser.parse_args()
    page = arguments.page / "report.html" if arguments.page.is_dir() else arguments.page
    if not page.is_file():
        print(f"{page}: there is no such file: want a report.html, or the folder of a run")
        return 1
    browser = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if browser is None:
        print("skipped: no chromium")
        return 0
    results = run_checks(browser, page.resolve())
    for name, wrong in results:
        print(f"{'FAILED' if wrong else 'passed'}  {name}{': ' + wrong if wrong else ''}")
    if arguments.screenshot:
        dark = ["--blink-settings=preferredColorScheme=0"] if arguments.dark else ["--blink-settings=preferredColorScheme=1"]
        size = f"--window-size=1400,{arguments.height}"
        browse(browser, page.resolve(), size, *dark, f"--screenshot={arguments.screenshot.resolve()}")
    failed = sum(1 for _, wrong in results if wrong)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
