// What a browser shows of a prompt, as plain numbers. Nothing is judged here and nothing is kept.
// Read by `rendered.py`, which hands this function to the page.
async () => {
  // Focus is set beforehand with the first frame; one that is never painted is not waited for.
  const frame = () => new Promise((done) => { requestAnimationFrame(done); setTimeout(done, 1000); });
  await frame();
  await frame();

  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });

  /** Any CSS colour as red, green, blue (0 to 255) and alpha (0 to 1). */
  const colour = (text) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = "#000";
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, alpha, below) => below.map((part, i) => top[i] * alpha + part * (1 - alpha));

  const probe = document.createElement("div");
  probe.style.cssText = "background: Canvas; display: none";
  document.documentElement.append(probe);
  const paper = colour(getComputedStyle(probe).backgroundColor).slice(0, 3);
  probe.remove();

  const ways = new Map(); // an element's fill is asked for by each text in it
  /** The colour behind what is in *element*, and whether a picture lies there. */
  const fill = (element) => {
    if (!element) return { rgb: paper, picture: false };
    if (!ways.has(element)) {
      const below = fill(element.parentElement);
      const style = getComputedStyle(element);
      const [red, green, blue, alpha] = colour(style.backgroundColor);
      const seen = alpha * Number(style.opacity);
      ways.set(element, {
        rgb: over([red, green, blue], seen, below.rgb),
        picture: style.backgroundImage !== "none" || (below.picture && seen < 1),
      });
    }
    return ways.get(element);
  };
  /** The colour *text* of *element* as it comes out over *behind*, faded by all around it. */
  const ink = (element, text, behind) => {
    let [red, green, blue, alpha] = colour(text);
    for (let each = element; each; each = each.parentElement) alpha *= Number(getComputedStyle(each).opacity);
    return over([red, green, blue], alpha, behind);
  };

  /** Is *element* shown at all, by all that style sheets say of it and of what is around it? */
  const shown = (element) => {
    const plain = { opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true };
    if (!element.checkVisibility(plain)) return false;
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      const { width, height } = each.getBoundingClientRect();
      const cut = style.overflowX !== "visible" || style.overflowY !== "visible";
      if (style.clipPath !== "none" || (cut && each !== document.body && (width <= 1 || height <= 1))) return false;
    }
    return true;
  };
  const onPage = (box) =>
    box.width >= 1 && box.height >= 1 && box.right + scrollX > 0 && box.bottom + scrollY > 0 &&
    box.left + scrollX < document.documentElement.scrollWidth;

  /** Does a click on the middle of *element*, once scrolled to, reach it? */
  const reached = (element) => {
    element.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    const [box] = element.getClientRects();
    return element.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
  };

  const stops = [...document.querySelectorAll("*")]
    .filter((element) => element.tabIndex >= 0 && !element.matches(":disabled") && element.checkVisibility());
  stops.sort((one, other) => (one.tabIndex || Infinity) - (other.tabIndex || Infinity) || 0);

  const place = { x: scrollX, y: scrollY };
  const wanted = "button, a[href], area[href], input:is([type=submit], [type=button], [type=image])," +
    " [role=button], [role=link], [data-answer]";
  const found = [...document.querySelectorAll(wanted)];
  const controls = found.map((element) => {
    const style = getComputedStyle(element);
    const around = fill(element.parentElement);
    const own = fill(element);
    const box = element.getBoundingClientRect();
    const link = element.matches("a, area");
    return {
      kind: link ? "link" : element.matches("button, input") ? "button" : `<${element.localName}>`,
      label: (element.innerText || element.textContent || element.value || element.ariaLabel || "").trim(),
      marks: Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value])),
      x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height,
      shown: shown(element) && onPage(box), reached: false,
      font: [style.fontFamily, style.fontSize, style.fontWeight, style.fontStyle,
        style.textTransform, style.letterSpacing, style.textDecorationLine].join(" | "),
      size: parseFloat(style.fontSize), weight: parseInt(style.fontWeight, 10) || 400,
      ink: ink(element, style.color, own.rgb), fill: own.rgb, around: around.rgb, picture: own.picture,
      border: parseFloat(style.borderTopWidth) || 0,
      edge: ink(element, style.borderTopColor, own.rgb),
      trim: [style.boxShadow, style.backgroundImage, style.animationName, style.textShadow, style.filter,
        style.outlineStyle === "none" || element === document.activeElement ? "" : style.outlineWidth].join(" | "),
      stop: stops.indexOf(element), focused: element === document.activeElement,
    };
  });
  found.forEach((element, i) => {
    if (controls[i].shown) controls[i].reached = reached(element);
  });
  scrollTo({ left: place.x, top: place.y, behavior: "instant" });

  const texts = [];
  const blocks = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || element.matches("script, style, noscript, option") || !shown(element)) continue;
    range.selectNodeContents(node);
    if (![...range.getClientRects()].some(onPage)) continue;
    let block = element;
    while (getComputedStyle(block).display === "inline" && block.parentElement) block = block.parentElement;
    blocks.set(block, (blocks.get(block) ?? "") + node.data);
    const style = getComputedStyle(element), behind = fill(element);
    texts.push({
      text: node.data.trim().slice(0, 40), control: found.indexOf(element.closest(wanted)), size: parseFloat(style.fontSize),
      weight: parseInt(style.fontWeight, 10) || 400,
      ink: ink(element, style.color, behind.rgb), fill: behind.rgb, picture: behind.picture,
    });
  }

  const count = async (ask) => { try { return await ask(); } catch { return 0; } };
  const written = []; // what style sheets put into the page
  for (const element of document.body.querySelectorAll("*")) {
    for (const part of ["::before", "::after"]) {
      const { content } = getComputedStyle(element, part);
      if (content.includes('"') && shown(element)) written.push(content.slice(content.indexOf('"') + 1, content.lastIndexOf('"')));
    }
  }

  const active = document.activeElement;
  return {
    controls, texts, written, paragraphs: [...blocks.values()],
    ticked: active !== null && active.matches("input[type=checkbox], input[type=radio], [role=checkbox], [role=switch]"),
    width: document.documentElement.clientWidth, height: innerHeight,
    fetched: performance.getEntriesByType("resource").map(({ name }) => name),
    stored: {
      "local storage": await count(() => localStorage.length),
      "session storage": await count(() => sessionStorage.length),
      IndexedDB: await count(async () => (await indexedDB.databases()).length),
      "cache storage": await count(async () => (await caches.keys()).length),
      "service worker": await count(async () => (await navigator.serviceWorker.getRegistrations()).length),
    },
  };
}
