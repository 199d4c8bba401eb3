// Improves pages that work without it: local times, copying, a question before a secret is left that was not copied, and figures that
// are read again.
"use strict";

function showLocalTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const instant = new Date(time.dateTime);
    if (isNaN(instant)) continue;
    time.title = time.textContent;
    time.textContent = instant.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

showLocalTimes(document);

const secret = document.querySelector("[data-once]");
let isSaved = secret === null;

for (const source of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${source.dataset.copy}`);
  const said = document.createElement("span");
  said.className = "unseen";
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = said.textContent = "Copied";
      if (secret !== null && source.textContent.includes(secret.textContent)) isSaved = true;
    } catch {
      // Without permission, or over plain http: the text is selected instead.
      getSelection().selectAllChildren(source);
      button.textContent = said.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; said.textContent = ""; }, 2000);
  });
  source.after(button, said);
}

document.addEventListener("copy", () => { if (secret?.contains(getSelection().anchorNode)) isSaved = true; });
document.querySelector("[data-saved]")?.addEventListener("click", () => { isSaved = true; });
addEventListener("beforeunload", (leaving) => { if (!isSaved) leaving.preventDefault(); });

const live = document.querySelector("[data-live]");

async function refresh() {
  // Not under the reader's hands.
  if (document.hidden || live.contains(document.activeElement)) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    const page = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
    const fresh = page.querySelector("[data-live]");
    if (fresh === null) return;
    live.replaceChildren(...fresh.childNodes);
    showLocalTimes(live);
  } catch {
    // The server does not answer: the next turn tries again.
  }
}

if (live !== null) setInterval(refresh, 10000);
