/**
 * Metrics as text, in the format 0.0.4 that Prometheus and node_exporter's textfile collector read (prometheus.io,
 * "Exposition formats"). Pure.
 */
import { printableLine } from './printable.ts';

export interface Sample {
  labels: Readonly<Record<string, string | number>>;
  value: number;
  /** Of a histogram or summary: which of its series it is. */
  suffix?: '_bucket' | '_sum' | '_count';
}

/** All series of one name. The name ends in its base unit (`_bytes`, `_seconds`), that of a counter in `_total`. */
export interface MetricFamily {
  name: string;
  type: 'gauge' | 'counter' | 'histogram' | 'summary';
  help: string;
  samples: readonly Sample[];
}

/** One family after the other, each with its help; those without a series are left out. */
export function exposition(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(
        ({ labels, value, suffix = '' }) => `${name}${suffix}${labelText(labels)} ${value}\n`,
      );
      return `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

function labelText(labels: Sample['labels']): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escapedValue(String(value))}"`);
  return all.length === 0 ? '' : `{${all.join(',')}}`;
}

const escapedHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

/** A value may come from anywhere: what would steer a terminal is spelt out, what would end the value is escaped. */
const escapedValue = (value: string): string =>
  printableLine(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
