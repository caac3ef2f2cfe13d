// Shows progress as it happens. Without this script every page works by being loaded again.
"use strict";

(() => {
  const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

  const size = (bytes) => {
    let unit = 0;
    while (bytes >= 1024 && unit < UNITS.length - 1) {
      bytes /= 1024;
      unit += 1;
    }
    return unit === 0 ? `${bytes} B` : `${bytes.toFixed(1)} ${UNITS[unit]}`;
  };

  const amount = (value) => {
    const show = value.unit === "bytes" ? size : (number) => number.toLocaleString("en");
    const text = value.total > 0 ? `${show(value.done)} of ${show(value.total)}` : show(value.done);
    return value.unit === "bytes" ? text : `${text} ${value.unit}`;
  };

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  };

  const badge = (tone, sign, word) => {
    const made = element("span", `badge ${tone}`);
    const mark = element("span", "", sign);
    mark.setAttribute("aria-hidden", "true");
    made.append(mark, ` ${word}`);
    return made;
  };

  // The page of one operation.
  const follow = (page) => {
    const list = document.getElementById("step-list");
    const messages = document.getElementById("messages");
    const connection = document.getElementById("connection");

    const step = (name) => {
      for (const item of list.children) {
        if (item.dataset.step === name) return item;
      }
      const item = element("li");
      item.dataset.step = name;
      item.append(element("span", "step-name", name), " ", element("span", "step-state"));
      list.append(item);
      page.querySelector("[data-no-steps]")?.remove();
      return item;
    };

    const state = (name, ...what) => step(name).querySelector(".step-state").replaceChildren(badge(...what));

    const progress = (name, value) => {
      const item = step(name);
      let bar = item.querySelector("progress");
      if (!bar) {
        bar = element("progress");
        bar.setAttribute("aria-label", `Progress of ${name}`);
        item.querySelector(".amount")?.remove();
        item.append(" ", bar, " ", element("span", "amount"));
      }
      if (value.total > 0) {
        bar.max = value.total;
        bar.value = value.done;
      } else {
        bar.removeAttribute("value");
      }
      item.querySelector(".amount").textContent = amount(value);
    };

    const source = new EventSource(`/v1/operations/${page.dataset.operation}/events`);
    source.onopen = () => {
      connection.textContent = "Live: this page follows the work.";
    };
    source.onerror = () => {
      connection.textContent =
        source.readyState === EventSource.CLOSED
          ? "The server does not send progress any more. Load the page again."
          : "The server cannot be reached; trying again.";
    };
    source.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      switch (event.event) {
        case "step_started":
          state(event.step, "plain", "•", "running");
          break;
        case "progress":
          progress(event.step, event.progress);
          break;
        case "step_ended":
          step(event.step).querySelector("progress")?.remove();
          if (event.ok) state(event.step, "good", "✓", "done");
          else state(event.step, "bad", "✕", "failed");
          break;
        case "message":
          messages.closest("section").hidden = false;
          messages.append(element("li", "", event.text));
          break;
        case "ended":
          source.close();
          location.reload();
          break;
      }
    };
  };

  // A list with operations that run: loaded again when one of them ends. A browser opens few streams at once.
  const wait = (marked) => {
    const source = new EventSource(`/v1/operations/${marked.dataset.ends}/events`);
    source.onmessage = ({ data }) => {
      if (JSON.parse(data).event === "ended") {
        source.close();
        location.reload();
      }
    };
  };

  const page = document.querySelector("[data-operation]");
  if (page) follow(page);
  else [...document.querySelectorAll("[data-ends]")].slice(0, 2).forEach(wait);
})();
