/** Elements with texts in them. Whatever comes from outside is text, never markup. */

export const byId = (id: string): HTMLElement => byIdOf(id, HTMLElement);

export function byIdOf<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`there is no such element: ${id}`);
  return found;
}

type Child = Node | string;

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Nothing is touched where nothing changes: a screen reader would begin anew, and a selection be lost. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export interface Row {
  head: string;
  cells: readonly string[];
}

/** Fills a table; its cells stay as long as it has the same shape. */
export function fillTable(table: HTMLTableElement, heads: readonly string[], rows: readonly Row[]): void {
  const texts = [...heads, ...rows.flatMap(({ head, cells }) => [head, ...cells])];
  const cells = [...table.querySelectorAll<HTMLElement>('th, td')];
  const shape = `${heads.length} ${rows.length}`;
  if (table.dataset['shape'] === shape && cells.length === texts.length) {
    for (const [n, cell] of cells.entries()) setText(cell, texts[n] ?? '');
    return;
  }
  table.dataset['shape'] = shape;
  table.replaceChildren(
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element(
      'tbody',
      {},
      ...rows.map(({ head, cells: own }) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, head),
          ...own.map((cell) => element('td', {}, cell)),
        ),
      ),
    ),
  );
}
