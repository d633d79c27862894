/** SVG as text, from pure functions: elements, escaping, and a chart of curves and points over an x axis. */
import type { Scale } from './scale.ts';

/** Safe in element content and in quoted attributes; control characters, which XML forbids, become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

export type Attributes = Readonly<Record<string, string | number>>;

/** One element; `children` are markup already, text goes through `escapeXml` first. */
export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? coordinate(value) : escapeXml(value)}"`)
    .join('');
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join('')}</${name}>`;
}

/** A tenth of a pixel is finer than any screen shows. */
function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function textElement(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, [escapeXml(text)]);
}

export interface ChartSeries {
  name: string;
  /** CSS class: colour and stroke stand in the page's style sheet, where dark mode can change them. */
  className: string;
  kind: 'curve' | 'dots';
  points: readonly { x: number; y: number; title?: string; className?: string; shiftPx?: number }[];
}

export interface Chart {
  /** For assistive software: a short name and what is to be seen. */
  id: string;
  title: string;
  description: string;
  width: number;
  height: number;
  x: Scale;
  y: Scale;
  yLabel: string;
  xLabel: string;
  formatX: (value: number) => string;
  formatY: (value: number) => string;
  series: readonly ChartSeries[];
  horizontal?: { y: number; label: string };
  vertical?: { x: number; label: string };
}

const MARGIN = { left: 64, right: 20, top: 34, bottom: 48 };
const DOT_RADIUS = 2.2;
const MARK_RADIUS = 4;

/** A chart as one `<svg>` element that scales with its container. */
export function chart(spec: Chart): string {
  const plotWidth = spec.width - MARGIN.left - MARGIN.right;
  const plotHeight = spec.height - MARGIN.top - MARGIN.bottom;
  const atX = (value: number): number => MARGIN.left + spec.x.position(value) * plotWidth;
  const atY = (value: number): number => MARGIN.top + (1 - spec.y.position(value)) * plotHeight;
  const bottom = MARGIN.top + plotHeight;
  const right = MARGIN.left + plotWidth;
  const parts: string[] = [
    element('title', { id: `${spec.id}-title` }, [escapeXml(spec.title)]),
    element('desc', { id: `${spec.id}-desc` }, [escapeXml(spec.description)]),
  ];
  for (const tick of spec.y.ticks) {
    parts.push(
      element('line', { class: 'grid', x1: MARGIN.left, x2: right, y1: atY(tick), y2: atY(tick) }),
      textElement(MARGIN.left - 8, atY(tick) + 4, spec.formatY(tick), {
        class: 'tick',
        'text-anchor': 'end',
      }),
    );
  }
  for (const tick of spec.x.ticks) {
    parts.push(
      element('line', { class: 'axis', x1: atX(tick), x2: atX(tick), y1: bottom, y2: bottom + 5 }),
      textElement(atX(tick), bottom + 19, spec.formatX(tick), { class: 'tick', 'text-anchor': 'middle' }),
    );
  }
  parts.push(
    element('line', { class: 'axis', x1: MARGIN.left, x2: right, y1: bottom, y2: bottom }),
    textElement(MARGIN.left + plotWidth / 2, bottom + 39, spec.xLabel, {
      class: 'label',
      'text-anchor': 'middle',
    }),
    textElement(MARGIN.left - 56, 16, spec.yLabel, { class: 'label' }),
  );
  if (spec.vertical !== undefined) parts.push(verticalMark(spec.vertical, atX, bottom, right));
  if (spec.horizontal !== undefined) {
    const y = atY(spec.horizontal.y);
    parts.push(
      element('line', { class: 'limit', x1: MARGIN.left, x2: right, y1: y, y2: y }),
      textElement(MARGIN.left + 6, y - 6, spec.horizontal.label, { class: 'limit-label' }),
    );
  }
  for (const series of spec.series) parts.push(drawSeries(series, atX, atY));
  return element(
    'svg',
    {
      viewBox: `0 0 ${spec.width} ${spec.height}`,
      role: 'img',
      'aria-labelledby': `${spec.id}-title ${spec.id}-desc`,
      xmlns: 'http://www.w3.org/2000/svg',
    },
    parts,
  );
}

function verticalMark(
  mark: { x: number; label: string },
  atX: (value: number) => number,
  bottom: number,
  right: number,
): string {
  const x = atX(mark.x);
  const leftOf = x > (MARGIN.left + right) / 2;
  return (
    element('line', { class: 'mark', x1: x, x2: x, y1: MARGIN.top, y2: bottom }) +
    textElement(leftOf ? x - 7 : x + 7, MARGIN.top + 12, mark.label, {
      class: 'mark-label',
      'text-anchor': leftOf ? 'end' : 'start',
    })
  );
}

function drawSeries(
  series: ChartSeries,
  atX: (value: number) => number,
  atY: (value: number) => number,
): string {
  const sorted = series.kind === 'curve' ? [...series.points].sort((a, b) => a.x - b.x) : series.points;
  const dots = sorted.map((point) =>
    element(
      'circle',
      {
        cx: atX(point.x) + (point.shiftPx ?? 0),
        cy: atY(point.y),
        r: series.kind === 'curve' ? MARK_RADIUS : DOT_RADIUS,
        ...(point.className === undefined ? {} : { class: point.className }),
      },
      point.title === undefined ? [] : [element('title', {}, [escapeXml(point.title)])],
    ),
  );
  const path =
    series.kind === 'dots' || sorted.length < 2
      ? []
      : [
          element('path', {
            d: sorted
              .map(
                ({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${coordinate(atX(x))} ${coordinate(atY(y))}`,
              )
              .join(''),
          }),
        ];
  return element('g', { class: `${series.kind} ${series.className}` }, [...path, ...dots]);
}
