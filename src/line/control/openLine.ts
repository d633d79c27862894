import type { LineControl, LineSettings } from './line.ts';

/** Opens the line under a device, shaped by the planner and the runner of `inetgw`. */
export async function openLine(settings: LineSettings): Promise<LineControl> {
  const { openShapedLine } = await import('./shapedLine.ts');
  return openShapedLine(settings);
}
