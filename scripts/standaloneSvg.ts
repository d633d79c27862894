/** A chart as an SVG file of its own for the documents: colours and a legend inside, on white. Pure. */
import { chart, element, textElement, type Chart } from '../src/report/plot/svg.ts';

export interface Standalone {
  /** By class name. */
  colours: Readonly<Record<string, string>>;
  /** Where the square of a name stands; its text goes to the right of it. */
  legendAt: (index: number) => { x: number; y: number };
  /** Of the points on a curve; the chart's own if left out. */
  dotRadiusPx?: number;
}

const STYLE = `svg{font:13px system-ui,sans-serif;background:#fff}text{fill:#222}.grid{stroke:#e3e3e3}.axis{stroke:#888}
.limit{stroke:#888;stroke-dasharray:4 4}`;
const SQUARE_PX = 11;

export function standaloneSvg(spec: Chart, { colours, legendAt, dotRadiusPx }: Standalone): string {
  const radius = dotRadiusPx === undefined ? '' : `;r:${dotRadiusPx}px`;
  const rules = Object.entries(colours).map(
    ([name, colour]) =>
      `.${name} path{fill:none;stroke:${colour};stroke-width:1.8}.${name} circle{fill:${colour}${radius}}`,
  );
  const legend = spec.series.map(({ name, className }, index) => {
    const { x, y } = legendAt(index);
    const fill = colours[className] ?? '#000';
    return (
      element('rect', { x, y, width: SQUARE_PX, height: SQUARE_PX, fill }) + textElement(x + 17, y + 10, name)
    );
  });
  return chart(spec)
    .replace('>', `><style>${STYLE}${rules.join('')}</style>`)
    .replace('</svg>', `${legend.join('')}</svg>\n`);
}
