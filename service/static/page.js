// What the page gains from JavaScript: a file dropped anywhere on a slot, and buttons that copy. Without it everything else works.
"use strict";

for (const slot of document.querySelectorAll(".slot")) {
  const input = slot.querySelector("input[type=file]");
  slot.addEventListener("dragover", (event) => {
    event.preventDefault();
    slot.classList.add("dropping");
  });
  slot.addEventListener("dragleave", () => slot.classList.remove("dropping"));
  slot.addEventListener("drop", (event) => {
    slot.classList.remove("dropping");
    if (event.dataTransfer.files.length) {
      event.preventDefault();
      input.files = event.dataTransfer.files;
    }
  });
}

for (const code of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-code";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy the " + code.querySelector("h2").textContent);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.querySelector("pre").textContent);
    button.textContent = "Copied";
  });
  code.querySelector("h2").append(button);
}
