export function demoAveragesMs(output: string): { without: number; with: number };
export function wrongWithDemo(output: string): string | undefined;
export function countsOf(output: string): { passed: number; failed: number } | undefined;
export function toldFailures(output: string): string[];
export function lastLines(output: string): string[];
