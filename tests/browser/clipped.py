"""Words of an open page that are cut off, or stand outside what they belong to."""

from playwright.sync_api import Page

_CUT = """() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const slack = 1.5, seen = {visibilityProperty: true}, unseen = '.unseen, .skip, script, style, noscript';
  while (walk.nextNode()) {
    const text = walk.currentNode, own = text.parentElement;
    if (!text.data.trim() || own.closest(unseen) || !own.checkVisibility(seen)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (!box.width) continue;
    const tell = why => found.push(`${why}: ${text.data.trim()} in ${own.tagName}.${own.className}`);
    let block = false;
    for (let one = own; one && one !== document.body; one = one.parentElement) {
      const style = getComputedStyle(one), edge = one.getBoundingClientRect();
      const beyond = box.right > edge.right + slack || box.left < edge.left - slack;
      const below = box.bottom > edge.bottom + slack || box.top < edge.top - slack;
      if (/auto|scroll/.test(style.overflowX) || edge.width <= 1) break;
      if (/hidden|clip/.test(style.overflowX) && (beyond || below)) { tell('cut'); break; }
      if (!block && style.display !== 'inline' && style.display !== 'contents' && !own.closest('svg')) {
        block = true;
        if (beyond) { tell('spills'); break; }
      }
    }
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push('wider than the window: ' + wide);
  return found;
}"""


def cut_off(page: Page) -> list[str]:
    """What is cut by a box that hides it, stands out of its own box, or makes the page scroll sideways."""
    found: list[str] = page.evaluate(_CUT)
    return found
