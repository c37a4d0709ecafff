"""Keyboard shortcuts of the pages: one table, a script that hears the keys, and the list."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

KEYS = {
    "o": "overview",
    "a": "answer",
    "p": "parameters",
    "t": "trials",
    "r": "trainings",
    "l": "timeline",
    "d": "data",
    "c": "compare",
    "m": "optimizers",
    "s": "schedules",
    "z": "regularization",
}
"""What is pressed after `g` to go to a page."""
OTHERS = {"/": "Search", "?": "This list"}
PAUSE = 2_000
"""Milliseconds in which the second key follows the first."""
HTML = """
<dialog aria-label="Keyboard shortcuts">
  <h2>Keyboard shortcuts</h2>
  <dl></dl>
  <form method="dialog"><button>Close</button></form>
</dialog>
"""
CSS = """
dialog {
  background: var(--st-background-color); color: var(--st-text-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  font-family: var(--st-font); padding: 1rem 1.5rem;
}
h2 { font-size: 1.1rem; margin: 0 0 0.75rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.4rem 1.5rem; margin: 0 0 1rem; }
dt { font-family: var(--st-code-font); }
dd { margin: 0; }
button {
  background: transparent; color: inherit; font: inherit; padding: 0.25rem 0.75rem;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
}
"""
SCRIPT = (
    """
let shown = { pages: {}, names: {} }
let list = null
let begun = 0
"""
    f"const PAUSE = {PAUSE}"
    """
function typing(event) {
  const element = event.composedPath()[0]
  if (!(element instanceof Element)) return false
  return element.isContentEditable || element.matches("input, textarea, select")
}

function go(path) {
  const links = [...document.querySelectorAll("a[href]")]
  const link = links.find((each) =>
    each.origin === window.location.origin && each.pathname.split("/").pop() === path)
  if (link) return link.click()
  const study = new URL(window.location.href).searchParams.get("study")
  const search = path && study ? `?study=${encodeURIComponent(study)}` : ""
  window.location.assign(new URL(`./${path}${search}`, window.location.href))
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return
  const second = performance.now() - begun < PAUSE
  begun = 0
  if (second && event.key in shown.pages) {
    event.preventDefault()
    event.stopPropagation()
    list?.close()
    go(shown.pages[event.key])
  } else if (event.key === "g") {
    begun = performance.now()
  } else if (event.key === "/") {
    const box = document.querySelector("input[type=search]")
    if (box) { event.preventDefault(); box.focus() }
  } else if (event.key === "?") {
    event.preventDefault()
    if (list && !list.open) list.showModal()
  }
}
document.addEventListener("keydown", pressed, true)

export default function ({ data, parentElement }) {
  shown = data
  list = parentElement.querySelector("dialog")
  const rows = Object.entries(data.names).flatMap(([keys, name]) => {
    const [key, page] = [document.createElement("dt"), document.createElement("dd")]
    key.textContent = keys
    page.textContent = name
    return [key, page]
  })
  list.querySelector("dl").replaceChildren(...rows)
  return () => { list = null }
}
"""
)
_listen = st.components.v2.component("shortcuts", html=HTML, css=CSS, js=SCRIPT)


def listen(pages: Mapping[str, tuple[str, str]]) -> None:
    """Let keys open pages: by their names in `KEYS`, the path and the title of each that is there;
    and list the keys in the sidebar."""
    there = {key: pages[name] for key, name in KEYS.items() if name in pages}
    names = {f"g {key}": title for key, (_, title) in there.items()} | OTHERS
    paths = {key: path for key, (path, _) in there.items()}
    _listen(key="shortcuts component", data={"pages": paths, "names": names})
    with st.sidebar.popover("Keyboard shortcuts", type="tertiary", icon=":material/keyboard:"):
        st.markdown("\n".join(f"- `{keys}` {title}" for keys, title in names.items()))
